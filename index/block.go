package index

import (
	"unsafe"

	"postern/internal/action"
)

// A part's statements lie in one block of Policies.words, so that deciding
// touches a few neighbouring cache lines and one or two pages, however many
// statements there are. All places in a block are word numbers from its start;
// texts are bytes behind the last entry.
//
//	header   headerWords
//	actions  a word a statement, and then another
//	records  recordWords a statement, Deny statements first
//	entries  principals, patterns, conditions and action sets of the statements
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

// The action dimension of a statement: up to four known actions in the bytes
// of a word (empty bytes are noAction), or wideActions there, and in the second
// run of words the place of a set entry.
const (
	actionWords = 2

	noAction    = 0xff
	wideActions = 0xfefefefe
)

// A set entry: known actions, and programs for unknown ones (text entries).
const (
	setKnown    = iota // four words
	setNot      = iota + 3
	setPrograms // number of programs, which follow
	setWords
)

// A record: four counts a word, least byte first, and two places. A statement
// with a count above 255 has flagLong, and its counts lie in countWords words
// at the place in recordMore.
const (
	recordFirst      = iota // flags, conditions, identifiers, beginnings
	recordMore              // organizations, exact, prefix and glob patterns
	recordNames             // the principal entries, and the pattern entries behind them
	recordConditions        // the condition entries
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
)

// A principal entry: identifiers are sorted by hash, text and organization;
// beginnings are prefix-free and sorted by organization and text; organizations
// have no text.
const (
	nameHash  = iota // of the text
	nameAt           // the text
	nameLen          // its length below nameOrgBits, the organization's above
	nameOrgAt        // the organization, a text; of length 0: of any
	nameWords
	nameOrgBits = 24
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
	conditionHow    = iota // Comparison, operator flags, KeyKind, least byte first
	conditionKeyAt         // the key's name, a text
	conditionKeyLen        //
	conditionValues        // number of values
	conditionWords

	conditionNegated  = 1
	conditionIfExists = 2
	conditionForAll   = 4
	conditionForAny   = 8
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
	first := unsafe.Pointer(&b[b[headerText]])
	return unsafe.String((*byte)(unsafe.Add(first, at)), n)
}

// name is the bucket's name.
func (b block) name() string { return b.str(b[headerNameAt], b[headerNameLen]) }

// text is entry i of a run of texts that begins at word at.
func (b block) text(at, i uint32) string {
	at += textWords * i
	return b.str(b[at+textAt], b[at+textLen])
}

// nameText is the text of a principal entry, nameOrg its organization.
func (b block) nameText(at uint32) string {
	return b.str(b[at+nameAt], b[at+nameLen]&(1<<nameOrgBits-1))
}

func (b block) nameOrg(at uint32) string {
	return b.str(b[at+nameOrgAt], b[at+nameLen]>>nameOrgBits)
}

// record is a statement's record; see the layout above.
type record struct {
	b                              block
	first, more, names, conditions uint32
}

// record reads the record of a statement.
func (b block) record(id int) record {
	at := headerWords + actionWords*b.count() + recordWords*id
	w := b[at : at+recordWords : at+recordWords]
	return record{b, w[recordFirst], w[recordMore], w[recordNames], w[recordConditions]}
}

func (r *record) is(flag uint32) bool { return r.first&flag != 0 }

// conditionCount is the number of conditions.
func (r *record) conditionCount() uint32 {
	if r.is(flagLong) {
		return r.b[r.more]
	}
	return r.first >> 8 & 0xff
}

// who are the numbers of identifiers, beginnings and organizations.
func (r *record) who() (exact, beginnings, organizations uint32) {
	if r.is(flagLong) {
		w := r.b[r.more : r.more+countWords]
		return w[1], w[2], w[3]
	}
	return r.first >> 16 & 0xff, r.first >> 24, r.more & 0xff
}

// what are the numbers of exact, prefix and glob patterns.
func (r *record) what() (exact, prefix, glob uint32) {
	if r.is(flagLong) {
		w := r.b[r.more : r.more+countWords]
		return w[4], w[5], w[6]
	}
	return r.more >> 8 & 0xff, r.more >> 16 & 0xff, r.more >> 24
}

// patterns is the place of the first pattern entry.
func (r *record) patterns() uint32 {
	exact, beginnings, organizations := r.who()
	return r.names + nameWords*(exact+beginnings+organizations)
}

// packActions packs up to four known actions into a word; false if the
// dimension needs a set entry.
func packActions(a *Actions) (uint32, bool) {
	if a.Not || len(a.Programs) > 0 {
		return wideActions, false
	}
	packed, n := ^uint32(0), 0
	for id := action.ID(0); int(id) < action.Count(); id++ {
		if !a.Known.Has(id) {
			continue
		}
		if n == 4 {
			return wideActions, false
		}
		packed &^= (noAction ^ uint32(id)) << (8 * n)
		n++
	}
	return packed, true
}

// hasByte is 1 if a byte of packed equals the one that every byte of all is,
// else 0. Both bytes are below 0x80, or noAction.
func hasByte(packed, all uint32) uint32 {
	x := packed ^ all
	x = (x - 0x01010101) &^ x & 0x80808080
	return (x | -x) >> 31
}

// set is the place of the set entry of a statement with wideActions.
func (b block) set(id int) uint32 { return b[headerWords+b.count()+id] }

// setHas is 1 if a set entry holds the requested known action, else 0.
func (b block) setHas(at uint32, v *view) uint32 {
	return b[at+setKnown+uint32(v.action>>5)] >> (v.action & 31) & 1
}

// covers reports whether a statement covers the requested action.
func (b block) covers(id int, v *view) bool {
	packed := b[headerWords+id]
	if packed != wideActions {
		return v.known && hasByte(packed, v.packed) != 0
	}
	at := b.set(id)
	if v.known {
		return b.setHas(at, v) != 0
	}
	for i := range b[at+setPrograms] {
		if glob(b.text(at+setWords, i), v.actionFolded()) {
			return b[at+setNot] == 0
		}
	}
	return b[at+setNot] != 0
}

// candidates are the statements of a part of one word that cover the action.
func (b block) candidates(v *view) (set uint64) {
	n := b.count()
	if !v.known {
		for id := range n {
			if b.covers(id, v) {
				set |= 1 << id
			}
		}
		return set
	}
	all := v.packed
	for id, packed := range b[headerWords : headerWords+n] {
		if packed == wideActions {
			set |= uint64(b.setHas(b.set(id), v)) << id
		} else if x := packed ^ all; (x-0x01010101)&^x&0x80808080 != 0 {
			set |= 1 << id
		}
	}
	return set
}
