package rest

import (
	"time"

	"postern/loader/internal/layout"
	"postern/loader/source"
)

// Longest bounds how long a removal waits, or an organization that arrives, where
// the folder never rests: what was meant must happen at last.
const Longest = 30 * time.Second

// Rest is what waits. It is not safe from several goroutines at once.
type Rest struct {
	Hold    time.Duration // that a folder has to be at rest
	Longest time.Duration // that it is waited for at most
	// Now is a clock that goes with the time that passes here: that of the file
	// system may be another, and either may step.
	Now func() time.Time
	// Org is what the last looks left of an organization; nil: it is not in force.
	Org func(name string) *source.Last

	departures map[layout.Place]*departure // by the unit, or buckets/, that they are of
	arrivals   map[string]*arrival         // by organization
}

// New is a Rest in which nothing waits.
func New(hold time.Duration, org func(string) *source.Last) *Rest {
	return &Rest{Hold: hold, Longest: Longest, Now: time.Now, Org: org, departures: map[layout.Place]*departure{}, arrivals: map[string]*arrival{}}
}

// Due tells in how long something has to be looked at again, which may be negative;
// false: nothing waits.
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

// AddDue puts into scope what is due, and all that waits if nothing has to be at
// rest.
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

// Widen adds to a scope in which bucket files are looked at one by one those of
// their folders that wait: with one, all of the folder are looked at.
func (r *Rest) Widen(sc *source.Scope) {
	for p, d := range r.departures {
		if o := sc.Orgs[p.Org]; o != nil && p.Part == layout.Buckets && len(o.Files) > 0 {
			for name := range d.names {
				o.Files = source.With(o.Files, name)
			}
		}
	}
}
