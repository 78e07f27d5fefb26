package block

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"
	"unsafe"

	"github.com/cespare/xxhash/v2"

	"postern/index/internal/glob"
	"postern/index/lowered"
)

// Writer writes one block after another in the same memory. The zero value is
// ready.
type Writer struct {
	words []uint32
	// texts has the places of the texts that were written. fresh are the new
	// texts of the entries at hand, which are written before these entries.
	texts   Finder
	fresh   []byte
	entries []uint32
	// programs has the places of entries of programs, and names those of
	// identifiers.
	programs map[string]uint32
	names    Finder

	// What follows is about the part at hand.
	hashed   []HashedName // the identifiers of its statements
	literals []string
	keys     []uint32
	sieve    uint32 // the place of the sieve

	// What follows is about the statement at hand.
	exact, globs []string
	prefixes     []lowered.Name
	places       []uint32 // the places of its identifiers
}

// reset prepares for the next block.
func (w *Writer) reset() {
	w.words, w.fresh, w.entries, w.places = w.words[:0], w.fresh[:0], w.entries[:0], w.places[:0]
	w.texts.Reset()
	w.names.Reset()
	w.programs = nil
}

// put returns the place and length of a text, which is added if it is new.
func (w *Writer) put(s string) (at, n uint32) {
	at, known := w.texts.Find(lowered.Name{Text: s}, uint32(4*len(w.words)+len(w.fresh)))
	if !known {
		w.fresh = append(w.fresh, s...)
	}
	return at, uint32(len(s))
}

func (w *Writer) textEntry(s string) {
	at, n := w.put(s)
	w.entries = append(w.entries, at, n)
}

func (w *Writer) prefixEntry(n lowered.Name) {
	w.textEntry(n.Text)
	w.textEntry(n.Org)
}

// name returns the place of an identifier, which is added if it is new.
func (w *Writer) name(n lowered.Name) uint32 {
	// A new identifier lies behind its organization's name, if that is new too.
	orgAt, orgLen := w.put(n.Org)
	at, known := w.names.Find(n, uint32(len(w.words)+(len(w.fresh)+3)/4))
	if !known {
		w.entries = append(w.entries, uint32(len(n.Text)), orgLen, orgAt)
		w.flush()
		w.words = appendText(w.words, n.Text)
	}
	return at
}

// flush writes the new texts and then the entries at hand, and returns the
// place of the entries.
func (w *Writer) flush() (at uint32) {
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

func (w *Writer) u64(n uint64) { w.words = append(w.words, uint32(n), uint32(n>>32)) }

// programsOf returns the place of an entry of programs, which is written if it
// is new.
func (w *Writer) programsOf(a *lowered.Actions) uint32 {
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
func (w *Writer) actions(list []Statement, open uint64) uint32 {
	at := uint32(len(w.words))
	var of [lowered.MaxActions]uint64 // for each action the set of the statements that cover it
	count := 0                        // the number of actions up to the last that is covered
	for i := range list {
		for word, known := range list[i].From.Actions.Known {
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

// Statement is a statement of a part.
type Statement struct {
	From     *lowered.Statement
	Exact    []HashedName // sorted by hash
	Prefixes []lowered.Name
	Patterns []string // the programs of the resources that the part is about
}

// HashedName is a Name with the Hash of its text.
type HashedName struct {
	lowered.Name
	Hash uint32
}

// Hash returns the hash by which an identifier is found. Equality decides: a
// hash alone identifies nothing.
func Hash(s string) uint32 { return uint32(xxhash.Sum64String(s)) }

// Meta is what explanations tell of a statement. Its name is a text of its
// block.
type Meta struct {
	Document, Index, Line uint32
	nameAt, nameLen       uint32
}

// StatementName returns the name of the statement that m is of.
func (b Block) StatementName(m *Meta) string { return b.str(m.nameAt, m.nameLen) }

// Part is what a block is written from.
type Part struct {
	Name string // the name of the bucket
	// Statements has the Deny statements first.
	Statements []Statement
	// Traits are the traits by which Statements are sorted; nil if they are
	// not.
	Traits *Traits
	// Explained says that Metas are written. Explanations do not read parts of
	// names, so that these have none.
	Explained bool
	Narrowing uint32
}

// Statement returns s as a statement of a part, with the patterns of its
// resources that the part is about. It is valid until Forget.
func (w *Writer) Statement(s *lowered.Statement, patterns []string) Statement {
	out := Statement{From: s, Patterns: patterns}
	from := len(w.hashed)
	for _, n := range s.Principals.Exact {
		w.hashed = append(w.hashed, HashedName{n, Hash(n.Text)})
	}
	exact := w.hashed[from:len(w.hashed):len(w.hashed)]
	if len(exact) > 1 {
		slices.SortFunc(exact, func(a, b HashedName) int {
			if a.Hash != b.Hash {
				return cmp.Compare(a.Hash, b.Hash)
			}
			return cmp.Or(strings.Compare(a.Text, b.Text), strings.Compare(a.Org, b.Org))
		})
		exact = slices.Compact(exact)
	}
	out.Exact = exact
	if len(s.Principals.Prefix) > 0 {
		out.Prefixes = prefixFree(slices.Clone(s.Principals.Prefix))
	}
	return out
}

// Forget drops the statements that Statement returned.
func (w *Writer) Forget() { Forget(&w.hashed) }

// Reset drops everything and keeps the memory.
func (w *Writer) Reset() {
	w.reset()
	w.Forget()
}

// MaxWords is the size of the Writer's largest list, in words.
func (w *Writer) MaxWords() int {
	return max(cap(w.words), 4*cap(w.hashed), 4*cap(w.texts.entries), 4*cap(w.names.entries))
}

// Write appends the block of a part to an arena, at the next cache line, and
// its Metas to metas. It returns the place of the block. It panics if an arena
// passes 2^32 words, or a block 2^32 bytes.
func (w *Writer) Write(words []uint32, metas []Meta, p *Part) ([]uint32, []Meta, uint32) {
	list, t := p.Statements, p.Traits
	denies := 0
	for i := range list {
		if list[i].From.Deny {
			denies++
		}
	}
	for i := range list {
		literal := ""
		if t == nil || !t.isTabled(i, denies) {
			literal = literalOf(&list[i])
		}
		w.literals = append(w.literals, literal)
	}
	keyAt := w.ChooseKey(p.Name, w.literals)

	w.reset()
	w.words = append(w.words, make([]uint32, headerWords)...)
	w.texts.Find(lowered.Name{Text: p.Name}, 4*headerWords)
	w.words = appendText(w.words, p.Name)
	w.head(p, keyAt)
	head := [headerWords]uint32{
		headerCount: uint32(len(list)), headerDenies: uint32(denies), headerNameLen: uint32(len(p.Name)),
		headerRoaring: p.Narrowing, headerKeyAt: keyAt, headerSieve: w.sieve,
	}
	switch {
	case p.Explained:
		head[headerMeta] = uint32(len(metas))
	case t != nil:
		head[headerNamed] = w.groups(t, denies)
	}
	for i := 0; i < len(list) && p.Explained; i++ { // after everything that deciding reads
		s := list[i].From
		at, n := w.put(s.Name)
		metas = append(metas, Meta{Document: uint32(s.Document), Index: uint32(s.Index), Line: uint32(s.Line), nameAt: at, nameLen: n})
	}
	w.flush()
	Forget(&w.literals)
	copy(w.words, head[:])
	for len(words)%LineWords != 0 {
		words = append(words, 0)
	}
	at := len(words)
	words = append(words, w.words...)
	if len(words) > math.MaxUint32 || 4*len(w.words) > math.MaxUint32 {
		panic("index: more than 2^32 words in one unit, or bytes in one part")
	}
	return words, metas, uint32(at)
}

// head writes the chunks, the sieve, the actions and the bodies.
func (w *Writer) head(p *Part, keyAt uint32) {
	list := p.Statements
	chunks := len(w.words)
	w.words = append(w.words, make([]uint32, (len(list)+ChunkSize-1)/ChunkSize)...)
	sieve := len(w.words)
	w.sieve = uint32(sieve)
	w.words = append(w.words, make([]uint32, sieveWords*len(list))...)
	for first := 0; first < len(list); first += ChunkSize {
		last := min(first+ChunkSize, len(list))
		open := uint64(0)
		for i := first; i < last; i++ {
			entry := w.words[sieve+sieveWords*i:]
			entry[sieveNames] = sieveOf(&list[i])
			if literal := w.literals[i]; uint64(keyAt)+KeyBytes <= uint64(len(literal)) {
				entry[sieveKey] = KeyOf(literal, keyAt)
				continue
			}
			open |= 1 << (i - first)
			if p.Traits != nil {
				entry[sieveKey] = p.Traits.of[i]
			}
		}
		w.words[chunks+first/ChunkSize] = w.actions(list[first:last], open)
	}
	for i := range list {
		w.words[sieve+sieveWords*i+sieveBody] = w.body(&list[i])
	}
}

// prefixFree sorts prefixes by organization and text, and drops those that have
// a shorter prefix of the same organization. Of those that are left, only the
// last that is not greater than a text can be a prefix of it. It works in
// place.
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

// body writes a statement's record and entries, and returns the place of the
// record.
func (w *Writer) body(s *Statement) uint32 {
	from := s.From
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

	exact, globs, prefixes := w.exact[:0], w.globs[:0], w.prefixes[:0]
	for _, program := range s.Patterns {
		switch kind, literal := glob.Classify(program); kind {
		case glob.Exact:
			exact = append(exact, program)
		case glob.Prefix:
			prefixes = append(prefixes, lowered.Name{Text: literal})
		default:
			globs = append(globs, program)
		}
	}
	w.exact, w.globs, w.prefixes = exact, globs, prefixes
	slices.Sort(exact)
	exact = slices.Compact(exact)
	prefixes = prefixFree(prefixes)
	counts := [countWords]uint32{
		uint32(len(from.Conditions)), uint32(len(s.Exact)), uint32(len(s.Prefixes)), uint32(len(from.Principals.Organizations)),
		uint32(len(exact)), uint32(len(prefixes)), uint32(len(globs)),
	}
	set(flagLong, slices.Max(counts[:]) > 0xff)

	w.places = w.places[:0]
	for _, n := range s.Exact {
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
	for i, n := range s.Exact {
		w.entries = append(w.entries, n.Hash, w.places[i])
	}
	for _, n := range s.Prefixes {
		w.prefixEntry(n)
	}
	for _, org := range from.Principals.Organizations {
		w.prefixEntry(lowered.Name{Org: org})
	}
	for _, t := range exact {
		w.textEntry(t)
	}
	for _, n := range prefixes {
		w.textEntry(n.Text)
	}
	for _, t := range globs {
		w.textEntry(t)
	}
	w.conditions(from.Conditions)
	Forget(&w.exact)
	Forget(&w.globs)
	Forget(&w.prefixes)
	return w.flush()
}

// bytesOf returns the words of a block as bytes, in the machine's order.
func bytesOf(words []uint32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 4*len(words))
}
