package burst

import (
	"sync"
	"time"
)

// Pending has the changes that were reported since the last look. It is a
// source.Events, and safe for concurrent use.
type Pending struct {
	mu          sync.Mutex
	batch       Batch
	urgent      bool // nothing is waited for
	first, last time.Time
	poke        chan struct{}
}

// New returns a Pending without changes.
func New() *Pending { return &Pending{poke: make(chan struct{}, 1)} }

// Poke returns a channel that has a token if something was reported since the last
// token was received.
func (p *Pending) Poke() <-chan struct{} { return p.poke }

// note lets add change the batch. urgent says that the look must not wait.
func (p *Pending) note(urgent bool, add func(*Batch)) {
	p.mu.Lock()
	now := time.Now()
	if p.first.IsZero() {
		p.first = now
	}
	p.last = now
	add(&p.batch)
	p.urgent = p.urgent || urgent
	p.mu.Unlock()
	select {
	case p.poke <- struct{}{}:
	default:
	}
}

// Change reports a change; see source.Events.
func (p *Pending) Change(name string, gone, urgent bool) {
	p.note(urgent, func(b *Batch) { b.change(name, gone) })
}

// Everything asks for a look at everything, at once.
func (p *Pending) Everything() { p.note(true, func(b *Batch) { b.All = true }) }

// Rescan is Everything, and confirms that what is missed was meant to go.
func (p *Pending) Rescan() { p.note(true, func(b *Batch) { b.All, b.Confirm = true, true }) }

// TakeConfirm reports whether there is a confirmation, and removes it from the batch.
func (p *Pending) TakeConfirm() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.batch.Confirm
	p.batch.Confirm = false
	return c
}

// KeepConfirm leaves a confirmation to the next look, without asking for a look.
func (p *Pending) KeepConfirm(confirm bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.batch.Confirm = p.batch.Confirm || confirm
}

// Wait returns the time until a look is due: quiet after the last change, but at most
// most after the first. It is negative if nothing was reported.
func (p *Pending) Wait(quiet, most time.Duration) time.Duration {
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

// Take returns what the next look is to be about, and removes it: everything that was
// reported. If that asks for a look at everything, or all does, the changes stay. Such a
// look takes long, and TakeChanges takes them in its midst, once their burst is over. A
// confirmation, in whose look nothing comes between, takes them along.
func (p *Pending) Take(all bool) Batch {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.batch
	b.All = b.All || all
	p.batch, p.urgent = Batch{}, false
	if b.All && !b.Confirm && len(b.Changes) > 0 {
		p.batch.Changes, p.batch.Gone = b.Changes, b.Gone
		b.Changes, b.Gone = nil, nil
		return b
	}
	p.first, p.last = time.Time{}, time.Time{}
	return b
}

// TakeChanges returns the changes of a burst that is over, and removes them. It leaves
// a request for a look at everything. It returns false if there are none.
func (p *Pending) TakeChanges(quiet, most time.Duration) (Batch, bool) {
	if p.Wait(quiet, most) != 0 {
		return Batch{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.batch.Changes)+len(p.batch.Gone) == 0 {
		return Batch{}, false
	}
	b := Batch{Changes: p.batch.Changes, Gone: p.batch.Gone}
	p.batch.Changes, p.batch.Gone = nil, nil
	if !p.batch.All {
		p.urgent, p.first, p.last = false, time.Time{}, time.Time{}
	}
	return b, true
}

// PutBack adds back what was taken and not looked at.
func (p *Pending) PutBack(b Batch) { p.note(false, func(now *Batch) { now.Add(b) }) }
