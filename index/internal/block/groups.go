package block

import "math/bits"

// The statements that list one identifier have a part of their own. If there
// are many, those of each effect stand in two groups. The first group is
// narrowed by words of candidates and by the sieve; where the sieve has no four
// bytes of a prefix, sieveKey is the trait of a segment. The second group is
// sorted by the trait in sieveKey, and a table finds in it the statements that
// have a trait of the request: so few are looked at, however many list the
// identifier.
//
// The part has for each effect the end of the first group and the table of the
// second: slot trait>>shift is the first statement that can have a trait, and
// the next slot the end of these statements.
const (
	namedDenies = 0 // begins what follows, of Deny statements
	namedAllows = 5 // begins the same of Allow statements
	namedWords  = 10

	namedEnd     = 0
	namedTable   = 1 // place of the table
	namedShift   = 2
	namedLengths = 3 // the set of the lengths of prefixes that have traits, two words
)

// Group is where the two groups of the statements of one effect lie.
type Group struct{ words []uint32 }

// Groups returns the groups of the Deny and of the Allow statements; ok is
// false if the block has none. The block must be of a part without Metas.
func (b Block) Groups() (deny, allow Group, ok bool) {
	at := b.words[headerNamed]
	if at == 0 {
		return Group{}, Group{}, false
	}
	g := b.words[at:]
	return Group{g[namedDenies:namedAllows]}, Group{g[namedAllows:namedWords]}, true
}

// End is the end of the first group: the id of the first statement of the
// second.
func (g Group) End() int { return int(g.words[namedEnd]) }

// HasTable reports whether there is a second group.
func (g Group) HasTable() bool { return g.words[namedShift] != 32 }

// Lengths is the set of the lengths of prefixes of which statements of the
// second group have traits.
func (g Group) Lengths() uint64 { return u64(g.words, namedLengths) }

// Table finds statements of a second group by trait.
type Table struct {
	words []uint32
	shift uint32
}

// Table returns the table of the second group of g.
func (b Block) Table(g Group) Table {
	return Table{b.words[g.words[namedTable]:], g.words[namedShift]}
}

// Find returns the range of the statements that can have a trait: from one to
// below another.
func (t Table) Find(trait uint32) (from, to int) {
	slot := trait >> t.shift
	return int(t.words[slot]), int(t.words[slot+1])
}

// isTabled reports whether a statement is of a second group. denies is the
// number of Deny statements.
func (t *Traits) isTabled(id, denies int) bool {
	if id < denies {
		return id >= denies-t.effect[0].tabled
	}
	return id >= len(t.of)-t.effect[1].tabled
}

// groups writes where the groups of a part lie, and returns the place of that.
func (w *Writer) groups(t *Traits, denies int) uint32 {
	at := len(w.words)
	w.words = append(w.words, make([]uint32, namedWords)...)
	w.namedTable(at+namedDenies, t, 0, denies)
	w.namedTable(at+namedAllows, t, 1, len(t.of))
	return uint32(at)
}

// namedTable writes the table of the second group of one effect, whose last
// statement is before end.
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
