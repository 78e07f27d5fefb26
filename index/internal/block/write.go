package block

import (
	"math"
	"math/bits"
	"slices"

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
	metas    []Meta

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

// Write appends the block of a part to an arena, at the next cache line. It
// returns the place of the block. It panics if an arena passes 2^32 words, or a
// block 2^32 bytes.
func (w *Writer) Write(words []uint32, p *Part) ([]uint32, uint32) {
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
		head[headerMeta] = w.meta(list) // after everything that deciding reads
	case t != nil:
		head[headerNamed] = w.groups(t, denies)
	}
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
	return words, uint32(at)
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
