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

// Hold is what the looks at the gate made of .hold. It is not safe from several
// goroutines at once.
//
// A hold counts by its name: whatever has that name, a folder or a link that
// leads nowhere too, is one. One whose content begins with "transaction " does
// not end by time; nor does one whose content there is and cannot be read. Any
// other is plain and ends after Plain. One that takes the place of another, or is
// written again, is another hold.
type Hold struct {
	Log *slog.Logger
	Now func() time.Time
	// Released: a hold ended, and what it held back is not published yet. Whoever
	// publishes it sets it to false.
	Released bool

	standing *standing // nil: none stands
}

// standing is one hold.
type standing struct {
	version     source.Version
	transaction bool
	first       time.Time // since when publishing has been held without a break
	since       time.Time // since when it is this hold
	over        bool      // it is plain, and its time is over
}

// Closed takes notice of what was found at the gate, and reports whether nothing
// may be published. Where that cannot be told, the look itself fails. loaded: a
// first look was published; until then a plain hold holds nothing.
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

// Passed reports whether a look counts that Closed let in with what was found
// before it, by what was found after it: nil, ErrHeld, or source.ErrChanged for
// one that has to be repeated; the last one is not.
func (h *Hold) Passed(before, after source.Gate, last, loaded bool) error {
	switch {
	case before.Doubtful, after.Doubtful:
		return ErrHeld
	case after.Standing && (!before.Standing || before.Hold != after.Hold) && h.Closed(after, loaded):
		return ErrHeld
	case after.Held == before.Held && after.Standing == before.Standing:
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

// Since is how long publishing has been held without a break, and whether by a
// transaction; the zero time: it is not.
func (h *Hold) Since() (since time.Time, transaction bool) {
	if s := h.standing; s != nil && !s.over {
		return s.first, s.transaction
	}
	return time.Time{}, false
}
