package burst

import (
	"strconv"
	"testing"
	"time"
)

// "Changes that come close together (25 ms of quiet, at most 250 ms after the
// first) make one generation"
func TestBurst(t *testing.T) {
	p := New()
	const quiet, most = 25 * time.Millisecond, 250 * time.Millisecond
	if p.Wait(quiet, most) >= 0 {
		t.Fatal("a burst without events")
	}
	p.Change("/x", false, false)
	if w := p.Wait(quiet, most); w <= 0 || w > quiet {
		t.Errorf("waits %v after an event", w)
	}
	p.last = time.Now()
	p.first = p.last.Add(-240 * time.Millisecond)
	if w := p.Wait(quiet, most); w > 10*time.Millisecond {
		t.Errorf("waits %v, 240 ms after the first event", w)
	}
	p.Everything()
	if w := p.Wait(quiet, most); w != 0 {
		t.Errorf("waits %v after an overflow", w)
	}
	if got := p.Take(false); !got.All || len(got.Changes) != 0 || p.Wait(quiet, most) <= 0 {
		t.Error("Take does not leave the changes to the midst of a look at everything")
	}
	if got := p.Take(false); got.All || len(got.Changes) != 1 || p.Wait(quiet, most) >= 0 {
		t.Error("Take does not take the changes")
	}
	for i := range MaxChanges + 1 {
		p.Change(strconv.Itoa(i), false, false)
	}
	if got := p.Take(false); !got.All || len(got.Changes) > 1 {
		t.Errorf("%d changes are kept, all: %v", len(got.Changes), got.All)
	}
}

// A look at everything that is due leaves the changes of a burst, and the time for which
// they have waited; one that is confirmed takes them along.
func TestTakeAll(t *testing.T) {
	p := New()
	p.Change("a", true, false)
	first := p.first
	if got := p.Take(true); !got.All || len(got.Changes) != 0 || len(got.Gone) != 0 || p.first != first || p.Wait(time.Hour, 2*time.Hour) <= 0 {
		t.Errorf("%+v; left %+v", got, p.batch)
	}
	if got, ok := p.TakeChanges(0, 0); !ok || len(got.Changes) != 1 || len(got.Gone) != 1 || p.Wait(0, 0) >= 0 {
		t.Errorf("%+v, %v; left %+v", got, ok, p.batch)
	}
	p.Change("a", true, false)
	p.Rescan()
	if got := p.Take(true); !got.All || !got.Confirm || len(got.Changes) != 1 || len(got.Gone) != 1 || p.Wait(0, 0) >= 0 {
		t.Errorf("%+v; left %+v", got, p.batch)
	}
	if got := p.Take(true); !got.All || len(got.Changes) != 0 || p.Wait(0, 0) >= 0 {
		t.Errorf("of nothing: %+v", got)
	}
}

// Between the pieces of a look the changes are taken, and a look at everything
// that is asked for stays asked for; what was not looked at is put back.
func TestTakeChanges(t *testing.T) {
	p := New()
	if _, ok := p.TakeChanges(0, 0); ok {
		t.Error("changes that nobody told of")
	}
	p.Change("a", true, false)
	if _, ok := p.TakeChanges(time.Hour, time.Hour); ok {
		t.Error("a burst that is not over is taken")
	}
	p.Change("urgent", false, true)
	b, ok := p.TakeChanges(time.Hour, time.Hour)
	if !ok || len(b.Changes) != 2 || len(b.Gone) != 1 || b.All || p.Wait(0, 0) >= 0 {
		t.Errorf("%v, %v; wait %v", b, ok, p.Wait(0, 0))
	}
	p.Rescan()
	p.PutBack(b)
	if b, ok = p.TakeChanges(time.Hour, time.Hour); !ok || b.All || b.Confirm || p.Wait(time.Hour, time.Hour) != 0 {
		t.Errorf("%v, %v; wait %v", b, ok, p.Wait(time.Hour, time.Hour))
	}
	if _, ok = p.TakeChanges(0, 0); ok {
		t.Error("they are taken twice")
	}
	if got := p.Take(false); !got.All || !got.Confirm || len(got.Changes) != 0 {
		t.Errorf("%+v is left", got)
	}
}

// A confirmation is for one look; one that failed leaves it to the next, and asks
// for no look of its own.
func TestConfirm(t *testing.T) {
	p := New()
	p.Rescan()
	if !p.TakeConfirm() || p.TakeConfirm() || !p.Take(false).All {
		t.Error("a confirmation is not taken once, and alone")
	}
	p.KeepConfirm(true)
	p.KeepConfirm(false)
	if p.Wait(0, 0) >= 0 || !p.Take(false).Confirm || p.Take(false).Confirm {
		t.Error("a confirmation that is kept is not that of the next look alone")
	}
}

// Batches add up within the bound, and a batch that was taken never changes.
func TestAdd(t *testing.T) {
	p := New()
	for i := range MaxChanges {
		p.Change(strconv.Itoa(i), false, false)
	}
	full := p.Take(false)
	var sum Batch
	sum.Add(full)
	sum.Add(Batch{Confirm: true})
	if sum.All || !sum.Confirm || len(sum.Changes) != MaxChanges {
		t.Errorf("all %v, confirm %v, %d changes", sum.All, sum.Confirm, len(sum.Changes))
	}
	sum.Add(Batch{Changes: map[string]struct{}{"one more": {}}})
	if !sum.All || len(sum.Changes) != 0 || len(full.Changes) != MaxChanges {
		t.Errorf("past the bound: all %v, %d changes; the batch added has %d", sum.All, len(sum.Changes), len(full.Changes))
	}
	select {
	case <-p.Poke():
	default:
		t.Error("nobody is told")
	}
}
