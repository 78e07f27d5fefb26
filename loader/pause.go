package loader

import (
	"context"
	"time"
)

// repeats bounds how often a look is repeated before the unit counts as broken.
const repeats = 5

// pause waits a moment before a look is repeated.
func pause(ctx context.Context, attempt int) error {
	return sleep(ctx, time.Millisecond<<attempt)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
