package index

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unsafe"
)

// blockWriter writes one part's block.
type blockWriter struct {
	base    uint32 // words before the entries
	entries []uint32
	text    []byte
	texts   map[string]uint32
	sets    map[string]uint32
}

// here is the place of the next entry.
func (w *blockWriter) here() uint32 { return w.base + uint32(len(w.entries)) }

// put adds a text and returns its place and length.
func (w *blockWriter) put(s string) (at, n uint32) {
	at, ok := w.texts[s]
	if !ok {
		at = uint32(len(w.text))
		w.text = append(w.text, s...)
		w.texts[s] = at
	}
	return at, uint32(len(s))
}

func (w *blockWriter) textEntry(s string) {
	at, n := w.put(s)
	w.entries = append(w.entries, at, n)
}

func (w *blockWriter) nameEntry(hash uint32, n Name) {
	at, length := w.put(n.Text)
	orgAt, orgLength := w.put(n.Org)
	w.entries = append(w.entries, hash, at, length|orgLength<<nameOrgBits, orgAt)
}

// set adds a set entry for an action dimension, once, and returns its place.
func (w *blockWriter) set(a *Actions) uint32 {
	entry := make([]uint32, setWords, setWords+textWords*len(a.Programs))
	for i, word := range a.Known {
		entry[setKnown+2*i], entry[setKnown+2*i+1] = uint32(word), uint32(word>>32)
	}
	if a.Not {
		entry[setNot] = 1
	}
	entry[setPrograms] = uint32(len(a.Programs))
	for _, p := range a.Programs {
		at, n := w.put(p)
		entry = append(entry, at, n)
	}
	id := string(unsafe.Slice((*byte)(unsafe.Pointer(&entry[0])), 4*len(entry)))
	at, ok := w.sets[id]
	if !ok {
		at = w.here()
		w.sets[id] = at
		w.entries = append(w.entries, entry...)
	}
	return at
}

// textWords returns the text as words, in the machine's byte order, and a
// last one, so that every place in the text is a place in the block.
func (w *blockWriter) textWords() []uint32 {
	out := make([]uint32, len(w.text)/4+1)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&out[0])), 4*len(out)), w.text)
	return out
}

// frozen is what Roaring postings are made from.
type frozen struct {
	from       *Statement
	exact      []Name
	beginnings []Name
	patterns   []string // programs, those about the part's bucket
}

// part freezes statements, which are in order, into a block, and returns its
// place. Of the statements' resources it takes those that name bucket, or all
// for "".
func (f *freezer) part(name, bucket string, list []*Statement) uint32 {
	p := f.p
	w := blockWriter{
		base:  uint32(headerWords + (actionWords+recordWords)*len(list)),
		texts: map[string]uint32{}, sets: map[string]uint32{},
	}
	head := make([]uint32, w.base)
	head[headerCount] = uint32(len(list))
	head[headerMeta] = uint32(len(p.meta))
	head[headerNameAt], head[headerNameLen] = w.put(name)
	statements := make([]frozen, len(list))
	for i, s := range list {
		if s.Deny {
			head[headerDenies]++
		}
		packed, ok := packActions(&s.Actions)
		if head[headerWords+i] = packed; !ok {
			head[headerWords+len(list)+i] = w.set(&s.Actions)
		}
		statements[i] = freezeStatement(s, bucket)
		w.record(head[headerWords+actionWords*len(list)+recordWords*i:][:recordWords], &statements[i])
	}
	for _, s := range list { // behind what deciding reads
		at, n := w.put(s.Name)
		p.meta = append(p.meta, meta{document: uint32(s.Document), index: uint32(s.Index), line: uint32(s.Line), nameAt: at, nameLen: n})
	}
	head[headerText] = w.here()
	switch {
	case f.form == FormScan:
		head[headerRoaring] = scanAlways
	case len(list) > wordSize || f.form == FormRoaring:
		p.roaring = append(p.roaring, newRoaringIndex(statements))
		head[headerRoaring] = uint32(len(p.roaring))
	}
	at := len(p.words)
	p.words = append(append(append(p.words, head...), w.entries...), w.textWords()...)
	if len(p.words) > math.MaxUint32 || len(w.text) > math.MaxUint32 {
		panic("index: more than 2^32 words in one unit")
	}
	return uint32(at)
}

// freezeStatement sorts out what a statement is in the part of a bucket, or in
// the wide part for "".
func freezeStatement(s *Statement, bucket string) frozen {
	out := frozen{from: s, patterns: s.Resources}
	if bucket != "" {
		out.patterns = nil
		for _, program := range s.Resources {
			if name, _ := bucketName(program); name == bucket {
				out.patterns = append(out.patterns, program)
			}
		}
	}
	out.exact = slices.Clone(s.Principals.Exact)
	hashes := make(map[string]uint32, len(out.exact))
	for _, n := range out.exact {
		hashes[n.Text] = hash32(n.Text)
	}
	slices.SortFunc(out.exact, func(a, b Name) int {
		return cmp.Or(cmp.Compare(hashes[a.Text], hashes[b.Text]), cmp.Compare(a.Text, b.Text), cmp.Compare(a.Org, b.Org))
	})
	out.exact = slices.Compact(out.exact)
	out.beginnings = prefixFree(s.Principals.Prefix)
	return out
}

// prefixFree sorts beginnings by organization and text, and drops those that a
// shorter one of the same organization covers: so of what is left, only the
// one just before a text in byte order can be its beginning.
func prefixFree(list []Name) []Name {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Name) int { return cmp.Or(cmp.Compare(a.Org, b.Org), cmp.Compare(a.Text, b.Text)) })
	out := list[:0]
	for _, n := range list {
		if len(out) > 0 {
			if last := out[len(out)-1]; last.Org == n.Org && strings.HasPrefix(n.Text, last.Text) {
				continue
			}
		}
		out = append(out, n)
	}
	return out
}

// record fills a statement's record and adds its entries.
func (w *blockWriter) record(r []uint32, s *frozen) {
	from := s.from
	var flags uint32
	set := func(flag uint32, on bool) {
		if on {
			flags |= flag
		}
	}
	set(flagDeny, from.Deny)
	set(flagEveryone, from.Principals.Everyone)
	set(flagNotPrincipal, from.Principals.Not)
	set(flagNotResource, from.NotResource)
	set(flagWhole, from.WholeOrganization)

	r[recordNames] = w.here()
	for _, n := range s.exact {
		w.nameEntry(hash32(n.Text), n)
	}
	for _, n := range s.beginnings {
		w.nameEntry(0, n)
	}
	for _, org := range from.Principals.Organizations {
		w.nameEntry(0, Name{Org: org})
	}

	var exact, globs []string
	var beginnings []Name
	for _, program := range s.patterns {
		switch kind, literal := classify(program); kind {
		case patternExact:
			exact = append(exact, program)
		case patternPrefix:
			beginnings = append(beginnings, Name{Text: literal})
		default:
			globs = append(globs, program)
		}
	}
	slices.Sort(exact)
	exact = slices.Compact(exact)
	beginnings = prefixFree(beginnings)
	for _, t := range exact {
		w.textEntry(t)
	}
	for _, n := range beginnings {
		w.textEntry(n.Text)
	}
	for _, t := range globs {
		w.textEntry(t)
	}

	r[recordConditions] = w.here()
	for i := range from.Conditions {
		w.condition(&from.Conditions[i])
	}

	counts := [countWords]uint32{
		uint32(len(from.Conditions)), uint32(len(s.exact)), uint32(len(s.beginnings)), uint32(len(from.Principals.Organizations)),
		uint32(len(exact)), uint32(len(beginnings)), uint32(len(globs)),
	}
	if slices.Max(counts[:]) > 0xff {
		r[recordFirst], r[recordMore] = flags|flagLong, w.here()
		w.entries = append(w.entries, counts[:]...)
		return
	}
	r[recordFirst] = flags | counts[0]<<8 | counts[1]<<16 | counts[2]<<24
	r[recordMore] = counts[3] | counts[4]<<8 | counts[5]<<16 | counts[6]<<24
}

// condition adds a condition entry and its values.
func (w *blockWriter) condition(c *Condition) {
	flags := uint32(0)
	for flag, on := range map[uint32]bool{
		conditionNegated: c.Operator.Negated, conditionIfExists: c.Operator.IfExists,
		conditionForAll: c.Operator.ForAll, conditionForAny: c.Operator.ForAny,
	} {
		if on {
			flags |= flag
		}
	}
	at, n := w.put(c.Key.Name)
	w.entries = append(w.entries, uint32(c.Operator.Compare)|flags<<8|uint32(c.Key.Kind)<<16, at, n, uint32(len(c.Values)))
	for _, v := range c.Values {
		at, n := w.put(v.Text)
		words := [...]uint32{uint32(v.A), uint32(v.A >> 32), uint32(v.B), uint32(v.B >> 32), uint32(v.Bits)}
		if v.Is4 {
			words[4] |= rangeIs4
		}
		switch size := valueWords(c.Operator.Compare); size {
		case textWords:
			if c.Operator.Compare <= CompareArn || c.Operator.Compare == CompareBinary {
				w.entries = append(w.entries, at, n)
				break
			}
			fallthrough
		default:
			w.entries = append(w.entries, words[:size]...)
		}
	}
}
