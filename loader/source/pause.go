package source

import (
	"context"
	"time"
)

// Repeats bounds how often a look is repeated before the unit counts as broken.
const Repeats = 5

// Pause waits before a look is repeated, for longer with each attempt. It returns
// the error of ctx if that is done first.
func Pause(ctx context.Context, attempt int) error {
	return Sleep(ctx, time.Millisecond<<attempt)
}

// Sleep waits for d. It returns the error of ctx if that is done first.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
