package index

import (
	"math/bits"

	"postern/policy"
)

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

	// fewInSlot is the number of statements up to which what a slot holds is
	// compared one by one.
	fewInSlot = 16
)

// named freezes the part of a name, and returns the place of its block.
func (f *freezer) named(list []frozen) uint32 {
	switch {
	case f.form == FormNames:
		list, t := withTraits(list, 1) // so that both groups are
		return f.block("", list, false, t)
	case len(list) < minTraits || len(list) > nameParts:
		return f.block("", list, false, nil)
	}
	list, t := withTraits(list, minTabled)
	return f.block("", list, false, t)
}

// isTabled reports whether a table finds a statement, of so many Denies.
func (t *traits) isTabled(id, denies int) bool {
	if id < denies {
		return id >= denies-t.effect[0].tabled
	}
	return id >= len(t.of)-t.effect[1].tabled
}

// namedGroups writes where the groups of a part are, and returns its place.
func (w *blockWriter) namedGroups(t *traits, denies int) uint32 {
	at := len(w.words)
	w.words = append(w.words, make([]uint32, namedWords)...)
	w.namedTable(at+namedDenies, t, 0, denies)
	w.namedTable(at+namedAllows, t, 1, len(t.of))
	return uint32(at)
}

// namedTable writes the table of the statements of one effect that end at end.
func (w *blockWriter) namedTable(at int, t *traits, effect, end int) {
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

// satisfiedNamed is satisfied, for the part of a name.
func (p *Policies) satisfiedNamed(b block, before policy.Effect, v *view) policy.Effect {
	if b[headerNamed] == 0 || v.whole {
		return p.satisfied(b, before, v)
	}
	g := b[b[headerNamed]:]
	if p.scanGroups(b, g[namedDenies:namedAllows], 0, v) {
		return policy.EffectDeny
	}
	if before != policy.EffectAllow && p.scanGroups(b, g[namedAllows:namedWords], b.denies(), v) {
		return policy.EffectAllow
	}
	return before
}

// scanGroups reports whether a statement of one effect, from the first on, is
// satisfied.
func (p *Policies) scanGroups(b, g block, first int, v *view) bool {
	if p.scanSieve(b, first, int(g[namedEnd]), v) {
		return true
	}
	shift := g[namedShift]
	if shift == 32 {
		return false // there is no second group
	}
	table, sieve := b[g[namedTable]:], b[b[headerSieve]:]
	for _, trait := range v.withBeginnings(g.u64(namedLengths)) {
		slot := trait >> shift
		id, end := int(table[slot]), int(table[slot+1])
		if end-id > fewInSlot {
			if p.scanTrait(b, id, end, trait, v) {
				return true
			}
			continue
		}
		for ; id < end; id++ {
			if s := (*[sieveWords]uint32)(sieve[sieveWords*id:]); s[sieveKey] == trait && b.covers(id, v) {
				if p.holds(b, b.recordAt(s[sieveBody]), v) {
					return true
				}
			}
		}
	}
	return false
}

// scanSieve reports whether a statement of a first group, from id to below end,
// is satisfied.
func (p *Policies) scanSieve(b block, id, end int, v *view) bool {
	key, _ := v.key(b[headerKeyAt])
	sieve := b[b[headerSieve]:]
	for first := id &^ (wordSize - 1); first < end; first += wordSize {
		candidates := b.candidates(first, id, end, v)
		if candidates == 0 {
			continue
		}
		v.Spend(bits.OnesCount64(candidates))
		open := b[b[b.chunks()+uint32(first/wordSize)]:].u64(chunkOpen)
		for ; candidates != 0; candidates &= candidates - 1 {
			s := (*[sieveWords]uint32)(sieve[sieveWords*(first+bits.TrailingZeros64(candidates)):])
			if open&candidates&-candidates == 0 {
				if s[sieveKey] != key {
					continue
				}
			} else if trait := s[sieveKey]; trait != 0 && !v.mayHave(trait) {
				continue
			}
			if p.holds(b, b.recordAt(s[sieveBody]), v) {
				return true
			}
		}
	}
	return false
}

// scanTrait reports whether a statement with a trait, from id to below end, is
// satisfied.
func (p *Policies) scanTrait(b block, id, end int, trait uint32, v *view) bool {
	sieve := b[b[headerSieve]:]
	for first := id &^ (wordSize - 1); first < end; first += wordSize {
		for candidates := b.candidates(first, id, end, v); candidates != 0; candidates &= candidates - 1 {
			s := (*[sieveWords]uint32)(sieve[sieveWords*(first+bits.TrailingZeros64(candidates)):])
			if s[sieveKey] != trait {
				continue
			}
			if p.holds(b, b.recordAt(s[sieveBody]), v) {
				return true
			}
		}
	}
	return false
}

// candidates are the statements of a chunk, by its first one, from id to below
// end that cover the action.
func (b block) candidates(first, id, end int, v *view) (set uint64) {
	if v.known {
		set = b.covering(uint32(first/wordSize), v.action)
	} else {
		set = b.unknownCovered(first, v)
	}
	if first < id {
		set &= ^uint64(0) << (id - first)
	}
	if left := end - first; left < wordSize {
		set &= 1<<left - 1
	}
	return set
}
