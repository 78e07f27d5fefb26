package block

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
	"unsafe"

	"postern/index/internal/glob"
)

// A trait of a resource's text is a hash of its first n bytes, or of a segment
// of it, which is what stands between two slashes or after the last. A trait of
// a statement is one that all texts have which its resources match; 0 stands
// for none. In a part of a name, where every statement lists the caller, traits
// say which statements need not be looked at. Texts that are chosen to have
// equal traits only cost looks.

const (
	// maxLengths is the number of different lengths of prefixes of which the
	// statements of one effect may have traits, and maxLength the greatest
	// length.
	maxLengths = 8
	maxLength  = 63
	// MinTraits is the least number of statements for which a part of a name
	// has traits. If more than MinTabled statements of one effect have a trait,
	// they get a table.
	MinTraits = 24
	MinTabled = 128
)

// prefixTrait returns the trait of the first n bytes of a text, and segmentTrait
// that of a segment.
func prefixTrait(text string, n int) uint32         { return traitOf(text, 0, n) }
func segmentTrait(text string, from, to int) uint32 { return traitOf(text, from, to) ^ 2 }

// traitOf returns a hash of text[from:to]: of its length and of its first and
// last bytes, at most 16. It is odd, so that it is never 0.
func traitOf(text string, from, to int) uint32 {
	x, n := uint64(0), to-from
	switch {
	case to >= 8:
		x = littleEndian(text, to-8)
		if n < 8 {
			x >>= uint(64 - 8*n)
		} else {
			x ^= littleEndian(text, from) * traitFactor
		}
	default:
		for i := to - 1; i >= from; i-- {
			x = x<<8 | uint64(text[i])
		}
	}
	return uint32((x+uint64(n))*traitFactor>>32) | 1
}

const traitFactor = 0x9e3779b97f4a7c15

// littleEndian returns the eight bytes of a text at a place as a number.
func littleEndian(text string, at int) uint64 {
	return binary.LittleEndian.Uint64(unsafe.Slice(unsafe.StringData(text), len(text))[at:])
}

// Traits are the traits of the statements of a part of a name.
type Traits struct {
	of     []uint32    // the trait of each statement, in their order
	effect [2]struct { // for Deny and for Allow statements
		lengths uint64 // the set of the lengths of prefixes that have traits
		tabled  int    // the number of statements of the second group, which are the last
	}
}

// WithTraits chooses a trait for each statement of a part of a name, and sorts
// the statements within each effect, Deny first. If more than few statements of
// an effect have a trait, these come last, sorted by trait: a table finds them.
// Of the others, those that cost least to match come first.
func WithTraits(list []Statement, few int) ([]Statement, *Traits) {
	list = slices.Clone(list)
	denies := slices.IndexFunc(list, func(s Statement) bool { return !s.From.Deny })
	if denies < 0 {
		denies = len(list)
	}
	t := &Traits{}
	t.order(0, list[:denies], few)
	t.order(1, list[denies:], few)
	return list, t
}

func (t *Traits) order(effect int, list []Statement, few int) {
	type traited struct {
		Statement
		trait uint32
	}
	lengths := lengthsOf(list)
	of := rarest(list, lengths)
	tabled := 0
	for _, trait := range of {
		if trait != 0 {
			tabled++
		}
	}
	if tabled <= few {
		lengths, tabled = 0, 0
		of = rarest(list, 0)
	}
	all := make([]traited, len(list))
	for i := range list {
		all[i] = traited{list[i], of[i]}
	}
	slices.SortStableFunc(all, func(a, b traited) int {
		if tabled > 0 && a.trait|b.trait != 0 {
			return cmp.Compare(a.trait, b.trait)
		}
		return cmp.Compare(cost(&a.Statement), cost(&b.Statement))
	})
	for i := range all {
		list[i] = all[i].Statement
		t.of = append(t.of, all[i].trait)
	}
	t.effect[effect].lengths, t.effect[effect].tabled = lengths, tabled
}

// cost estimates what it costs to find out whether a candidate is satisfied.
func cost(s *Statement) int {
	n := 2 * len(s.From.Conditions)
	for _, program := range s.Patterns {
		if kind, _ := glob.Classify(program); kind == glob.Other {
			n++
		}
	}
	return n
}

// rarest chooses of each statement's traits the one that the fewest statements
// have, 0 if it has none. lengths are the lengths of prefixes that count as
// traits.
func rarest(list []Statement, lengths uint64) []uint32 {
	shared := make([][]uint32, len(list))
	having := map[uint32]int{}
	for i := range list {
		shared[i] = sharedTraits(&list[i], lengths)
		for _, trait := range shared[i] {
			having[trait]++
		}
	}
	of := make([]uint32, len(list))
	for i := range shared {
		for _, trait := range shared[i] {
			if of[i] == 0 || having[trait] < having[of[i]] {
				of[i] = trait
			}
		}
	}
	return of
}

// lengthsOf chooses the lengths of prefixes that have traits.
func lengthsOf(list []Statement) uint64 {
	set := uint64(0)
	for i := range list {
		if n := len(literalOf(&list[i])); n > 0 {
			set |= 1 << min(n, maxLength)
		}
	}
	for n := bits.OnesCount64(set); n > maxLengths; n-- {
		// Of the two lengths that are closest to each other, the longer is
		// dropped.
		drop, least, before := 0, maxLength+1, -maxLength
		for rest := set; rest != 0; rest &= rest - 1 {
			at := bits.TrailingZeros64(rest)
			if at-before < least {
				drop, least = at, at-before
			}
			before = at
		}
		set &^= 1 << drop
	}
	return set
}

// sharedTraits returns the traits that all resources of a statement have.
func sharedTraits(s *Statement, lengths uint64) []uint32 {
	if s.From.NotResource || len(s.Patterns) == 0 {
		return nil
	}
	out := traitsOf(s.Patterns[0], lengths)
	for _, program := range s.Patterns[1:] {
		other := traitsOf(program, lengths)
		out = slices.DeleteFunc(out, func(trait uint32) bool { return !slices.Contains(other, trait) })
	}
	return out
}

// traitsOf returns the traits that all texts have which a program matches.
func traitsOf(program string, lengths uint64) (out []uint32) {
	at := glob.LiteralLen(program)
	for ; lengths != 0; lengths &= lengths - 1 {
		if n := bits.TrailingZeros64(lengths); n <= at {
			out = append(out, prefixTrait(program, n))
		}
	}
	for from := 0; ; {
		// program[from:at] is literal text.
		slash := strings.IndexByte(program[from:at], '/')
		for slash >= 0 {
			from += slash + 1
			slash = strings.IndexByte(program[from:at], '/')
			if slash >= 0 {
				out = append(out, segmentTrait(program, from, from+slash))
			} else if at == len(program) {
				out = append(out, segmentTrait(program, from, at))
			}
		}
		if at == len(program) {
			return out
		}
		if program[at] == glob.OpVariable {
			at += 3
		}
		from = at + 1
		at = from + glob.LiteralLen(program[from:])
	}
}

// TextTraits are the traits of one text, that of a request's resource: those of
// its segments, which are computed when they are first needed, and behind them
// those of the prefixes that WithPrefixes was asked for last.
type TextTraits struct {
	list     []uint32
	segments int
	made     bool
	lengths  uint64
	// mayHave has a bit for the trait of each segment.
	mayHave [4]uint64
}

func (x *TextTraits) make(text string) {
	const slashes, high, low = 0x2f2f2f2f2f2f2f2f, 0x8080808080808080, 0x7f7f7f7f7f7f7f7f
	x.made, x.lengths = true, 0
	x.mayHave = [4]uint64{}
	x.list = x.list[:0]
	from, at := 0, 0 // the bucket's name, at 0, is no segment
	for ; at+8 <= len(text); at += 8 {
		w := littleEndian(text, at) ^ slashes
		for found := ^((w&low + low) | w) & high; found != 0; found &= found - 1 {
			to := at + bits.TrailingZeros64(found)/8
			if from > 0 {
				x.add(segmentTrait(text, from, to))
			}
			from = to + 1
		}
	}
	for ; at < len(text); at++ {
		if text[at] == '/' {
			if from > 0 {
				x.add(segmentTrait(text, from, at))
			}
			from = at + 1
		}
	}
	if from > 0 {
		x.add(segmentTrait(text, from, len(text)))
	}
	x.segments = len(x.list)
}

func (x *TextTraits) add(trait uint32) {
	x.list = append(x.list, trait)
	x.mayHave[trait>>30] |= 1 << (trait >> 24 & 63)
}

// MayHave returns false if no segment of the text has the trait.
func (x *TextTraits) MayHave(text string, trait uint32) bool {
	if !x.made {
		x.make(text)
	}
	return x.mayHave[trait>>30]>>(trait>>24&63)&1 != 0
}

// WithPrefixes returns the traits of the text's segments and those of its
// prefixes of the given lengths. The result is valid until the next call.
func (x *TextTraits) WithPrefixes(text string, lengths uint64) []uint32 {
	if !x.made {
		x.make(text)
	}
	if x.lengths != lengths {
		x.lengths = lengths
		x.list = x.list[:x.segments]
		for ; lengths != 0; lengths &= lengths - 1 {
			n := bits.TrailingZeros64(lengths)
			if n > len(text) {
				break
			}
			x.list = append(x.list, prefixTrait(text, n))
		}
	}
	return x.list
}

// Reset prepares for another text.
func (x *TextTraits) Reset() { x.made = false }
