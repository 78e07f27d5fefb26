package open

import (
	"slices"
	"strings"

	"postern/index/internal/match"
)

// Candidates are the names that may be allowed: all known ones, or some, and
// those that begin with some text. They may be too many, never too few: what
// they name is decided.
type Candidates struct {
	All               bool
	Exact, Beginnings []string
	looked            int // statements and names looked at so far
}

const (
	// maxNarrowing bounds what narrowing looks at in one search; past it, all
	// known names are candidates.
	maxNarrowing = 65_536
	// maxBeginnings bounds the ranges of names that are gone through at once.
	maxBeginnings = 8
)

// EveryName is what narrows nothing.
var EveryName = &Candidates{All: true}

// Look counts what is looked at; false if narrowing has to end, with all known names.
func (c *Candidates) Look() bool {
	if c.looked++; c.looked > maxNarrowing {
		c.All = true
	}
	return !c.All
}

// Doubt makes all known names candidates where narrowing passed its budget.
func (c *Candidates) Doubt(v *match.View) { c.All = c.All || v.Over() }

// Settle sorts what was found.
func (c *Candidates) Settle() {
	slices.Sort(c.Exact)
	c.Exact = slices.Compact(c.Exact)
	slices.Sort(c.Beginnings)
	kept := c.Beginnings[:0]
	for _, b := range c.Beginnings {
		if len(kept) == 0 || !strings.HasPrefix(b, kept[len(kept)-1]) {
			kept = append(kept, b)
		}
	}
	if c.Beginnings = kept; len(kept) > maxBeginnings {
		c.All = true
	}
}

// Narrower returns the one of two that names less.
func Narrower(a, b *Candidates) *Candidates {
	switch {
	case a.All || !b.All && len(a.Beginnings) > 0 && len(b.Beginnings) == 0:
		return b
	case b.All || len(b.Beginnings) > 0 || len(a.Exact) <= len(b.Exact):
		return a
	}
	return b
}
