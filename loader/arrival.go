package loader

import (
	"time"

	"postern/loader/internal/layout"
	"postern/loader/source"
)

// arrival is an organization's folder that appeared and is not at rest yet: it
// is not taken until nothing in it has changed for Config.Hold (specification
// 4, Removals and faults).
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
	// lost are bucket files of its survey that other organizations lost since:
	// one that moves here and arrives broken is not taken for none.
	lost []lostFile
}

// rest reports whether an organization that is arriving is at rest, or has not
// been for too long.
func (l *Loader) rest(org string, now source.Survey) bool {
	a, t := l.arrivals[org], time.Now()
	return a != nil && (a.survey.Sum == now.Sum && t.Sub(a.since) >= l.c.Hold || t.Sub(a.first) >= longestHold)
}

// patient reports whether an organization that changes still may be waited for.
func (l *Loader) patient(org string) bool {
	a := l.arrivals[org]
	return a == nil || time.Since(a.first) < longestHold
}

// arrive notes which organizations' folders are arriving after a look.
func (l *Loader) arrive(f *findings) {
	for name := range l.arrivals {
		if _, looked := f.Misplaced[name]; f.All || looked {
			if _, arriving := f.Surveys[name]; !arriving {
				f.late = append(f.late, l.arrivals[name].lost...)
				delete(l.arrivals, name)
			}
		}
	}
	now := time.Now()
	for name, v := range f.Surveys {
		if l.orgs[name] != nil { // a look in between took it
			delete(l.arrivals, name)
			continue
		}
		a := l.arrivals[name]
		if a == nil {
			a = &arrival{survey: v, since: now, first: now}
			l.arrivals[name] = a
		}
		if a.survey.Sum != v.Sum || now.Sub(a.since) >= l.c.Hold {
			a.survey, a.since = v, now
		}
	}
}

// noteLost notes for the organizations that are arriving which of their bucket
// files others lost in a commit.
func (l *Loader) noteLost(ch *changes) {
	for _, a := range l.arrivals {
		for _, x := range ch.lost {
			if _, ok := a.survey.Files[x.bucket+layout.Suffix]; ok {
				a.lost = append(a.lost, x)
			}
		}
	}
}

// coming reports whether an organization that is arriving has one of the
// bucket files.
func (l *Loader) coming(files map[string]struct{}) bool {
	for _, a := range l.arrivals {
		for file := range a.survey.Files {
			if _, ok := files[file]; ok {
				return true
			}
		}
	}
	return false
}
