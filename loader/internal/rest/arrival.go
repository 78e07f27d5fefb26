package rest

import (
	"time"

	"postern/loader/source"
)

// arrival is an organization's folder that appeared and is not at rest yet.
//
// Whoever copies an organization in copies it part by part, and what comes
// last may be the bucket policies that deny. So the folder is looked at from
// outside, names and stamps, until two such surveys that far apart show the
// same; then it is scanned, surveyed once more, and taken whole. Nothing in it
// has an event meanwhile: it is surveyed again when it is due.
type arrival struct {
	survey source.Survey
	since  time.Time // when the survey was first like this
	first  time.Time
	lost   map[string]bool // see Lost
}

// Rested reports whether an organization that is arriving, and looks as surveyed,
// is at rest, or has not been for too long.
func (r *Rest) Rested(org string, now source.Survey) bool {
	a, t := r.arrivals[org], r.Now()
	return a != nil && (a.survey.Sum == now.Sum && t.Sub(a.since) >= r.Hold || t.Sub(a.first) >= r.Longest)
}

// Patient reports whether an organization that changes still may be waited for.
func (r *Rest) Patient(org string) bool {
	a := r.arrivals[org]
	return a == nil || r.Now().Sub(a.first) < r.Longest
}

// Arrive notes after a look which organizations are arriving. It returns the
// bucket files that others lost while those that arrive no longer did: see Lost.
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

// Lost notes that an organization in force lost a bucket file, for those that are
// arriving and have it: one that moves and arrives broken is not taken for none.
// unknown: the file could have said anything.
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
