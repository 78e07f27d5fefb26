package open

import (
	"slices"
	"strings"

	"postern/index/internal/match"
)

// Candidates are the names that may be allowed: all known ones, or a list of
// names and of prefixes of names. They may be too many and are never too few;
// each is decided.
type Candidates struct {
	All             bool
	Exact, Prefixes []string
	looked          int // the statements and names looked at so far
}

const (
	// maxNarrowing is how many statements and names one search looks at to
	// narrow its candidates. Past it, all known names are candidates.
	maxNarrowing = 65_536
	// maxPrefixes is the number of prefixes whose names are gone through at
	// once, at most.
	maxPrefixes = 8
)

// EveryName are candidates that nothing narrows.
var EveryName = &Candidates{All: true}

// Look counts n looks. It returns false if narrowing has to end, with all known
// names.
func (c *Candidates) Look() bool {
	if c.looked++; c.looked > maxNarrowing {
		c.All = true
	}
	return !c.All
}

// Doubt makes all known names candidates if narrowing passed its budget.
func (c *Candidates) Doubt(v *match.View) { c.All = c.All || v.Over() }

// Settle sorts the candidates.
func (c *Candidates) Settle() {
	slices.Sort(c.Exact)
	c.Exact = slices.Compact(c.Exact)
	slices.Sort(c.Prefixes)
	kept := c.Prefixes[:0]
	for _, b := range c.Prefixes {
		if len(kept) == 0 || !strings.HasPrefix(b, kept[len(kept)-1]) {
			kept = append(kept, b)
		}
	}
	if c.Prefixes = kept; len(kept) > maxPrefixes {
		c.All = true
	}
}

// Narrower returns the one of two that has fewer names.
func Narrower(a, b *Candidates) *Candidates {
	switch {
	case a.All || !b.All && len(a.Prefixes) > 0 && len(b.Prefixes) == 0:
		return b
	case b.All || len(b.Prefixes) > 0 || len(a.Exact) <= len(b.Exact):
		return a
	}
	return b
}
