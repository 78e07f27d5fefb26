package loader

import (
	"time"

	"postern/loader/internal/layout"
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
	from  version             // of the folder that they vanished from, as last seen
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
func (l *Loader) hold(f *findings, sc *scope) {
	if !l.loaded || sc.confirm || sc.atOnce || f.moved {
		clear(l.departures)
		return
	}
	for _, of := range f.orgs {
		o := l.orgs[of.name]
		if o == nil || of.gone || of.fault != nil {
			for p := range layout.PartNames {
				delete(l.departures, layout.Place{Org: of.name, Part: layout.Part(p)})
			}
			continue
		}
		for _, p := range []layout.Part{layout.Policies, layout.IAM} {
			if l.holdSet(o, of, p) {
				of.units[p] = nil
			}
		}
		if of.buckets != nil && l.holdBuckets(f, o, of) {
			of.buckets = nil
		}
	}
	for _, d := range l.departures { // nothing is looked at again in a tight loop
		if !time.Now().Before(d.since.Add(l.c.Hold)) {
			d.since = time.Now()
		}
	}
}

// holdSet reports whether what was found of a unit of several files is held.
func (l *Loader) holdSet(o *organization, of *orgFinding, p layout.Part) bool {
	x, u, at := of.units[p], o.unit(p), layout.Place{Org: o.name, Part: p}
	if x == nil {
		return false
	}
	from, swapped := x.version, of.swapped || x.swapped
	if !x.there {
		from = of.version
	}
	if x.good == nil || swapped || !lacks(x.seen, u.seen) || l.rested(at, from, nil) {
		delete(l.departures, at)
		return false
	}
	return true
}

// holdBuckets takes the bucket files that vanished, and are held, out of what
// was found of buckets/. True: all of it is held, as the folder vanished.
func (l *Loader) holdBuckets(f *findings, o *organization, of *orgFinding) bool {
	x, at := of.buckets, layout.Place{Org: o.name, Part: layout.Buckets}
	gone, here := map[string]struct{}{}, x.found[:0:0]
	for i := range x.found {
		if b := &x.found[i]; b.gone && !f.arrived(b.name) { // what is missed is not among these
			gone[b.name] = struct{}{}
		} else {
			here = append(here, *b)
		}
	}
	from := x.version
	if x.absent {
		gone, from = map[string]struct{}{}, of.version
		for name := range o.buckets {
			if _, missed := x.missed[name]; !missed {
				gone[name] = struct{}{}
			}
		}
	}
	// What an organization that is arriving has waits for that, whatever it left.
	if x.fault != nil || len(gone) == 0 ||
		(l.rested(at, from, gone) || of.swapped || x.swapped) && !l.coming(gone) {
		delete(l.departures, at)
		return false
	}
	x.found = here
	return x.absent
}

// rested reports whether the folder that names vanished from, as it looks now,
// has been at rest for long enough. It goes by the time that passes here: the
// clock of the file system may be another, and either may step.
func (l *Loader) rested(at layout.Place, from version, names map[string]struct{}) bool {
	now := time.Now()
	d := l.departures[at]
	if d == nil {
		d = &departure{first: now}
		l.departures[at] = d
	}
	moved := d.from != from
	for name := range names {
		if _, ok := d.names[name]; !ok {
			d.names = with(d.names, name)
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
func lacks(is, was []file) bool {
	for _, f := range was {
		for len(is) > 0 && is[0].name < f.name {
			is = is[1:]
		}
		if len(is) == 0 || is[0].name != f.name {
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
		for _, of := range f.orgs {
			if of.buckets == nil {
				continue
			}
			for i := range of.buckets.found {
				if b := &of.buckets.found[i]; b.good != nil && b.added {
					f.arrivals[b.name] = struct{}{}
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
func (l *Loader) addDepartures(sc *scope) {
	due := time.Now().Add(-l.c.Hold)
	for name, a := range l.arrivals {
		if sc.atOnce || !a.since.After(due) {
			sc.add(layout.Place{Org: name, Part: layout.Folder})
		}
	}
	for p, d := range l.departures {
		if !sc.atOnce && d.since.After(due) {
			continue
		}
		for name := range d.names { // with one, all of the folder are looked at
			p.Name = name
			break
		}
		sc.add(p)
	}
}

// departed adds to a scope in which bucket files are looked at one by one those
// of their folders that are held: with one, all of the folder are looked at.
func (l *Loader) departed(sc *scope) {
	for p, d := range l.departures {
		if o := sc.orgs[p.Org]; o != nil && p.Part == layout.Buckets && len(o.files) > 0 {
			for name := range d.names {
				o.files = with(o.files, name)
			}
		}
	}
}
