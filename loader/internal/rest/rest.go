package rest

import (
	"time"

	"postern/loader/internal/layout"
	"postern/loader/source"
)

// Longest bounds how long a removal or an organization waits for a folder that never
// is at rest, so that it takes effect at last.
const Longest = 30 * time.Second

// Rest has what waits. It is not safe for concurrent use.
type Rest struct {
	Hold    time.Duration // how long a folder has to be at rest
	Longest time.Duration // how long to wait for that at most
	// Now is a clock that never steps. The clock of the file system would not do,
	// as it may be another machine's.
	Now func() time.Time
	// Org returns what the last looks left of an organization, or nil if it is not in
	// force.
	Org func(name string) *source.Last

	departures map[layout.Place]*departure // by unit; those of all bucket files under buckets/
	arrivals   map[string]*arrival         // by organization
}

// New returns a Rest in which nothing waits.
func New(hold time.Duration, org func(string) *source.Last) *Rest {
	return &Rest{Hold: hold, Longest: Longest, Now: time.Now, Org: org, departures: map[layout.Place]*departure{}, arrivals: map[string]*arrival{}}
}

// Due returns the time until something that waits has to be looked at again, which may
// be negative, and false if nothing waits.
func (r *Rest) Due() (in time.Duration, ok bool) {
	since, ok := time.Time{}, false
	earlier := func(t time.Time) {
		if !ok || t.Before(since) {
			since, ok = t, true
		}
	}
	for _, d := range r.departures {
		earlier(d.since)
	}
	for _, a := range r.arrivals {
		earlier(a.since)
	}
	return since.Add(r.Hold).Sub(r.Now()), ok
}

// AddDue adds to the scope what is due; or, if the scope says that no folder has to be
// at rest, all that waits.
func (r *Rest) AddDue(sc *source.Scope) {
	due := r.Now().Add(-r.Hold)
	for name, a := range r.arrivals {
		if sc.AtOnce || !a.since.After(due) {
			sc.Add(layout.Place{Org: name, Part: layout.Folder})
		}
	}
	for p, d := range r.departures {
		if !sc.AtOnce && d.since.After(due) {
			continue
		}
		for name := range d.names { // with one, all of the folder are looked at
			p.Name = name
			break
		}
		sc.Add(p)
	}
}

// Widen adds to the scope the bucket files that wait, where it has other files of the
// same folder: all that vanished from a folder is looked at together.
func (r *Rest) Widen(sc *source.Scope) {
	for p, d := range r.departures {
		if o := sc.Orgs[p.Org]; o != nil && p.Part == layout.Buckets && len(o.Files) > 0 {
			for name := range d.names {
				o.Files = source.With(o.Files, name)
			}
		}
	}
}
