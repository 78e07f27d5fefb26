package index

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"

	"postern/index/internal/glob"
	"postern/index/lowered"
)

// blockWriter writes one part's block.
type blockWriter struct {
	words []uint32
	// texts finds the places of the texts that were written; fresh are those of
	// the entries that are being made, which will be written before them.
	texts   finder
	fresh   []byte
	entries []uint32
	// programs finds the entries of programs, names the names.
	programs map[string]uint32
	names    finder

	// Of the statement at hand.
	exact, globs []string
	beginnings   []lowered.Name
	places       []uint32 // of its identifiers
}

// reset prepares for another block.
func (w *blockWriter) reset() {
	w.words, w.fresh, w.entries, w.places = w.words[:0], w.fresh[:0], w.entries[:0], w.places[:0]
	w.texts.reset()
	w.names.reset()
	w.programs = nil
}

// put returns the place and length of a text, and adds it if it is new.
func (w *blockWriter) put(s string) (at, n uint32) {
	at, known := w.texts.find(lowered.Name{Text: s}, uint32(4*len(w.words)+len(w.fresh)))
	if !known {
		w.fresh = append(w.fresh, s...)
	}
	return at, uint32(len(s))
}

func (w *blockWriter) textEntry(s string) {
	at, n := w.put(s)
	w.entries = append(w.entries, at, n)
}

func (w *blockWriter) beginEntry(n lowered.Name) {
	w.textEntry(n.Text)
	w.textEntry(n.Org)
}

// name writes an identifier, once, and returns its place.
func (w *blockWriter) name(n lowered.Name) uint32 {
	// If it is new it will lie behind its organization, if that is new too.
	orgAt, orgLen := w.put(n.Org)
	at, known := w.names.find(n, uint32(len(w.words)+(len(w.fresh)+3)/4))
	if !known {
		w.entries = append(w.entries, uint32(len(n.Text)), orgLen, orgAt)
		w.flush()
		w.words = appendText(w.words, n.Text)
	}
	return at
}

// flush writes the new texts and then the entries, and returns their place.
func (w *blockWriter) flush() (at uint32) {
	w.words = appendText(w.words, w.fresh)
	at = uint32(len(w.words))
	w.words = append(w.words, w.entries...)
	w.fresh, w.entries = w.fresh[:0], w.entries[:0]
	return at
}

// appendText appends text as words, in the machine's byte order.
func appendText[T string | []byte](words []uint32, text T) []uint32 {
	from := len(words)
	words = append(words, make([]uint32, (len(text)+3)/4)...)
	copy(bytesOf(words[from:]), text)
	return words
}

func (w *blockWriter) u64(n uint64) { w.words = append(w.words, uint32(n), uint32(n>>32)) }

// programsOf writes the entry of a statement's programs for unknown actions,
// once, and returns its place.
func (w *blockWriter) programsOf(a *lowered.Actions) uint32 {
	id := strings.Join(a.Programs, "\xff\xff")
	if a.Not {
		id += "\xff!"
	}
	at, ok := w.programs[id]
	if !ok {
		w.entries = append(w.entries, 0, uint32(len(a.Programs)))
		if a.Not {
			w.entries[programsNot] = 1
		}
		for _, p := range a.Programs {
			w.textEntry(p)
		}
		at = w.flush()
		if w.programs == nil {
			w.programs = map[string]uint32{}
		}
		w.programs[id] = at
	}
	return at
}

// actions writes the actions of a chunk and returns their place.
func (w *blockWriter) actions(list []frozen, open uint64) uint32 {
	at := uint32(len(w.words))
	var of [lowered.MaxActions]uint64 // the statements that cover an action
	count := 0                        // of the actions up to the last that is covered
	for i := range list {
		for word, known := range list[i].from.Actions.Known {
			if known != 0 {
				count = max(count, 64*word+bits.Len64(known))
			}
			for ; known != 0; known &= known - 1 {
				of[64*word+bits.TrailingZeros64(known)] |= 1 << i
			}
		}
	}
	var numbers [lowered.MaxActions]uint32
	var setsOf [lowered.MaxActions]uint64
	sets := setsOf[:0]
	for id, set := range of[:count] {
		if set == 0 {
			continue
		}
		n := slices.Index(sets, set)
		if n < 0 {
			n = len(sets)
			sets = append(sets, set)
		}
		numbers[id] = uint32(n) + 1
	}
	width := 0
	for len(sets) >= 1<<(1<<width) {
		width++
	}
	words := (count<<width + 31) / 32
	w.u64(open)
	w.words = append(w.words, uint32(chunkNumbers+words)|uint32(width)<<8|uint32(count)<<16)
	from := len(w.words)
	w.words = append(w.words, make([]uint32, words)...)
	for id, n := range numbers[:count] {
		bit := id << width
		w.words[from+bit/32] |= n << (bit % 32)
	}
	for _, set := range sets {
		w.u64(set)
	}
	return at
}

// frozen is what the sieve and Roaring postings are made from.
type frozen struct {
	from       *lowered.Statement
	exact      []hashedName // sorted by hash
	beginnings []lowered.Name
	patterns   []string // programs, those about the part's bucket
}

// part freezes statements, which are in order, and returns the place of their
// block. Of the statements' resources it takes those that name bucket, or all
// for "".
func (f *freezer) part(name, bucket string, list []*lowered.Statement) uint32 {
	f.statements = slices.Grow(f.statements, len(list))
	for _, s := range list {
		f.statements = append(f.statements, f.freeze(s, bucket))
	}
	at := f.block(name, f.statements, true, nil)
	if len(list) > wordParts && f.form == FormAuto || f.form == FormNames {
		f.p.roaring[f.p.block(at)[headerRoaring]-1].byName(f, f.statements)
	}
	forget(&f.statements)
	forget(&f.names)
	forget(&f.texts)
	return at
}

// block writes the block of a part, and returns its place. explained says that
// the document, index and line of each statement are recorded for explanations;
// it is false for the parts of names, which explanations do not read. t are the
// traits by which the statements are sorted, nil if they are not.
func (f *freezer) block(name string, list []frozen, explained bool, t *traits) uint32 {
	p := f.p
	denies := 0
	for i := range list {
		if list[i].from.Deny {
			denies++
		}
	}
	for i := range list {
		literal := ""
		if t == nil || !t.isTabled(i, denies) {
			literal = literalOf(&list[i])
		}
		f.literals = append(f.literals, literal)
	}
	literals := f.literals
	keyAt := f.chooseKey(name, literals)

	w := &f.w
	w.reset()
	w.words = append(w.words, make([]uint32, headerWords)...)
	w.texts.find(lowered.Name{Text: name}, 4*headerWords)
	w.words = appendText(w.words, name)
	chunks := len(w.words)
	w.words = append(w.words, make([]uint32, (len(list)+wordSize-1)/wordSize)...)
	sieve := len(w.words)
	w.words = append(w.words, make([]uint32, sieveWords*len(list))...)
	for first := 0; first < len(list); first += wordSize {
		last := min(first+wordSize, len(list))
		open := uint64(0)
		for i := first; i < last; i++ {
			entry := w.words[sieve+sieveWords*i:]
			entry[sieveNames] = sieveOf(&list[i])
			if uint64(keyAt)+keyBytes <= uint64(len(literals[i])) {
				entry[sieveKey] = keyOf(literals[i], keyAt)
				continue
			}
			open |= 1 << (i - first)
			if t != nil {
				entry[sieveKey] = t.of[i]
			}
		}
		w.words[chunks+first/wordSize] = w.actions(list[first:last], open)
	}
	for i := range list {
		w.words[sieve+sieveWords*i+sieveBody] = w.body(&list[i])
	}
	head := [headerWords]uint32{
		headerCount: uint32(len(list)), headerDenies: uint32(denies), headerMeta: uint32(len(p.meta)),
		headerNameLen: uint32(len(name)), headerKeyAt: keyAt, headerSieve: uint32(sieve),
	}
	if !explained {
		head[headerNamed] = 0
	}
	if t != nil {
		head[headerNamed] = w.namedGroups(t, denies)
	}
	for i := 0; i < len(list) && explained; i++ { // behind what deciding reads
		s := list[i].from
		at, n := w.put(s.Name)
		p.meta = append(p.meta, meta{document: uint32(s.Document), index: uint32(s.Index), line: uint32(s.Line), nameAt: at, nameLen: n})
	}
	w.flush()
	words := wordParts
	if !explained {
		words = nameParts
	}
	switch {
	case f.form == FormScan:
		head[headerRoaring] = scanAlways
	case len(list) > words || f.form == FormRoaring || f.form == FormNames && explained:
		p.roaring = append(p.roaring, newRoaringIndex(list))
		head[headerRoaring] = uint32(len(p.roaring))
	}
	forget(&f.literals)
	copy(w.words, head[:])
	f.align()
	at := len(p.words)
	p.words = append(p.words, w.words...)
	if len(p.words) > math.MaxUint32 || 4*len(w.words) > math.MaxUint32 {
		panic("index: more than 2^32 words in one unit, or bytes in one part")
	}
	return uint32(at)
}

// freeze sorts out what a statement is in the part of a bucket, or in the wide
// part for "". What it returns lasts until the part is done.
func (f *freezer) freeze(s *lowered.Statement, bucket string) frozen {
	out := frozen{from: s, patterns: s.Resources}
	if bucket != "" {
		from := len(f.texts)
		for _, program := range s.Resources {
			if name, _ := bucketName(program); name == bucket {
				f.texts = append(f.texts, program)
			}
		}
		out.patterns = f.texts[from:len(f.texts):len(f.texts)]
	}
	from := len(f.names)
	for _, n := range s.Principals.Exact {
		f.names = append(f.names, hashedName{n, hash32(n.Text)})
	}
	exact := f.names[from:len(f.names):len(f.names)]
	if len(exact) > 1 {
		slices.SortFunc(exact, func(a, b hashedName) int {
			if a.hash != b.hash {
				return cmp.Compare(a.hash, b.hash)
			}
			return cmp.Or(strings.Compare(a.Text, b.Text), strings.Compare(a.Org, b.Org))
		})
		exact = slices.Compact(exact)
	}
	out.exact = exact
	if len(s.Principals.Prefix) > 0 {
		out.beginnings = prefixFree(slices.Clone(s.Principals.Prefix))
	}
	return out
}

// prefixFree sorts beginnings by organization and text, and drops those that a
// shorter one of the same organization covers: so of what is left, only the
// one just before a text in byte order can be its beginning. It works in place.
func prefixFree(list []lowered.Name) []lowered.Name {
	if len(list) < 2 {
		return list
	}
	slices.SortFunc(list, func(a, b lowered.Name) int { return cmp.Or(cmp.Compare(a.Org, b.Org), cmp.Compare(a.Text, b.Text)) })
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

// body writes a statement's record and entries, and returns their place.
func (w *blockWriter) body(s *frozen) uint32 {
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
	set(flagPrograms, from.Actions.Not || len(from.Actions.Programs) > 0)

	exact, globs, beginnings := w.exact[:0], w.globs[:0], w.beginnings[:0]
	for _, program := range s.patterns {
		switch kind, literal := glob.Classify(program); kind {
		case glob.Exact:
			exact = append(exact, program)
		case glob.Prefix:
			beginnings = append(beginnings, lowered.Name{Text: literal})
		default:
			globs = append(globs, program)
		}
	}
	w.exact, w.globs, w.beginnings = exact, globs, beginnings
	slices.Sort(exact)
	exact = slices.Compact(exact)
	beginnings = prefixFree(beginnings)
	counts := [countWords]uint32{
		uint32(len(from.Conditions)), uint32(len(s.exact)), uint32(len(s.beginnings)), uint32(len(from.Principals.Organizations)),
		uint32(len(exact)), uint32(len(beginnings)), uint32(len(globs)),
	}
	set(flagLong, slices.Max(counts[:]) > 0xff)

	w.places = w.places[:0]
	for _, n := range s.exact {
		w.places = append(w.places, w.name(n.Name))
	}
	programs := uint32(0)
	if flags&flagPrograms != 0 {
		programs = w.programsOf(&from.Actions)
	}
	if flags&flagLong == 0 {
		w.entries = append(w.entries, flags|counts[0]<<8|counts[1]<<16|counts[2]<<24, counts[3]|counts[4]<<8|counts[5]<<16|counts[6]<<24)
	} else {
		w.entries = append(w.entries, flags, 0)
	}
	if flags&flagPrograms != 0 {
		w.entries = append(w.entries, programs)
	}
	if flags&flagLong != 0 {
		w.entries = append(w.entries, counts[:]...)
	}
	for i, n := range s.exact {
		w.entries = append(w.entries, n.hash, w.places[i])
	}
	for _, n := range s.beginnings {
		w.beginEntry(n)
	}
	for _, org := range from.Principals.Organizations {
		w.beginEntry(lowered.Name{Org: org})
	}
	for _, t := range exact {
		w.textEntry(t)
	}
	for _, n := range beginnings {
		w.textEntry(n.Text)
	}
	for _, t := range globs {
		w.textEntry(t)
	}
	w.conditions(from.Conditions)
	forget(&w.exact)
	forget(&w.globs)
	forget(&w.beginnings)
	return w.flush()
}
