package block

import (
	"unsafe"

	"postern/internal/action"
)

// The statements of a part lie in one block of an arena of words, so that
// deciding touches few cache lines, which lie side by side, however many
// statements there are. A place in a block is a number of words from its start,
// and the place of a text a number of bytes. A block starts at a cache line. It
// begins with a header and the bucket's name, which these follow:
//
// chunks: a word for every 64 statements, the place of their actions.
//
// sieve: sieveWords for each statement, Deny statements first.
//
// actions: of each chunk, see chunkOpen.
//
// bodies: a record and its entries for each statement, after the texts that are
// new in them.
//
// metas: see meta.go.
const (
	headerCount   = iota // number of statements
	headerDenies         // number of Deny statements, which have the lowest ids
	headerMeta           // place of the Metas
	headerNameLen        // length of the bucket's name, which follows the header, in bytes
	headerRoaring        // headerNamed is, in a part of a name, the place of its two groups, see groups.go; 0 if it has none. Explanations do not read such parts, so that they need no headerMeta.
	headerKeyAt          // where in the text of a resource the four bytes lie that sieveKey is compared with
	headerSieve          // place of the sieve
	headerWords

	// headerNamed is, in a part of a name, the place of its two groups, see
	// groups.go; 0 if it has none. Explanations do not read such parts, so that
	// they need no headerMeta.
	headerNamed = headerMeta

	// LineWords is the number of words of a cache line. Blocks start at
	// multiples of it.
	LineWords = 16
)

// An entry of the sieve tells, at a low cost, that a candidate cannot be
// satisfied.
const (
	sieveNames = iota // NameBit of each identifier listed; AnyCaller if that does not narrow
	sieveKey          // four bytes that all texts have which the resources match
	sieveBody         // the place of the record
	sieveWords
)

// The actions of a chunk of 64 statements begin with its open set: the
// statements that sieveKey does not narrow, two words. The head follows, and
// then for each known action, by its ID, the number of the set of the
// statements that cover it, up to the last action that is covered. Then come
// these sets, two words each, counted from 1; number 0 is the empty set, which
// is not written. The numbers have as many bits each as the largest needs,
// rounded up to a power of two, least bit first: most policies need one, two or
// four.
const (
	chunkOpen    = 0 // a set of statements
	chunkHead    = 2 // place of the sets, logarithm of the bits of a number << 8, count of numbers << 16
	chunkNumbers = 3
)

// Block is a part's block. The zero value is no block.
type Block struct{ words []uint32 }

// At returns the block that starts at a word of an arena.
func At(words []uint32, at uint32) Block { return Block{words[at:]} }

// IsNone reports whether there is no block.
func (b Block) IsNone() bool { return b.words == nil }

// Is reports whether b and other are the same block.
func (b Block) Is(other Block) bool { return &b.words[0] == &other.words[0] }

// Count is the number of statements.
func (b Block) Count() int { return int(b.words[headerCount]) }

// Denies is the number of Deny statements, which have the lowest ids.
func (b Block) Denies() int { return int(b.words[headerDenies]) }

// Narrowing says how the part is narrowed: ByWords, ByNothing, or by postings,
// whose number it is, from 1.
func (b Block) Narrowing() uint32 { return b.words[headerRoaring] }

// The values of Narrowing where there are no postings.
const (
	ByWords   = 0
	ByNothing = ^uint32(0)
)

// KeyAt is where in the text of a resource the bytes lie that Entry.Key is
// compared with.
func (b Block) KeyAt() uint32 { return b.words[headerKeyAt] }

// Name is the bucket's name. It aliases the arena, as all texts do.
func (b Block) Name() string { return b.str(4*headerWords, b.words[headerNameLen]) }

// Early reads the cache lines that deciding will need one after another, so
// that they are loaded side by side. Its result means nothing; it is returned
// so that the reads are not optimized away.
func (b Block) Early() uint32 {
	if len(b.words) > 4*LineWords {
		return b.words[LineWords] + b.words[2*LineWords] + b.words[3*LineWords]
	}
	return 0
}

// str returns the text of n bytes at a place.
func (b Block) str(at, n uint32) string {
	if n == 0 {
		return ""
	}
	_ = b.words[(at+n-1)/4]
	return unsafe.String((*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b.words)), at)), n)
}

// text returns entry i of a list of texts at a place.
func (b Block) text(at, i uint32) string {
	at += textWords * i
	return b.str(b.words[at+textAt], b.words[at+textLen])
}

// chunks returns the place of the list of chunks.
func (b Block) chunks() uint32 { return headerWords + (b.words[headerNameLen]+3)/4 }

// ChunkSize is the number of statements of a chunk: a word has a bit for each.
const ChunkSize = 64

// Actions are the actions of a chunk.
type Actions struct{ words []uint32 }

// Actions returns the actions of a chunk, by its number.
func (b Block) Actions(chunk int) Actions {
	return Actions{b.words[b.words[int(b.chunks())+chunk]:]}
}

// Open is the set of the statements that Entry.Key does not narrow.
func (a Actions) Open() uint64 { return u64(a.words, chunkOpen) }

// Covering is the set of the statements that cover a known action.
func (a Actions) Covering(id action.ID) uint64 {
	head := a.words[chunkHead]
	if uint32(id) >= head>>16 {
		return 0
	}
	width := head >> 8 & 0xff
	at := uint32(id) << width
	number := a.words[chunkNumbers+at/32] >> (at % 32) & (1<<(1<<width) - 1)
	if number == 0 {
		return 0
	}
	return u64(a.words, head&0xff+2*(number-1))
}

// u64 returns the number in two words.
func u64(words []uint32, at uint32) uint64 { return uint64(words[at]) | uint64(words[at+1])<<32 }

// Covers reports whether statement id covers a known action.
func (b Block) Covers(id int, known action.ID) bool {
	return b.Actions(id/ChunkSize).Covering(known)>>(id%ChunkSize)&1 != 0
}

// Sieve is the sieve of a block.
type Sieve struct{ words []uint32 }

// Sieve returns the sieve.
func (b Block) Sieve() Sieve { return Sieve{b.words[b.words[headerSieve]:]} }

// Entry is the entry of a statement in the sieve.
type Entry [sieveWords]uint32

// Entry returns the entry of a statement.
func (s Sieve) Entry(id int) *Entry { return (*Entry)(s.words[sieveWords*id:]) }

// Names is the NameBit of each identifier that the statement lists, or
// AnyCaller.
func (e *Entry) Names() uint32 { return e[sieveNames] }

// Key is four bytes that all texts have at KeyAt which the resources match. For
// a statement in Actions.Open it is a trait that all of these texts have, or 0.
func (e *Entry) Key() uint32 { return e[sieveKey] }
