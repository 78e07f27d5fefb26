package block

import (
	"math/bits"
	"strings"
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

// An identifier that statements of a block name stands in the block once: its
// length and its organization's, the organization's place, and the text.
// Statements refer to it by hash and place, so that most are told from the
// caller's without reading it.
const (
	nameLen    = iota // of the text
	nameOrgLen        // 0: of any organization
	nameOrgAt         // the organization, a text
	nameText          // follows
)

// A principal entry of an identifier.
const (
	exactHash  = iota // Hash of the text
	exactPlace        // of the name
	exactWords
)

// Who is where the principals of a record lie, and how many they are.
type Who struct {
	at                               uint32
	Exact, Beginnings, Organizations uint32
}

// Who returns where the principals lie.
func (b Block) Who(r Record) Who {
	if r.is(flagLong) {
		n := b.counts(r)
		return Who{r.entries, n[1], n[2], n[3]}
	}
	return Who{r.entries, r.first >> 16 & 0xff, r.first >> 24, r.more & 0xff}
}

// Identifier returns one of the identifiers and its organization, "" for any.
func (b Block) Identifier(w Who, i uint32) (text, org string) {
	at := b.words[w.at+exactWords*i+exactPlace]
	return b.str(4*(at+nameText), b.words[at+nameLen]), b.str(b.words[at+nameOrgAt], b.words[at+nameOrgLen])
}

func (w Who) beginnings() uint32 { return w.at + exactWords*w.Exact }

// Beginning returns one of the beginnings and its organization, "" for any.
func (b Block) Beginning(w Who, i uint32) (text, org string) {
	at := w.beginnings() + beginWords*i
	return b.beginText(at), b.beginOrg(at)
}

// Organization returns one of the organizations.
func (b Block) Organization(w Who, i uint32) string {
	return b.beginOrg(w.beginnings() + beginWords*(w.Beginnings+i))
}

// beginText is the text of a beginning, beginOrg its organization.
func (b Block) beginText(at uint32) string { return b.str(b.words[at+beginAt], b.words[at+beginLen]) }
func (b Block) beginOrg(at uint32) string {
	return b.str(b.words[at+beginOrg], b.words[at+beginOrgLen])
}

// Caller is what identifiers are compared with.
type Caller struct {
	Org string
	IDs []string
	// Hashes are Hash of each of IDs.
	Hashes []uint32
}

// few is the number of hashes up to which they are compared one by one.
const few = 8

// NameWork is what finding one identifier of a caller costs: a few are compared
// one by one, and each half of a search is a branch that cannot be foretold.
func (w Who) NameWork() int {
	if w.Exact <= few {
		return int(w.Exact)
	}
	return 2 + 4*bits.Len32(w.Exact)
}

// ListsName reports whether one of the identifiers is the caller's.
func (b Block) ListsName(w Who, c *Caller) bool {
	if w.Exact > few {
		return b.findsName(w.at, w.Exact, c)
	}
	for at, end := w.at, w.beginnings(); at < end; at += exactWords {
		have := b.words[at+exactHash]
		for i, h := range c.Hashes {
			if have == h && b.isName(at, c.IDs[i], c.Org) {
				return true
			}
		}
	}
	return false
}

// IsName reports whether an identifier is the one given, of the organization.
func (b Block) IsName(w Who, i uint32, id, org string) bool {
	return b.isName(w.at+exactWords*i, id, org)
}

func (b Block) isName(entry uint32, id, org string) bool {
	at := b.words[entry+exactPlace]
	if b.str(4*(at+nameText), b.words[at+nameLen]) != id {
		return false
	}
	return b.words[at+nameOrgLen] == 0 || b.str(b.words[at+nameOrgAt], b.words[at+nameOrgLen]) == org
}

// findsName is ListsName with a binary search for each identifier.
func (b Block) findsName(at, n uint32, c *Caller) bool {
	for i, h := range c.Hashes {
		low, high := uint32(0), n
		for low < high {
			if mid := (low + high) / 2; b.words[at+exactWords*mid+exactHash] < h {
				low = mid + 1
			} else {
				high = mid
			}
		}
		for ; low < n && b.words[at+exactWords*low+exactHash] == h; low++ {
			if b.isName(at+exactWords*low, c.IDs[i], c.Org) {
				return true
			}
		}
	}
	return false
}

// less orders by the first text of each pair, then by the second.
func less(a1, a2, b1, b2 string) bool { return a1 < b1 || a1 == b1 && a2 < b2 }

// HasBeginning reports whether one of the beginnings is one of id, of an
// organization. All beginnings of a statement are of one organization, or of any.
func (b Block) HasBeginning(w Who, id, org string) bool {
	at := w.beginnings()
	if b.words[at+beginOrgLen] == 0 {
		org = ""
	}
	if w.Beginnings == 1 {
		return b.beginOrg(at) == org && strings.HasPrefix(id, b.beginText(at))
	}
	low, high := uint32(0), w.Beginnings
	for low < high {
		mid := (low + high) / 2
		if e := at + beginWords*mid; less(org, id, b.beginOrg(e), b.beginText(e)) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	if low == 0 {
		return false
	}
	e := at + beginWords*(low-1)
	return b.beginOrg(e) == org && strings.HasPrefix(id, b.beginText(e))
}
