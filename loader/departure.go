package loader

import (
	"time"

	"postern/loader/internal/layout"
	"postern/loader/source"
)

// departure is what vanished from one folder and is held: it stays in force
// until the folder has been at rest for Config.Hold.
//
// Whoever removes a folder removes its files one by one, and the folder last.
// A look that lands inside must take no part for the whole: a Deny may go
// before the Allow beside it, or before the folder's own vanishing, which is a
// fault (specification 4, Removals and faults). So a removal counts only once
// nothing else comes to or goes from that folder. What was not removed but
// changed is not held.
type departure struct {
	names map[string]struct{} // bucket files; nil for a unit of several files
	from  source.Version      // of the folder that they vanished from, as last seen
	since time.Time           // when that was seen to be another than before
	first time.Time
}

// longestHold bounds how long a removal, or an organization that arrives, is
// held in a folder that never rests: what was meant must happen at last.
const longestHold = 30 * time.Second

// hold takes out of the findings what vanished and is held. SIGHUP confirms:
// then nothing is.
//
// A folder that a link now leads to, or that lies behind a root that was
// re-pointed, was swapped whole: what it lacks was never in it. An
// organization that vanished is a removal at once, as it leaves nobody with
// access; so is a bucket file that another organization has now.
func (l *Loader) hold(f *findings, sc *source.Scope) {
	if !l.loaded || sc.Confirm || sc.AtOnce || f.Moved {
		clear(l.departures)
		return
	}
	for _, of := range f.Orgs {
		o := l.orgs[of.Name]
		if o == nil || of.Gone || of.Fault != nil {
			for p := range layout.PartNames {
				delete(l.departures, layout.Place{Org: of.Name, Part: layout.Part(p)})
			}
			continue
		}
		for _, p := range []layout.Part{layout.Policies, layout.IAM} {
			if l.holdSet(o, of, p) {
				of.Units[p] = nil
			}
		}
		if of.Buckets != nil && l.holdBuckets(f, o, of) {
			of.Buckets = nil
		}
	}
	for _, d := range l.departures { // nothing is looked at again in a tight loop
		if !time.Now().Before(d.since.Add(l.c.Hold)) {
			d.since = time.Now()
		}
	}
}

// holdSet reports whether what was found of a unit of several files is held.
func (l *Loader) holdSet(o *organization, of *source.OrgFinding, p layout.Part) bool {
	x, u, at := of.Units[p], o.Unit(p), layout.Place{Org: o.name, Part: p}
	if x == nil {
		return false
	}
	from, swapped := x.Version, of.Swapped || x.Swapped
	if !x.There {
		from = of.Version
	}
	if x.Good == nil || swapped || !lacks(x.Seen, u.Seen) || l.rested(at, from, nil) {
		delete(l.departures, at)
		return false
	}
	return true
}

// holdBuckets takes the bucket files that vanished, and are held, out of what
// was found of buckets/. True: all of it is held, as the folder vanished.
func (l *Loader) holdBuckets(f *findings, o *organization, of *source.OrgFinding) bool {
	x, at := of.Buckets, layout.Place{Org: o.name, Part: layout.Buckets}
	gone, here := map[string]struct{}{}, x.Found[:0:0]
	for i := range x.Found {
		if b := &x.Found[i]; b.Gone && !f.arrived(b.Name) { // what is missed is not among these
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
		(l.rested(at, from, gone) || of.Swapped || x.Swapped) && !l.coming(gone) {
		delete(l.departures, at)
		return false
	}
	x.Found = here
	return x.Absent
}

// rested reports whether the folder that names vanished from, as it looks now,
// has been at rest for long enough. It goes by the time that passes here: the
// clock of the file system may be another, and either may step.
func (l *Loader) rested(at layout.Place, from source.Version, names map[string]struct{}) bool {
	now := time.Now()
	d := l.departures[at]
	if d == nil {
		d = &departure{first: now}
		l.departures[at] = d
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
	return now.Sub(d.since) >= l.c.Hold || now.Sub(d.first) >= longestHold
}

// lacks reports whether a name of was is not among those of is; both are in
// byte order.
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

// arrived reports whether a bucket file that vanished from one organization is
// in another now, and good: it was moved.
func (f *findings) arrived(file string) bool {
	if f.arrivals == nil {
		f.arrivals = map[string]struct{}{}
		for _, of := range f.Orgs {
			if of.Buckets == nil {
				continue
			}
			for i := range of.Buckets.Found {
				if b := &of.Buckets.Found[i]; b.Good != nil && b.Added {
					f.arrivals[b.Name] = struct{}{}
				}
			}
		}
	}
	_, ok := f.arrivals[file]
	return ok
}

// departing tells when a departure, or an arrival, has to be looked at again.
func (l *Loader) departing() (at time.Time, ok bool) {
	if l.held() { // all is looked at once it is not
		return at, false
	}
	if l.failed { // the look that finds the policy directory again sees to it
		return at, false
	}
	for _, d := range l.departures {
		if due := d.since.Add(l.c.Hold); !ok || due.Before(at) {
			at, ok = due, true
		}
	}
	for _, a := range l.arrivals {
		if due := a.since.Add(l.c.Hold); !ok || due.Before(at) {
			at, ok = due, true
		}
	}
	return at, ok
}

// addDepartures puts the departures and arrivals that are due into scope.
func (l *Loader) addDepartures(sc *source.Scope) {
	due := time.Now().Add(-l.c.Hold)
	for name, a := range l.arrivals {
		if sc.AtOnce || !a.since.After(due) {
			sc.Add(layout.Place{Org: name, Part: layout.Folder})
		}
	}
	for p, d := range l.departures {
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

// departed adds to a scope in which bucket files are looked at one by one those
// of their folders that are held: with one, all of the folder are looked at.
func (l *Loader) departed(sc *source.Scope) {
	for p, d := range l.departures {
		if o := sc.Orgs[p.Org]; o != nil && p.Part == layout.Buckets && len(o.Files) > 0 {
			for name := range d.names {
				o.Files = source.With(o.Files, name)
			}
		}
	}
}
