package loader

import (
	"postern/loader/internal/burst"
	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

// gateNow looks at the gate of the source, unless .hold is ignored.
func (l *Loader) gateNow() source.Gate {
	if l.c.PassHold {
		return source.Gate{Unknown: true}
	}
	return l.src.Gate()
}

// closed notes what was found at the gate, and reports whether nothing may be
// published.
func (l *Loader) closed(g source.Gate) bool {
	closed := l.hold.Closed(g, l.loaded)
	l.noteHold()
	return closed
}

// passed looks at the gate again after a look, and returns nil if the look counts;
// see hold.Hold.Passed. before is what was found at the gate before the look.
func (l *Loader) passed(before source.Gate, last bool) error {
	err := l.hold.Passed(before, l.gateNow(), last, l.loaded)
	l.noteHold()
	return err
}

// noteHold puts the hold into the status.
func (l *Loader) noteHold() {
	st := *l.status.Load()
	since, transaction := l.hold.Since()
	if st.HeldSince.Equal(since) && st.HeldTransaction == transaction {
		return
	}
	st.HeldSince, st.HeldTransaction = since, transaction
	l.status.Store(&st)
}

// startHeld is the first load while a transaction stands. It publishes what the
// mirror has; once the hold is gone everything is looked at. It returns false if the
// mirror has nothing.
func (l *Loader) startHeld() bool {
	if l.state == nil {
		return false
	}
	started := l.c.Now()
	here, err := l.src.Here()
	if err != nil {
		return false
	}
	f := l.findings(here)
	f.All = true
	for _, org := range l.state.Organizations() {
		if l.state.Left(org) {
			continue // it vanished
		}
		d := layout.Problem(org, "a transaction holds the policy directory: until .hold is gone, what the state directory has is in force, and what it has not is denied")
		f.Orgs = append(f.Orgs, &source.OrgFinding{Name: org, Whole: true, Fault: []policy.Diagnostic{d}})
	}
	if len(f.Orgs) == 0 {
		return false
	}
	ch := l.commit(f)
	l.publish(ch)
	st := l.newStatus(ch, started)
	l.status.Store(st)
	l.log.Warn(".hold stands at the start: what the state directory has is in force until it is gone", "organizations", len(l.orgs), "generation", st.Generation)
	if l.c.Observe != nil {
		l.c.Observe(st)
	}
	return true
}

// keepBehind keeps what a look was to be about that did not happen because of a hold. A
// hold may stand for long, so it keeps no more than the bound on changes: that watches may
// be lost is told to the source at once.
func (l *Loader) keepBehind(t burst.Batch) {
	for change := range t.Gone {
		l.src.Lost(change)
	}
	t.Gone = nil
	if l.behind == nil {
		l.behind = &burst.Batch{}
	}
	l.behind.Add(t)
}

// takeBehind returns t with everything that keepBehind has kept, and keeps nothing
// any more.
func (l *Loader) takeBehind(t burst.Batch) burst.Batch {
	l.keepBehind(t)
	t, l.behind = *l.behind, nil
	return t
}
