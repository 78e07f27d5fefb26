package hold

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"postern/loader/source"
)

var (
	none        = source.Gate{}
	plain       = source.Gate{Standing: true, Hold: source.Version{1}}
	other       = source.Gate{Standing: true, Hold: source.Version{2}}
	transaction = source.Gate{Standing: true, Hold: source.Version{3}, Transaction: true}
	left        = source.Gate{Held: "transaction 1"}
	doubtful    = source.Gate{Doubtful: true}
	unknown     = source.Gate{Unknown: true}
)

// A Hold over a clock that stands.
type clock struct {
	Hold
	now time.Time
	log strings.Builder
}

func newClock() *clock {
	c := &clock{now: time.Unix(1_700_000_000, 0)}
	c.Log = slog.New(slog.NewTextHandler(&c.log, nil))
	c.Now = func() time.Time { return c.now }
	return c
}

// TestClosed goes through what may stand at the gate after one another.
func TestClosed(t *testing.T) {
	type step struct {
		after    time.Duration
		gate     source.Gate
		loaded   bool
		closed   bool
		released bool // then, and it is published
		logged   string
	}
	for name, steps := range map[string][]step{
		"a plain hold ends by time, once and for all": {
			{0, none, true, false, false, ""},
			{0, plain, true, true, false, ".hold stands"},
			{Plain - 1, plain, true, true, false, ""},
			{1, plain, true, false, false, "stood for too long"},
			{time.Hour, plain, true, false, false, ""},
			{0, none, true, false, false, ""}, // it held nothing back
			{0, plain, true, true, false, ".hold stands"},
		},
		"another in its place begins anew": {
			{0, plain, true, true, false, ".hold stands"},
			{Plain - 1, other, true, true, false, ""},
			{Plain - 1, other, true, true, false, ""},
			{1, other, true, false, false, "stood for too long"},
			{0, plain, true, true, false, ".hold stands"},
			{0, none, true, false, true, ".hold is gone"},
		},
		"a transaction does not end by time": {
			{0, transaction, true, true, false, "transaction=true"},
			{100 * time.Hour, transaction, true, true, false, ""},
			{0, none, true, false, true, ".hold is gone"},
			{0, none, true, false, false, ""},
		},
		"a plain hold that is made a transaction": {
			{0, plain, true, true, false, ".hold stands"},
			{Plain - 1, transaction, true, true, false, ""},
			{Plain, transaction, true, true, false, ""},
		},
		"before the first look": {
			{0, plain, false, false, false, ".hold stands"},
			{0, plain, true, true, false, ""},
			{0, transaction, false, true, false, ""},
		},
		"what cannot be told changes nothing": {
			{0, plain, true, true, false, ".hold stands"},
			{0, unknown, true, false, false, ""},
			{0, doubtful, true, false, false, ""},
			{0, plain, true, true, false, ""},
			{0, none, true, false, true, ".hold is gone"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			for i, x := range steps {
				c.now = c.now.Add(x.after)
				c.log.Reset()
				if got := c.Closed(x.gate, x.loaded); got != x.closed {
					t.Fatalf("step %d: closed %v, want %v", i, got, x.closed)
				}
				if c.Released != x.released {
					t.Errorf("step %d: released %v, want %v", i, c.Released, x.released)
				}
				c.Released = false
				if got := c.log.String(); !strings.Contains(got, x.logged) || (got == "") != (x.logged == "") {
					t.Errorf("step %d: logged %q, want %q", i, got, x.logged)
				}
			}
		})
	}
}

// The age is that of holding without a break.
func TestSince(t *testing.T) {
	c := newClock()
	if since, _ := c.Since(); !since.IsZero() {
		t.Error("nothing stands, and holds")
	}
	first := c.now
	c.Closed(plain, true)
	c.now = c.now.Add(Plain / 2)
	c.Closed(transaction, true)
	if since, is := c.Since(); !since.Equal(first) || !is {
		t.Errorf("held since %v, by a transaction: %v", since, is)
	}
	c.Closed(other, true)
	c.now = c.now.Add(Plain)
	c.Closed(other, true)
	if since, _ := c.Since(); !since.IsZero() || c.Holds(true) {
		t.Error("what is over holds")
	}
}

// "A look counts only if no .hold stood, and POLICIES/.held was the same, before
// and after it."
func TestPassed(t *testing.T) {
	for _, x := range []struct {
		before, after source.Gate
		want, last    error
	}{
		{none, none, nil, nil},
		{none, plain, ErrHeld, ErrHeld},
		{none, transaction, ErrHeld, ErrHeld},
		{none, left, source.ErrChanged, ErrHeld}, // one came and went
		{left, left, nil, nil},
		{plain, none, source.ErrChanged, ErrHeld}, // let in as it was over, and gone
		{plain, plain, nil, nil},
		{plain, other, ErrHeld, ErrHeld},
		{doubtful, none, ErrHeld, ErrHeld},
		{none, doubtful, ErrHeld, ErrHeld},
		{unknown, unknown, nil, nil}, // the look has failed for that, or asks for no gate
	} {
		for last, want := range map[bool]error{false: x.want, true: x.last} {
			if err := newClock().Passed(x.before, x.after, last, true); !errors.Is(err, want) {
				t.Errorf("before %+v, after %+v, last %v: %v, want %v", x.before, x.after, last, err, want)
			}
		}
	}
}
