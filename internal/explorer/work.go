package explorer

import (
	"context"
	"time"
)

// work does one computation at a time, in slices, so that checks go on beside it
// (specification 10). Where no checks are served, nothing rests.
type work struct {
	turn   chan struct{}
	served bool
	// spent is how long was worked since the last rest, by whoever had the turn, and
	// ended when; who has the turn writes them.
	spent time.Duration
	ended time.Time
	begun *pace
}

func newWork(served bool) work { return work{turn: make(chan struct{}, 1), served: served} }

// The times of a computation beside a sidecar: it runs for slice, and rests for rest.
// A check that meets a slice waits for no longer than it, and few meet one.
const (
	slice = 100 * time.Microsecond
	rest  = time.Millisecond
)

// begin waits for the computation before, and begins one. The caller calls end. Short
// computations one after the other rest as one long one does.
func (w *work) begin(ctx context.Context) (*pace, error) {
	select {
	case w.turn <- struct{}{}:
		now := time.Now()
		if now.Sub(w.ended) >= rest {
			w.spent = 0
		}
		w.begun = &pace{ctx: ctx, served: w.served, since: now.Add(-w.spent)}
		if err := w.begun.more(); err != nil {
			w.end()
			return nil, err
		}
		return w.begun, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// end ends a computation.
func (w *work) end() {
	w.ended = time.Now()
	w.spent = w.ended.Sub(w.begun.since)
	<-w.turn
}

// pace tells a computation when to rest.
type pace struct {
	ctx    context.Context
	served bool
	since  time.Time
}

// more is asked between items. It rests at the end of a slice, and returns an error
// if whoever asked is gone.
func (s *pace) more() error {
	if !s.served {
		return s.ctx.Err()
	}
	if time.Since(s.since) < slice {
		return nil
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-timer.C:
		s.since = time.Now()
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}
