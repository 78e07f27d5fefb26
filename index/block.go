package index

import (
	"unsafe"

	"postern/internal/action"
)

// A part's statements lie in one block of Policies.words, so that deciding
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
	headerMeta           // place of the first statement in Policies.meta
	headerNameLen        // length of the bucket's name, which follows the header
	headerRoaring        // number in Policies.roaring, plus 1; 0: words of candidates
	headerKeyAt          // where in a resource text the sieve's four bytes lie
	headerSieve          // place of the sieve
	headerWords

	// headerNamed is, in a part of a name, the place of its two groups, see
	// named.go, 0 if it has none. Explanations do not read such parts, so they
	// have no headerMeta.
	headerNamed = headerMeta

	lineWords = 16 // of a cache line
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

// A record: four counts a word, least byte first. With flagPrograms the place
// of an entry of programs follows. If a count is above 255 it has flagLong, and
// countWords words of counts follow. Then come the principal, pattern and
// condition entries.
const (
	recordFirst = iota // flags, conditions, identifiers, beginnings
	recordMore         // organizations, exact, prefix and glob patterns
	recordWords

	countWords = 7 // the counts in the order above, without the flags
)

const (
	flagDeny = 1 << iota
	flagEveryone
	flagNotPrincipal
	flagNotResource
	flagWhole
	flagLong
	flagPrograms
)

// An entry of programs, for unknown actions, and the texts.
const (
	programsNot   = iota // 1: what no program matches is covered
	programsCount        //
	programsWords
)

// The principal entries: identifiers, sorted by hash; then beginnings,
// prefix-free and sorted by organization and text; then organizations, which
// have no text.
const (
	beginAt  = iota // the text
	beginLen        //
	beginOrg        // the organization, a text; of length 0: of any
	beginOrgLen
	beginWords
)

// A pattern entry is a text: exact ones sorted, beginnings prefix-free and
// sorted, then programs.
const (
	textAt = iota
	textLen
	textWords
)

// A condition entry, followed by its values; valueWords tells their size.
const (
	conditionHow    = iota // Comparison, operator flags, KeyKind, policy.Test, least byte first
	conditionKeyTag        // keyTag of the key's name
	conditionKeyAt         // the key's name, a text
	conditionKeyLen        //
	conditionValues        // number of values
	conditionWords

	conditionNegated  = 1
	conditionIfExists = 2
	conditionForAll   = 4
	conditionForAny   = 8
	// conditionArn: what a request has must be an ARN; conditionVariables: a
	// value holds a variable.
	conditionArn       = 16
	conditionVariables = 32
)

// block is a part's block; see the layout above.
type block []uint32

func (b block) count() int  { return int(b[headerCount]) }
func (b block) denies() int { return int(b[headerDenies]) }

// str is the text of n bytes at a place.
func (b block) str(at, n uint32) string {
	if n == 0 {
		return ""
	}
	_ = b[(at+n-1)/4]
	return unsafe.String((*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), at)), n)
}

// name is the bucket's name.
func (b block) name() string { return b.str(4*headerWords, b[headerNameLen]) }

// chunks is the place of the chunks' places.
func (b block) chunks() uint32 { return headerWords + (b[headerNameLen]+3)/4 }

// text is entry i of a run of texts that begins at word at.
func (b block) text(at, i uint32) string {
	at += textWords * i
	return b.str(b[at+textAt], b[at+textLen])
}

// beginText is the text of a beginning, beginOrgText its organization.
func (b block) beginText(at uint32) string    { return b.str(b[at+beginAt], b[at+beginLen]) }
func (b block) beginOrgText(at uint32) string { return b.str(b[at+beginOrg], b[at+beginOrgLen]) }

// u64 is a number of two words.
func (b block) u64(at uint32) uint64 { return uint64(b[at]) | uint64(b[at+1])<<32 }

// record is a statement's record; see the layout above. It is small enough to
// be handed on in registers; its block goes beside it.
type record struct {
	first, more uint32
	entries     uint32 // place of the principal entries
}

// record reads the record of a statement.
func (b block) record(id int) record {
	return b.recordAt(b[int(b[headerSieve])+sieveWords*id+sieveBody])
}

func (b block) recordAt(at uint32) record {
	r := record{first: b[at+recordFirst], more: b[at+recordMore], entries: at + recordWords}
	if r.is(flagPrograms | flagLong) {
		if r.is(flagPrograms) {
			r.entries++
		}
		if r.is(flagLong) {
			r.entries += countWords
		}
	}
	return r
}

// is reports whether the record has one of the flags.
func (r record) is(flags uint32) bool { return r.first&flags != 0 }

// longCount is one of the counts, by number, of a record with flagLong.
func (b block) longCount(r record, n uint32) uint32 { return b[r.entries-countWords+n] }

// programs is the place of the programs of a record with flagPrograms.
func (b block) programs(r record) uint32 {
	if r.is(flagLong) {
		return b[r.entries-countWords-1]
	}
	return b[r.entries-1]
}

// conditionCount is the number of conditions.
func (b block) conditionCount(r record) uint32 {
	if r.is(flagLong) {
		return b.longCount(r, 0)
	}
	return r.first >> 8 & 0xff
}

// who are the numbers of identifiers, beginnings and organizations.
func (b block) who(r record) (exact, beginnings, organizations uint32) {
	if r.is(flagLong) {
		return b.longCount(r, 1), b.longCount(r, 2), b.longCount(r, 3)
	}
	return r.first >> 16 & 0xff, r.first >> 24, r.more & 0xff
}

// what are the numbers of exact, prefix and glob patterns.
func (b block) what(r record) (exact, prefix, glob uint32) {
	if r.is(flagLong) {
		return b.longCount(r, 4), b.longCount(r, 5), b.longCount(r, 6)
	}
	return r.more >> 8 & 0xff, r.more >> 16 & 0xff, r.more >> 24
}

// patterns is the place of the first pattern entry.
func (b block) patterns(r record) uint32 {
	exact, beginnings, organizations := b.who(r)
	return r.entries + exactWords*exact + beginWords*(beginnings+organizations)
}

// conditions is the place of the first condition entry.
func (b block) conditions(r record) uint32 {
	exact, prefix, glob := b.what(r)
	return b.patterns(r) + textWords*(exact+prefix+glob)
}

// covering are the statements of a chunk of 64 that cover a known action.
func (b block) covering(chunk uint32, id action.ID) uint64 {
	return b[b[b.chunks()+chunk]:].covered(id)
}

// covered is covering, of the actions of a chunk.
func (a block) covered(id action.ID) uint64 {
	head := a[chunkHead]
	if uint32(id) >= head>>16 {
		return 0
	}
	width := head >> 8 & 0xff
	at := uint32(id) << width
	number := a[chunkNumbers+at/32] >> (at % 32) & (1<<(1<<width) - 1)
	if number == 0 {
		return 0
	}
	return a.u64(head&0xff + 2*(number-1))
}

// covers reports whether a statement covers the requested action.
func (b block) covers(id int, v *view) bool {
	if v.known {
		return b.covering(uint32(id/wordSize), v.action)>>(id%wordSize)&1 != 0
	}
	r := b.record(id)
	if !r.is(flagPrograms) {
		return false
	}
	at := b.programs(r)
	for i := range b[at+programsCount] {
		if v.Glob(b.text(at+programsWords, i), v.actionFolded()) {
			return b[at+programsNot] == 0
		}
	}
	return b[at+programsNot] != 0
}

// unknownCovered are the statements of a chunk, by its first one, that cover
// the unknown action of a request.
func (b block) unknownCovered(first int, v *view) (set uint64) {
	for id := first; id < min(first+wordSize, b.count()); id++ {
		if b.covers(id, v) {
			set |= 1 << (id - first)
		}
	}
	return set
}
