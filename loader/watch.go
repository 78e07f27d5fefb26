package loader

import (
	"context"
	"errors"
	"sync"
	"time"

	"postern/loader/source"
)

// pending gathers events until the next look. It is safe from many goroutines.
type pending struct {
	mu          sync.Mutex
	paths       map[string]struct{}
	gone        map[string]struct{} // paths of which a watch may be lost
	all         bool
	confirm     bool
	urgent      bool
	first, last time.Time
	poke        chan struct{} // holds one token if there is something new
}

// maxPaths bounds the paths kept; beyond them everything is looked at.
const maxPaths = 1 << 16

func newPending() *pending {
	return &pending{paths: map[string]struct{}{}, gone: map[string]struct{}{}, poke: make(chan struct{}, 1)}
}

func (p *pending) note(do func()) {
	p.mu.Lock()
	now := time.Now()
	if p.first.IsZero() {
		p.first = now
	}
	p.last = now
	do()
	p.mu.Unlock()
	select {
	case p.poke <- struct{}{}:
	default:
	}
}

// Change notes a change that the source named; gone: a watch may be lost with
// it; urgent: nothing is waited for.
func (p *pending) Change(name string, gone, urgent bool) {
	p.note(func() {
		p.urgent = p.urgent || urgent
		if gone {
			p.gone[name] = struct{}{}
		}
		if p.paths[name] = struct{}{}; len(p.paths) > maxPaths {
			clear(p.paths)
			p.all = true
		}
	})
}

// Everything asks for a look at everything, at once.
func (p *pending) Everything() { p.note(func() { p.all, p.urgent = true, true }) }

func (p *pending) rescan() { p.note(func() { p.all, p.urgent, p.confirm = true, true, true }) }

func (p *pending) takeConfirm() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.confirm
	p.confirm = false
	return c
}

// keepConfirm leaves a confirmation to the next look.
func (p *pending) keepConfirm(confirm bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.confirm = p.confirm || confirm
}

// wait is how long to wait until the burst is over; negative: there is none.
func (p *pending) wait(quiet, most time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.first.IsZero():
		return -1
	case p.urgent:
		return 0
	}
	return max(0, min(time.Until(p.last.Add(quiet)), time.Until(p.first.Add(most))))
}

// take empties p.
func (p *pending) take() *pending {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &pending{paths: p.paths, gone: p.gone, all: p.all, confirm: p.confirm}
	p.paths, p.gone = map[string]struct{}{}, map[string]struct{}{}
	p.all, p.confirm, p.urgent = false, false, false
	p.first, p.last = time.Time{}, time.Time{}
	return t
}

// Run watches until ctx is done, and returns nil then. Load must have been
// called, though it need not have succeeded.
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

// run is Run once whatever watches does.
func (l *Loader) run(ctx context.Context) error {
	l.pending.Everything() // what changed since Load, before there were watches
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := time.Now().Add(l.c.Rescan)
	l.startRereads()
	for {
		wait := l.pending.wait(l.c.Quiet, l.c.MaxWait)
		idle := wait < 0
		if now := time.Until(due); idle || now < wait {
			wait = max(0, now)
		}
		again, departing := l.waiting()
		if departing && (idle || time.Until(again) < wait) {
			wait = max(0, time.Until(again))
		}
		held := l.isHeld()
		if held && wait > haltPoll {
			wait = haltPoll
		}
		if idle && l.backlog() {
			wait = 0
		}
		if idle {
			wait = min(wait, max(0, time.Until(l.rereadDue())))
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-l.pending.poke:
			continue
		case <-timer.C:
		}
		if !time.Now().Before(due) {
			l.pending.note(func() { l.pending.all = true })
		} else if idle && !held && (!departing || time.Now().Before(again)) {
			l.drain(ctx)
			l.readAgain(ctx)
			continue
		}
		t := l.pending.take()
		all := l.lookAt(ctx, t)
		l.readAgain(ctx) // events that never end do not keep it from its pace
		if l.troubled() {
			due = time.Now().Add(min(l.c.Rescan, time.Second))
		} else if all {
			due = time.Now().Add(l.c.Rescan)
		}
	}
}

// lookAt looks at what the events taken are about. It reports whether that was
// everything.
func (l *Loader) lookAt(ctx context.Context, t *pending) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed(l.gateNow()) {
		l.keepBehind(t)
		return t.all
	}
	t = l.takeBehind(t)
	sc := &source.Scope{All: t.all || l.failed || !l.loaded, AtOnce: l.released, Confirm: t.confirm}
	l.ask(sc, t)
	if sc.Empty() {
		l.released = false
		return false
	}
	err := l.look(ctx, sc)
	if errors.Is(err, errHeld) {
		l.keepBehind(t)
		return t.all
	}
	if err != nil {
		l.pending.keepConfirm(t.confirm)
		return sc.All
	}
	l.flush(context.WithoutCancel(ctx)) // a stop waits for this much
	return sc.All
}

// ask puts into scope what the events taken are about, and what is due.
func (l *Loader) ask(sc *source.Scope, t *pending) {
	for path := range t.gone {
		l.src.Lost(path)
	}
	if sc.All {
		return
	}
	for path := range t.paths {
		l.src.About(sc, path)
	}
	l.addDepartures(sc)
}

// waiting is departing, for Run.
func (l *Loader) waiting() (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.departing()
}

// isHeld is held, for Run.
func (l *Loader) isHeld() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held() || l.behind != nil
}

// troubled reports that the last look failed as a whole.
func (l *Loader) troubled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}
