package loader

import (
	"errors"
	"time"

	"postern/loader/internal/burst"
	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

// halt is POLICIES/.hold while it stands: nothing new is published then, and
// all that changed is published as one generation once it is gone
// (specification 4, One generation).
//
// It counts by its name: whatever has that name, a folder or a link that leads
// nowhere too, is a hold. One whose content begins with "transaction " does not
// end by time; so does one whose content there is and cannot be read. Any other
// is plain and ends after plainHold. One that takes the place of another, or is
// written again, is another hold.
type halt struct {
	version     source.Version
	transaction bool
	first       time.Time // since when publishing has been held without a break
	since       time.Time // since when it is this hold
	over        bool      // it is plain, and its time is over
}

const (
	// plainHold is how long a plain hold lasts.
	plainHold = 60 * time.Second
	// haltPoll is how often a hold is looked for while one stands, in case its
	// removal has no event.
	haltPoll = 100 * time.Millisecond
)

// errHeld says that a look does not count, as a hold stood, or came and went.
var errHeld = errors.New("the policy directory is held")

// gateNow looks whether anything may be published.
func (l *Loader) gateNow() source.Gate {
	if l.c.PassHold {
		return source.Gate{Unknown: true}
	}
	return l.src.Gate()
}

// closed brings the loader up to date with a gate, and reports whether nothing
// may be published.
func (l *Loader) closed(g source.Gate) bool {
	h := l.halt
	if g.Unknown || g.Doubtful {
		return false
	}
	if !g.Standing {
		if h != nil {
			l.halt, l.released = nil, l.released || !h.over
			l.noteHalt()
			if !h.over {
				l.log.Info(".hold is gone: what changed is published", "held", time.Since(h.first).Round(time.Millisecond))
			}
		}
		return false
	}
	now := time.Now()
	switch {
	case h == nil || h.over && h.version != g.Hold:
		l.halt = &halt{first: now, since: now, version: g.Hold, transaction: g.Transaction}
		l.log.Info(".hold stands: nothing new is published", "transaction", g.Transaction)
	case h.version != g.Hold || h.transaction != g.Transaction:
		l.halt = &halt{first: h.first, since: now, version: g.Hold, transaction: g.Transaction}
	case h.over:
		return false
	}
	if h = l.halt; !h.transaction && now.Sub(h.since) >= l.plainHold {
		h.over = true
		l.log.Warn(".hold has stood for too long: what changed is published though it is there; remove it, or let its content begin with \"transaction \" if nothing may be published until it is gone",
			"age", now.Sub(h.since).Round(time.Second))
	}
	l.noteHalt()
	return !h.over && (h.transaction || l.loaded)
}

// passed reports, after a look that the gate before let in, whether the look
// counts: nil, errHeld, or ErrChanged for one that has to be repeated.
func (l *Loader) passed(before source.Gate, last bool) error {
	after := l.gateNow()
	switch {
	case before.Doubtful, after.Doubtful:
		return errHeld
	case after.Standing && (!before.Standing || before.Hold != after.Hold) && l.closed(after):
		return errHeld
	case after.Held == before.Held && after.Standing == before.Standing:
		return nil
	case last: // it is looked at again soon
		return errHeld
	}
	return source.ErrChanged
}

// noteHalt puts the hold into the status.
func (l *Loader) noteHalt() {
	st := *l.status.Load()
	since, transaction := l.haltStatus()
	if st.HeldSince.Equal(since) && st.HeldTransaction == transaction {
		return
	}
	st.HeldSince, st.HeldTransaction = since, transaction
	l.status.Store(&st)
}

func (l *Loader) haltStatus() (since time.Time, transaction bool) {
	if l.halt == nil || l.halt.over {
		return time.Time{}, false
	}
	return l.halt.first, l.halt.transaction
}

// held reports whether the last look found a hold that nothing is published
// under.
func (l *Loader) held() bool {
	return l.halt != nil && !l.halt.over && (l.halt.transaction || l.loaded)
}

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
	f := &findings{Found: here}
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
