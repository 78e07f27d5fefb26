package block

import "math/bits"

// The statements that list one identifier have a part of their own. Where they
// are many, those of each effect stand in two groups. The statements of the
// first group are narrowed by words of candidates and by the sieve, whose
// sieveKey is the trait of a segment where it is not four bytes of the
// beginning. The statements of the second group have a trait in sieveKey and
// are sorted by it, and a table finds them by the traits of the request: so few
// are looked at, however many list the identifier.
//
// For each effect the part has where the first group ends and the table of the
// second: slot trait>>shift is the first statement that can have a trait, the
// next slot the end.
const (
	namedDenies = 0 // what follows, of Deny statements
	namedAllows = 5 // of Allow statements
	namedWords  = 10

	namedEnd     = 0
	namedTable   = 1 // place of the table
	namedShift   = 2
	namedLengths = 3 // of beginnings, a set, two words
)

// Group is the two groups of the statements of one effect.
type Group struct{ words []uint32 }

// Groups returns the groups of the Deny and of the Allow statements; false if
// the block, which is of a part that is not explained, has none.
func (b Block) Groups() (deny, allow Group, ok bool) {
	at := b.words[headerNamed]
	if at == 0 {
		return Group{}, Group{}, false
	}
	g := b.words[at:]
	return Group{g[namedDenies:namedAllows]}, Group{g[namedAllows:namedWords]}, true
}

// End is the first statement of the second group.
func (g Group) End() int { return int(g.words[namedEnd]) }

// HasTable reports that there is a second group.
func (g Group) HasTable() bool { return g.words[namedShift] != 32 }

// Lengths are those of the beginnings whose traits statements of the second
// group have, a set.
func (g Group) Lengths() uint64 { return u64(g.words, namedLengths) }

// Table finds statements of a second group.
type Table struct {
	words []uint32
	shift uint32
}

// Table returns the table of the second group of g, which is one of Groups.
func (b Block) Table(g Group) Table {
	return Table{b.words[g.words[namedTable]:], g.words[namedShift]}
}

// Find returns the statements, from one to below another, that can have a trait.
func (t Table) Find(trait uint32) (from, to int) {
	slot := trait >> t.shift
	return int(t.words[slot]), int(t.words[slot+1])
}

// isTabled reports whether a table finds a statement, of so many Denies.
func (t *Traits) isTabled(id, denies int) bool {
	if id < denies {
		return id >= denies-t.effect[0].tabled
	}
	return id >= len(t.of)-t.effect[1].tabled
}

// groups writes where the groups of a part are, and returns its place.
func (w *Writer) groups(t *Traits, denies int) uint32 {
	at := len(w.words)
	w.words = append(w.words, make([]uint32, namedWords)...)
	w.namedTable(at+namedDenies, t, 0, denies)
	w.namedTable(at+namedAllows, t, 1, len(t.of))
	return uint32(at)
}

// namedTable writes the table of the statements of one effect that end at end.
func (w *Writer) namedTable(at int, t *Traits, effect, end int) {
	e := &t.effect[effect]
	id, width := end-e.tabled, bits.Len(uint(e.tabled))
	group := w.words[at:]
	group[namedEnd], group[namedTable], group[namedShift] = uint32(id), uint32(len(w.words)), uint32(32-width)
	group[namedLengths], group[namedLengths+1] = uint32(e.lengths), uint32(e.lengths>>32)
	for slot := range uint64(1)<<width + 1 {
		for id < end && uint64(t.of[id])>>(32-width) < slot {
			id++
		}
		w.words = append(w.words, uint32(id))
	}
}
