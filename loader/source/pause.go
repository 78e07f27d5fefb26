package source

import (
	"context"
	"time"
)

// Repeats bounds how often a look is repeated before the unit counts as broken.
const Repeats = 5

// Pause waits a moment before a look is repeated.
func Pause(ctx context.Context, attempt int) error {
	return Sleep(ctx, time.Millisecond<<attempt)
}

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
