package block

import (
	"unsafe"

	"postern/internal/action"
)

// A part's statements lie in one block of an arena of words, so that deciding
// touches a few neighbouring cache lines, however many statements there are.
// Places in a block are word numbers from its start, texts byte numbers; a
// block starts at a cache line. What follows the header and the bucket's name:
//
//	chunks   a word for every 64 statements: the place of their actions
//	sieve    sieveWords a statement, Deny statements first
//	actions  of each chunk, see below
//	bodies   a record with the entries behind it, its new texts before it
const (
	headerCount   = iota // statements
	headerDenies         // Deny statements: ids below are Deny
	headerMeta           // number of the first statement among the Metas
	headerNameLen        // length of the bucket's name, which follows the header
	headerRoaring        // how the part is narrowed, see Narrowing
	headerKeyAt          // where in a resource text the sieve's four bytes lie
	headerSieve          // place of the sieve
	headerWords

	// headerNamed is, in a part of a name, the place of its two groups, see
	// groups.go, 0 if it has none. Explanations do not read such parts, so they
	// have no headerMeta.
	headerNamed = headerMeta

	// LineWords is the number of words of a cache line, at which a block starts.
	LineWords = 16
)

// The sieve says cheaply which candidates cannot be satisfied.
const (
	sieveNames = iota // a bit for each identifier's hash; all, if that does not tell
	sieveKey          // four bytes of all that the resources can match
	sieveBody         // the place of the record
	sieveWords
)

// The actions of a chunk of 64 statements: first the open set, of the statements
// that sieveKey does not narrow, two words; then the head; then for each known
// action, by its ID, the number of the set of statements that cover it; then
// these sets, two words each, counted from 1. Number 0 stands for the empty set,
// which is not written. The numbers end with the last action that is covered.
// Each has as many bits as the largest needs, a power of two, least bit first:
// one, two or four bits are enough for most policies.
const (
	chunkOpen    = 0 // a set of statements
	chunkHead    = 2 // place of the sets, logarithm of the width << 8, count of numbers << 16
	chunkNumbers = 3
)

// Block is a part's block; see the layout above. The zero value is none.
type Block struct{ words []uint32 }

// At returns the block that begins at a word of an arena.
func At(words []uint32, at uint32) Block { return Block{words[at:]} }

// IsNone reports that there is no block.
func (b Block) IsNone() bool { return b.words == nil }

// Is reports whether two blocks are one.
func (b Block) Is(other Block) bool { return &b.words[0] == &other.words[0] }

// Count is the number of statements.
func (b Block) Count() int { return int(b.words[headerCount]) }

// Denies is the number of Deny statements: ids below are Deny.
func (b Block) Denies() int { return int(b.words[headerDenies]) }

// FirstMeta is the number of the first statement's Meta; only of a block that
// was written with them.
func (b Block) FirstMeta() int { return int(b.words[headerMeta]) }

// Narrowing tells how the part is narrowed: ByWords, ByNothing, or the number
// that the writer was given, of postings, from 1.
func (b Block) Narrowing() uint32 { return b.words[headerRoaring] }

// What Narrowing says where there are no postings.
const (
	ByWords   = 0
	ByNothing = ^uint32(0)
)

// KeyAt is where in a resource text the bytes lie that Entry.Key is compared
// with.
func (b Block) KeyAt() uint32 { return b.words[headerKeyAt] }

// Name is the bucket's name. It aliases the arena, as all texts do.
func (b Block) Name() string { return b.str(4*headerWords, b.words[headerNameLen]) }

// Early reads the lines that will be wanted one after another, so that they come
// at once. What it returns means nothing.
func (b Block) Early() uint32 {
	if len(b.words) > 4*LineWords {
		return b.words[LineWords] + b.words[2*LineWords] + b.words[3*LineWords]
	}
	return 0
}

// str is the text of n bytes at a place.
func (b Block) str(at, n uint32) string {
	if n == 0 {
		return ""
	}
	_ = b.words[(at+n-1)/4]
	return unsafe.String((*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b.words)), at)), n)
}

// text is entry i of a run of texts that begins at word at.
func (b Block) text(at, i uint32) string {
	at += textWords * i
	return b.str(b.words[at+textAt], b.words[at+textLen])
}

// chunks is the place of the chunks' places.
func (b Block) chunks() uint32 { return headerWords + (b.words[headerNameLen]+3)/4 }

// ChunkSize is the number of statements of a chunk: one word has a bit for each.
const ChunkSize = 64

// Actions are the actions of a chunk.
type Actions struct{ words []uint32 }

// Actions returns the actions of a chunk, by its number.
func (b Block) Actions(chunk int) Actions {
	return Actions{b.words[b.words[int(b.chunks())+chunk]:]}
}

// Open are the statements that Entry.Key does not narrow.
func (a Actions) Open() uint64 { return u64(a.words, chunkOpen) }

// Covering are the statements that cover a known action.
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

// u64 is a number of two words.
func u64(words []uint32, at uint32) uint64 { return uint64(words[at]) | uint64(words[at+1])<<32 }

// Covers reports whether a statement covers a known action.
func (b Block) Covers(id int, known action.ID) bool {
	return b.Actions(id/ChunkSize).Covering(known)>>(id%ChunkSize)&1 != 0
}

// Sieve is the sieve of a block.
type Sieve struct{ words []uint32 }

// Sieve returns the sieve.
func (b Block) Sieve() Sieve { return Sieve{b.words[b.words[headerSieve]:]} }

// Entry is what the sieve has of a statement.
type Entry [sieveWords]uint32

// Entry returns the entry of a statement.
func (s Sieve) Entry(id int) *Entry { return (*Entry)(s.words[sieveWords*id:]) }

// Names has NameBit of each identifier that the statement lists, or AnyCaller.
func (e *Entry) Names() uint32 { return e[sieveNames] }

// Key is four bytes that all texts have which the resources match, at KeyAt, or
// for an open statement, see Actions.Open, a trait of them, 0 if it has none.
func (e *Entry) Key() uint32 { return e[sieveKey] }
