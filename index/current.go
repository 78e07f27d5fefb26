package index

import "sync/atomic"

// Current is the process's one pointer to the snapshot in force, and its only
// shared mutable word. The zero value holds none. A request or a batch loads
// it once and keeps to what it got (specification 4, one generation).
type Current struct{ p atomic.Pointer[Snapshot] }

// Load returns the snapshot in force, nil before the first Store.
func (c *Current) Load() *Snapshot { return c.p.Load() }

// Store puts s in force.
func (c *Current) Store(s *Snapshot) { c.p.Store(s) }
