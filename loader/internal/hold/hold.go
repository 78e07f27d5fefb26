package hold

import (
	"errors"
	"log/slog"
	"time"

	"postern/loader/source"
)

const (
	// Plain is how long a plain hold lasts.
	Plain = 60 * time.Second
	// Poll is how often a hold is looked for while one stands, in case its removal
	// has no event.
	Poll = 100 * time.Millisecond
)

// ErrHeld says that a look does not count, as a hold stood, or came and went.
var ErrHeld = errors.New("the policy directory is held")

// Hold is the state of .hold by the looks at the gate. It is not safe for concurrent
// use.
//
// A hold counts by its name: whatever has that name is one, even a folder or a link
// that leads nowhere. A transaction, whose content begins with "transaction " or cannot
// be read, does not end by time. Any other hold is plain and ends after Plain. A hold
// that replaces another, or is written again, is a new one.
type Hold struct {
	Log *slog.Logger
	Now func() time.Time
	// Released says that a hold ended and that what it held back is not published yet.
	// The loader sets it to false when that is done.
	Released bool

	standing *standing // nil: none stands
	held     string    // .held as the last look that found one saw it
}

// standing is one hold.
type standing struct {
	version     source.Version
	transaction bool
	first       time.Time // since when publishing has been held without a break
	since       time.Time // since when it is this hold
	over        bool      // it is plain, and its time is over
}

// Closed notes what was found at the gate, and reports whether nothing may be
// published. If that cannot be told it returns false, since the look itself then fails
// or Passed refuses it. loaded says that a first look was published; before, a plain
// hold holds nothing.
func (h *Hold) Closed(g source.Gate, loaded bool) bool {
	s := h.standing
	if g.Unknown || g.Doubtful {
		return false
	}
	now := h.Now()
	if !g.Standing {
		if h.standing = nil; s != nil && !s.over {
			h.Released = true
			h.Log.Info(".hold is gone: what changed is published", "held", now.Sub(s.first).Round(time.Millisecond))
		}
		return false
	}
	switch {
	case s == nil || s.over && s.version != g.Hold:
		h.standing = &standing{first: now, since: now, version: g.Hold, transaction: g.Transaction}
		h.Log.Info(".hold stands: nothing new is published", "transaction", g.Transaction)
	case s.version != g.Hold || s.transaction != g.Transaction:
		h.standing = &standing{first: s.first, since: now, version: g.Hold, transaction: g.Transaction}
	case s.over:
		return false
	}
	if s = h.standing; !s.transaction && now.Sub(s.since) >= Plain {
		s.over = true
		h.Log.Warn(".hold has stood for too long: what changed is published though it is there; remove it, or let its content begin with \"transaction \" if nothing may be published until it is gone",
			"age", now.Sub(s.since).Round(time.Second))
	}
	return h.Holds(loaded)
}

// Ended notes that a hold ended if .held is another than the last one that a look saw,
// whether the hold was seen or not, and reports whether it was a transaction: then
// whatever is gone was meant to go. A .held that is away, or comes back as it was, as on
// a disk that is mounted again, ends nothing; nor does what there is at a start.
func (h *Hold) Ended(g source.Gate, loaded bool) bool {
	if !loaded || g.Unknown || g.Doubtful || g.Held == "" || g.Held == h.held {
		return false
	}
	h.Released = true
	return g.Ended
}

// Passed decides whether a look counts, by what was found at the gate before and after
// it. It returns nil if the look counts, source.ErrChanged if it has to be repeated,
// and ErrHeld if it does not count; a look is not repeated if it was the last attempt.
func (h *Hold) Passed(before, after source.Gate, last, loaded bool) error {
	switch {
	case before.Doubtful, after.Doubtful:
		return ErrHeld
	case after.Standing && (!before.Standing || before.Hold != after.Hold) && h.Closed(after, loaded):
		return ErrHeld
	case after.Held == before.Held && after.Standing == before.Standing:
		if before.Held != "" {
			h.held = before.Held
		}
		return nil
	case last: // it is looked at again soon
		return ErrHeld
	}
	return source.ErrChanged
}

// Holds reports whether nothing may be published, by the last look at the gate.
func (h *Hold) Holds(loaded bool) bool {
	s := h.standing
	return s != nil && !s.over && (s.transaction || loaded)
}

// Since returns the time since when nothing may be published, without a break, and
// whether that is because of a transaction. It returns the zero time if publishing is
// not held.
func (h *Hold) Since() (since time.Time, transaction bool) {
	if s := h.standing; s != nil && !s.over {
		return s.first, s.transaction
	}
	return time.Time{}, false
}
