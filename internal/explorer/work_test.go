package explorer

import (
	"context"
	"testing"
	"time"
)

// TestWork: beside a sidecar a computation rests after a slice, also when the slice was
// of the computations before it; without one nothing rests, and whoever is gone stops it.
func TestWork(t *testing.T) {
	long := time.Now().Add(-time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	for _, served := range []bool{true, false} {
		w := newWork(served)
		p, err := w.begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p.since = long
		if err := p.more(); err != nil {
			t.Fatal(err)
		}
		if rested := p.since != long; rested != served {
			t.Errorf("served %t: a computation after its slice rested: %t", served, rested)
		}
		waiting, given := context.WithCancel(ctx)
		given()
		if _, err := w.begin(waiting); err == nil {
			t.Errorf("served %t: two computations at a time", served)
		}
		p.since = long
		w.end()
		before := time.Now()
		if p, err = w.begin(ctx); err != nil {
			t.Fatal(err)
		}
		if rested := p.since.Sub(before) >= rest; rested != served {
			t.Errorf("served %t: a computation that begins right after a long one rested before it: %t", served, rested)
		}
		w.end()
	}
	cancel()
	w := newWork(false)
	w.turn <- struct{}{}
	if err := (&pace{ctx: ctx}).more(); err == nil {
		t.Error("a computation goes on for one who is gone")
	}
}
