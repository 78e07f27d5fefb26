package explorer

import (
	"context"
	"time"
)

// work does one computation at a time, in slices, so that checks go on beside it
// (specification 10).
type work struct{ turn chan struct{} }

func newWork() work { return work{make(chan struct{}, 1)} }

// The times of a computation: it runs for slice, and rests for rest.
const (
	slice = 10 * time.Millisecond
	rest  = 5 * time.Millisecond
)

// begin waits for the computation before, and begins one. The caller calls end.
func (w *work) begin(ctx context.Context) (*pace, error) {
	select {
	case w.turn <- struct{}{}:
		return &pace{ctx: ctx, since: time.Now()}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (w *work) end() { <-w.turn }

// pace tells a computation when to rest.
type pace struct {
	ctx   context.Context
	since time.Time
}

// more is asked between items. It rests at the end of a slice, and returns an error
// if whoever asked is gone.
func (s *pace) more() error {
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
