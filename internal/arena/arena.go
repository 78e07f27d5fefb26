// Package arena keeps many short texts, or lists of words, in few allocations.
package arena

import "strings"

// Texts keeps texts in blocks. Nothing writes to a text again, so a text may be
// kept for any time; it keeps its whole block alive. With the zero Texts each
// text has its own allocation. A Texts must not be copied once it is used, and is
// not safe for concurrent use.
type Texts struct {
	Size  int // the size of a block in bytes
	Most  int // the size of the largest text that goes into a block
	block strings.Builder
}

// Keep returns text as a string.
func (t *Texts) Keep(text []byte) string {
	n := len(text)
	if n > t.Most || n > t.Size {
		return string(text)
	}
	if t.block.Cap()-t.block.Len() < n {
		t.block = strings.Builder{}
		t.block.Grow(t.Size)
	}
	from := t.block.Len()
	t.block.Write(text)
	return t.block.String()[from:]
}
