package rest

import (
	"time"

	"postern/loader/source"
)

// arrival is an organization whose folder appeared and is not at rest yet.
//
// Whoever copies an organization in copies it part by part, and what comes last may be
// the bucket policies that deny. So the folder is surveyed, names and versions only,
// until two surveys that are Rest.Hold apart are equal. Then it is scanned, surveyed
// once more, and taken whole. Events in it are not waited for: it is surveyed again
// when it is due.
type arrival struct {
	survey source.Survey
	since  time.Time       // when the survey was first like this
	first  time.Time       // when the organization was first seen
	lost   map[string]bool // see Lost
}

// Rested reports whether an organization that is arriving and looks as surveyed is at
// rest, or has waited for Longest.
func (r *Rest) Rested(org string, now source.Survey) bool {
	a, t := r.arrivals[org], r.Now()
	return a != nil && (a.survey.Sum == now.Sum && t.Sub(a.since) >= r.Hold || t.Sub(a.first) >= r.Longest)
}

// Patient reports whether an organization that still changes may wait further.
func (r *Rest) Patient(org string) bool {
	a := r.arrivals[org]
	return a == nil || r.Now().Sub(a.first) < r.Longest
}

// Arrive notes which organizations are arriving after a look. For those that are
// arriving no longer it returns what Lost noted: the bucket files, and of each whether
// it could have said anything.
func (r *Rest) Arrive(f *source.Found) (late map[string]bool) {
	late = map[string]bool{}
	for name := range r.arrivals {
		if _, looked := f.Misplaced[name]; f.All || looked {
			if _, arriving := f.Surveys[name]; !arriving {
				for file, unknown := range r.arrivals[name].lost {
					late[file] = late[file] || unknown
				}
				delete(r.arrivals, name)
			}
		}
	}
	now := r.Now()
	for name, v := range f.Surveys {
		if r.Org(name) != nil { // a look in between took it
			delete(r.arrivals, name)
			continue
		}
		a := r.arrivals[name]
		if a == nil {
			a = &arrival{survey: v, since: now, first: now, lost: map[string]bool{}}
			r.arrivals[name] = a
		}
		if a.survey.Sum != v.Sum || now.Sub(a.since) >= r.Hold {
			a.survey, a.since = v, now
		}
	}
	return late
}

// Lost notes that an organization in force lost a bucket file, for the organizations
// that are arriving with a file of that name: a policy that moves and arrives broken
// must not be taken for none. unknown says that the file had no known content, so that
// it could have said anything.
func (r *Rest) Lost(file string, unknown bool) {
	for _, a := range r.arrivals {
		if _, ok := a.survey.Files[file]; ok {
			a.lost[file] = a.lost[file] || unknown
		}
	}
}

// coming reports whether an organization that is arriving has one of the
// bucket files.
func (r *Rest) coming(files map[string]struct{}) bool {
	for _, a := range r.arrivals {
		for file := range a.survey.Files {
			if _, ok := files[file]; ok {
				return true
			}
		}
	}
	return false
}
