package block

import "strings"

// A pattern entry is a text. The exact texts come first, sorted; then prefixes,
// sorted, none of which is a prefix of another; then programs.
const (
	textAt = iota
	textLen
	textWords
)

// What is where the resource patterns of a record lie, and how many there are
// of each kind.
type What struct {
	at                  uint32
	Exact, Prefix, Glob uint32
}

// What returns where the resource patterns lie.
func (b Block) What(r Record) What {
	w := b.Who(r)
	at := w.prefixes() + prefixWords*(w.Prefixes+w.Organizations)
	if r.is(flagLong) {
		n := b.counts(r)
		return What{at, n[4], n[5], n[6]}
	}
	return What{at, r.more >> 8 & 0xff, r.more >> 16 & 0xff, r.more >> 24}
}

// Count is the number of patterns.
func (w What) Count() uint32 { return w.Exact + w.Prefix + w.Glob }

// Pattern returns pattern i, in the order of the entries. A prefix is without
// its `*`.
func (b Block) Pattern(w What, i uint32) string { return b.text(w.at, i) }

// ResourceProgram returns program i among the patterns.
func (b Block) ResourceProgram(w What, i uint32) string { return b.text(w.at, w.Exact+w.Prefix+i) }

// HasExact reports whether text is one of the exact texts.
func (b Block) HasExact(w What, text string) bool {
	i := b.after(w.at, w.Exact, text)
	return i > 0 && b.text(w.at, i-1) == text
}

// HasPrefix reports whether text has one of the prefixes.
func (b Block) HasPrefix(w What, text string) bool {
	at, i := w.at+textWords*w.Exact, min(w.Prefix, 1)
	if w.Prefix > 1 {
		i = b.after(at, w.Prefix, text)
	}
	return i > 0 && strings.HasPrefix(text, b.text(at, i-1))
}

// GoesOn reports whether one of the exact texts or of the prefixes begins with
// text and is longer. HasPrefix finds a prefix that is equal to text.
func (b Block) GoesOn(w What, text string) bool {
	return b.goesOn(w.at, w.Exact, text) || b.goesOn(w.at+textWords*w.Exact, w.Prefix, text)
}

func (b Block) goesOn(at, n uint32, text string) bool {
	i := b.after(at, n, text)
	return i < n && strings.HasPrefix(b.text(at, i), text)
}

// after returns how many of n sorted texts are not greater than text.
func (b Block) after(at, n uint32, text string) uint32 {
	low, high := uint32(0), n
	for low < high {
		if mid := (low + high) / 2; b.text(at, mid) <= text {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}
