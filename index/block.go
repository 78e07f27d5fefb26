package index

import (
	"encoding/binary"
	"unsafe"

	"postern/internal/action"
)

// A part's statements lie in one block of Policies.words, so that deciding
// touches a few neighbouring cache lines and one or two pages, however many
// statements there are. All places in a block are word numbers from its start;
// texts are bytes behind the last entry.
//
//	header    headerWords
//	actions   2 words a statement: see packActions
//	records   recordWords a statement, Deny statements first
//	entries   principals (nameWords each) and patterns (textWords each)
//	text
const (
	headerCount   = iota // statements
	headerDenies         // Deny statements: ids below are Deny
	headerMeta           // place of the first statement in Policies.meta
	headerText           // word at which the text begins
	headerNameAt         // the bucket's name, a text
	headerNameLen        //
	headerRoaring        // number in Policies.roaring, plus 1; 0: one word of statements
	headerPad            //
	headerWords
)

const (
	recordFlags          = iota // flags, and the number of conditions above flagBits
	recordConditions            // place in Policies.conditions
	recordNames                 // word of the first principal entry
	recordExact                 // identifiers, sorted by hash, text, organization
	recordBeginnings            // beginnings, prefix-free, sorted by organization and text
	recordOrganizations         // organizations
	recordPatterns              // word of the first pattern entry
	recordExactPatterns         // literal texts, sorted
	recordPrefixPatterns        // literal beginnings, prefix-free, sorted
	recordGlobPatterns          // programs
	recordWords
)

const (
	nameHash = iota // of the text
	nameAt          // the text
	nameLen
	nameOrg // number in Policies.organizations; 0: of any
	nameWords
)

const (
	textAt = iota
	textLen
	textWords
)

const (
	flagDeny = 1 << iota
	flagEveryone
	flagNotPrincipal
	flagNotResource
	flagWhole
	flagBits = 8
)

// block is a part's block; see the layout above.
type block []uint32

func (b block) count() int  { return int(b[headerCount]) }
func (b block) denies() int { return int(b[headerDenies]) }

// str is the text of n bytes at a place behind headerText.
func (b block) str(at, n uint32) string {
	if n == 0 {
		return ""
	}
	first := (*byte)(unsafe.Pointer(&b[b[headerText]]))
	return unsafe.String((*byte)(unsafe.Add(unsafe.Pointer(first), at)), n)
}

// name is the bucket's name.
func (b block) name() string { return b.str(b[headerNameAt], b[headerNameLen]) }

// actions is the packed action dimension of a statement.
func (b block) actions(id int) uint64 {
	at := headerWords + 2*id
	return uint64(b[at]) | uint64(b[at+1])<<32
}

// record is the fixed part of a statement.
func (b block) record(id int) record {
	at := headerWords + 2*b.count() + recordWords*id
	return record(b[at : at+recordWords : at+recordWords])
}

type record []uint32

func (r record) is(flag uint32) bool { return r[recordFlags]&flag != 0 }

// text is entry i of a run of texts that begins at word at.
func (b block) text(at, i uint32) string {
	at += textWords * i
	return b.str(b[at+textAt], b[at+textLen])
}

// nameText is the text of a principal entry.
func (b block) nameText(at uint32) string { return b.str(b[at+nameAt], b[at+nameLen]) }

// packedWide marks, in its highest byte, packed actions that are the number of
// a set in Policies.actions; every other byte of it is 0x80 at least too.
const packedWide = 0xfe

// packActions packs up to eight known actions into the bytes of a word, and
// more, or unknown ones, as the number of the set. Empty bytes are 0xff.
func packActions(known ActionBits, set uint32) uint64 {
	var bytes [8]byte
	n := 0
	for id := action.ID(0); int(id) < action.Count(); id++ {
		if !known.Has(id) {
			continue
		}
		if n == len(bytes) {
			return packedWide<<56 | uint64(set)
		}
		bytes[n] = byte(id)
		n++
	}
	for ; n < len(bytes); n++ {
		bytes[n] = 0xff
	}
	return binary.LittleEndian.Uint64(bytes[:])
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// packedHas reports whether packed actions hold the known action.
func (p *Policies) packedHas(packed uint64, id action.ID) bool {
	if packed>>56 == packedWide {
		return p.actions[uint32(packed)].known.Has(id)
	}
	x := packed ^ ones*uint64(id)
	return (x-ones)&^x&highs != 0
}

// blockWriter collects a block.
type blockWriter struct {
	entries []uint32
	text    []byte
	texts   map[string]uint32
}

// put adds a text and returns its place.
func (w *blockWriter) put(s string) uint32 {
	if at, ok := w.texts[s]; ok {
		return at
	}
	at := uint32(len(w.text))
	w.text = append(w.text, s...)
	w.texts[s] = at
	return at
}

// textEntry adds an entry for a text.
func (w *blockWriter) textEntry(s string) {
	w.entries = append(w.entries, w.put(s), uint32(len(s)))
}

// words returns the text as words, in the machine's byte order.
func (w *blockWriter) words() []uint32 {
	out := make([]uint32, (len(w.text)+3)/4)
	if len(out) > 0 {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&out[0])), 4*len(out)), w.text)
	}
	return out
}
