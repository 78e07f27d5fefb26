package loader

import (
	"context"
	"errors"
	"time"

	"postern/loader/internal/burst"
	"postern/loader/internal/hold"
	"postern/loader/source"
)

// Run watches the source until ctx is done, looks at what changes, and returns nil.
// Load must have been called before, with whatever result.
func (l *Loader) Run(ctx context.Context) error {
	l.mu.Lock()
	stop, err := l.src.Watch(ctx, l.pending)
	l.mu.Unlock()
	if err != nil {
		l.log.Warn("no watching: the policy directory is looked at from time to time only", "error", err.Error(), "every", l.c.Rescan)
	} else {
		defer func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			stop()
		}()
	}
	return l.run(ctx)
}

// run is Run after the watch has begun.
func (l *Loader) run(ctx context.Context) error {
	l.pending.Everything() // what changed since Load, before there were watches
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := time.Now().Add(l.c.Rescan)
	l.startRereads()
	for {
		wait := l.pending.Wait(l.c.Quiet, l.c.MaxWait)
		idle := wait < 0
		if now := time.Until(due); idle || now < wait {
			wait = max(0, now)
		}
		o := l.outlook()
		if o.departing && (idle || time.Until(o.again) < wait) {
			wait = max(0, time.Until(o.again))
		}
		if o.held && wait > hold.Poll {
			wait = hold.Poll
		}
		if idle {
			wait = min(wait, max(0, time.Until(o.due)))
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-l.pending.Poke():
			continue
		case <-timer.C:
		}
		rescan := !time.Now().Before(due)
		if !rescan && idle && !o.held && (!o.departing || time.Now().Before(o.again)) {
			l.drain(ctx)
			l.readAgain(ctx)
			continue
		}
		all := l.lookAt(ctx, l.pending.Take(rescan))
		l.readAgain(ctx) // events that never end do not keep it from its pace
		if l.troubled() {
			due = time.Now().Add(min(l.c.Rescan, time.Second))
		} else if all {
			due = time.Now().Add(l.c.Rescan)
		}
	}
}

// outlook says what Run has to do without any event.
type outlook struct {
	again     time.Time // when what waits for its folder to be at rest has to be looked at again,
	departing bool      // if anything does
	held      bool      // nothing may be published, or something is left from a hold
	due       time.Time // when there are files to be mirrored or read again
}

func (l *Loader) outlook() (o outlook) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o.again, o.departing = l.departing()
	o.held = l.hold.Holds(l.loaded) || l.behind != nil
	switch {
	case l.state.Backlog():
	case l.rereads.may(l):
		o.due = l.rereads.due(l.c.Reread)
	default:
		o.due = time.Now().Add(l.c.Rescan)
	}
	return o
}

// lookAt looks at what the changes of a batch are about. It reports whether that was
// everything.
func (l *Loader) lookAt(ctx context.Context, t burst.Batch) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.gateNow()
	if l.closed(g) {
		l.keepBehind(t)
		return t.All
	}
	t = l.takeBehind(t)
	l.hold.Ended(g, l.loaded)
	// What a hold held back is looked at as a whole: of its events some may be on their way.
	sc := &source.Scope{All: t.All || l.failed || !l.loaded || l.hold.Released, Confirm: t.Confirm}
	l.ask(sc, t)
	if sc.Empty() {
		l.hold.Released = false
		return false
	}
	err := l.look(ctx, sc)
	if errors.Is(err, hold.ErrHeld) {
		l.keepBehind(t)
		return t.All
	}
	if err != nil {
		l.pending.KeepConfirm(t.Confirm)
		return sc.All
	}
	l.flush(context.WithoutCancel(ctx)) // a stop waits for this much
	return sc.All
}

// ask adds to the scope what the changes of a batch are about, and what is due.
func (l *Loader) ask(sc *source.Scope, t burst.Batch) {
	for change := range t.Gone {
		l.src.Lost(change)
	}
	if sc.All {
		return
	}
	for change := range t.Changes {
		l.src.About(sc, change)
	}
	l.rest.AddDue(sc)
}

// departing returns when what waits for its folder to be at rest has to be looked at
// again, and false if nothing does.
func (l *Loader) departing() (at time.Time, ok bool) {
	if l.hold.Holds(l.loaded) || l.failed { // all is looked at once .hold is gone, or the policy directory is found again
		return at, false
	}
	in, ok := l.rest.Due()
	return time.Now().Add(in), ok
}

// troubled reports whether the last look failed as a whole.
func (l *Loader) troubled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}
