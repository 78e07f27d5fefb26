package loader

import (
	"postern/loader/internal/burst"
	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

// gateNow looks whether anything may be published.
func (l *Loader) gateNow() source.Gate {
	if l.c.PassHold {
		return source.Gate{Unknown: true}
	}
	return l.src.Gate()
}

// closed takes notice of what was found at the gate, and reports whether nothing
// may be published.
func (l *Loader) closed(g source.Gate) bool {
	closed := l.hold.Closed(g, l.loaded)
	l.noteHold()
	return closed
}

// passed reports whether a look counts that the gate let in as it was before.
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

// held reports whether the last look found a hold that nothing is published
// under.
func (l *Loader) held() bool { return l.hold.Holds(l.loaded) }

// startHeld is the first load while a transaction stands: what the mirror has
// is put in force, if it has anything, and everything is looked at once the
// hold is gone. False: there is nothing to take.
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
	l.log.Warn(".hold stands at the start: what the state directory has is in force until it is gone", "organizations", len(f.Orgs), "generation", st.Generation)
	if l.c.Observe != nil {
		l.c.Observe(st)
	}
	return true
}

// keepBehind takes over what a look was to look at and did not, as it was held.
func (l *Loader) keepBehind(t burst.Batch) {
	if l.behind == nil {
		l.behind = &burst.Batch{}
	}
	l.behind.Add(t)
}

// takeBehind adds what was not looked at to t.
func (l *Loader) takeBehind(t burst.Batch) burst.Batch {
	l.keepBehind(t)
	t, l.behind = *l.behind, nil
	return t
}
