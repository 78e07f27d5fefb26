package rest

import (
	"time"

	"postern/loader/internal/layout"
	"postern/loader/source"
)

// departure is what vanished from one folder and waits. It stays in force until the
// folder has been at rest for Rest.Hold.
//
// Whoever removes a folder removes its files one by one, and the folder last. A look
// in the middle must not take a part for the whole: a Deny may go before the Allow
// beside it, or before the folder itself, whose removal is a fault (specification 4,
// Removals and faults). So a removal takes effect only when no name comes to or goes
// from the folder any more.
type departure struct {
	names map[string]struct{} // the bucket files; nil for a set
	from  source.Version      // of the folder that they vanished from, at the last look
	since time.Time           // when that version was first seen
	first time.Time           // when something was first seen to have vanished
}

// Depart takes out of the findings what vanished and waits. With atOnce nothing waits.
// What is missed must have been taken out before.
//
// A folder that another link leads to now, or that lies in a root that was re-pointed,
// was exchanged whole: what it lacks was never in it, and does not wait. Nor does an
// organization that vanished, since that leaves nobody with access, or a bucket file
// that another organization has now.
func (r *Rest) Depart(f *source.Found, atOnce bool) {
	if atOnce || f.Moved {
		clear(r.departures)
		return
	}
	elsewhere := arrived{f: f}
	for _, of := range f.Orgs {
		o := r.Org(of.Name)
		if o == nil || of.Gone || of.Fault != nil {
			for p := range layout.PartNames {
				delete(r.departures, layout.Place{Org: of.Name, Part: layout.Part(p)})
			}
			continue
		}
		for _, p := range layout.Sets {
			if p != layout.List && r.set(o, of, p) {
				of.Units[p] = nil
			}
		}
		if of.Buckets != nil && r.buckets(&elsewhere, o, of) {
			of.Buckets = nil
		}
	}
	for _, d := range r.departures { // nothing is looked at again in a tight loop
		if now := r.Now(); !now.Before(d.since.Add(r.Hold)) {
			d.since = now
		}
	}
}

// set reports whether what was found of a set waits.
func (r *Rest) set(o *source.Last, of *source.OrgFinding, p layout.Part) bool {
	x, u, at := of.Units[p], o.Unit(p), layout.Place{Org: of.Name, Part: p}
	if x == nil {
		return false
	}
	from, swapped := x.Version, of.Swapped || x.Swapped
	if !x.There {
		from = of.Version
	}
	if x.Good == nil || swapped || !lacks(x.Seen, u.Seen) || r.rested(at, from, nil) {
		delete(r.departures, at)
		return false
	}
	return true
}

// buckets takes the bucket files that vanished and wait out of what was found of
// buckets/. It reports whether all of that waits, because the folder itself vanished.
func (r *Rest) buckets(elsewhere *arrived, o *source.Last, of *source.OrgFinding) bool {
	x, at := of.Buckets, layout.Place{Org: of.Name, Part: layout.Buckets}
	gone, here := map[string]struct{}{}, x.Found[:0:0]
	for i := range x.Found {
		if b := &x.Found[i]; b.Gone && !elsewhere.has(b.Name) { // what is missed is not among these
			gone[b.Name] = struct{}{}
		} else {
			here = append(here, *b)
		}
	}
	from := x.Version
	if x.Absent {
		gone, from = map[string]struct{}{}, of.Version
		for name := range o.Buckets {
			if _, missed := x.Missed[name]; !missed {
				gone[name] = struct{}{}
			}
		}
	}
	// What an organization that is arriving has waits for that, whatever it left.
	if x.Fault != nil || len(gone) == 0 ||
		(r.rested(at, from, gone) || of.Swapped || x.Swapped) && !r.coming(gone) {
		delete(r.departures, at)
		return false
	}
	x.Found = here
	return x.Absent
}

// rested reports whether the folder that names vanished from has been at rest for long
// enough. from is its version now.
func (r *Rest) rested(at layout.Place, from source.Version, names map[string]struct{}) bool {
	now := r.Now()
	d := r.departures[at]
	if d == nil {
		d = &departure{first: now, since: now, from: from}
		r.departures[at] = d
	}
	moved := d.from != from
	for name := range names {
		if _, ok := d.names[name]; !ok {
			d.names = source.With(d.names, name)
			moved = true
		}
	}
	if moved {
		d.from, d.since = from, now
	}
	return now.Sub(d.since) >= r.Hold || now.Sub(d.first) >= r.Longest
}

// lacks reports whether is lacks a name of was. Both are in byte order.
func lacks(is, was []source.Seen) bool {
	for _, f := range was {
		for len(is) > 0 && is[0].Name < f.Name {
			is = is[1:]
		}
		if len(is) == 0 || is[0].Name != f.Name {
			return true
		}
	}
	return false
}

// arrived has the bucket files that a look found, good, in an organization that did not
// have them before.
type arrived struct {
	f     *source.Found
	files map[string]struct{} // nil until has is asked
}

// has reports whether a bucket file that vanished from one organization was moved to
// another one.
func (a *arrived) has(file string) bool {
	if a.files == nil {
		a.files = map[string]struct{}{}
		for _, of := range a.f.Orgs {
			if of.Buckets == nil {
				continue
			}
			for i := range of.Buckets.Found {
				if b := &of.Buckets.Found[i]; b.Good != nil && b.Added {
					a.files[b.Name] = struct{}{}
				}
			}
		}
	}
	_, ok := a.files[file]
	return ok
}
