package block

import (
	"math/bits"
	"strings"
)

// The principal entries of a record are identifiers, sorted by hash; then
// prefixes, sorted by organization and text, none of which is a prefix of
// another; then organizations, which have no text.
const (
	prefixAt = iota // the place of the text
	prefixLen
	prefixOrg // the place of the organization's name; its length is 0 for any organization
	prefixOrgLen
	prefixWords
)

// An identifier that statements list stands in the block once: its length and
// its organization's, the place of the organization's name, and the text.
// Statements refer to it by hash and place, so that most can be told from the
// caller's identifiers without reading them.
const (
	nameLen    = iota // the length of the text
	nameOrgLen        // the length of the organization's name; 0 for any organization
	nameOrgAt         // the place of the organization's name
	nameText          // the text
)

// A principal entry that is an identifier.
const (
	exactHash  = iota // Hash of the text
	exactPlace        // the place of the identifier
	exactWords
)

// Who is where the principals of a record lie, and how many there are of each
// kind.
type Who struct {
	at                             uint32
	Exact, Prefixes, Organizations uint32
}

// Who returns where the principals lie.
func (b Block) Who(r Record) Who {
	if r.is(flagLong) {
		n := b.counts(r)
		return Who{r.entries, n[1], n[2], n[3]}
	}
	return Who{r.entries, r.first >> 16 & 0xff, r.first >> 24, r.more & 0xff}
}

// Identifier returns identifier i and its organization, "" for any.
func (b Block) Identifier(w Who, i uint32) (text, org string) {
	at := b.words[w.at+exactWords*i+exactPlace]
	return b.str(4*(at+nameText), b.words[at+nameLen]), b.str(b.words[at+nameOrgAt], b.words[at+nameOrgLen])
}

func (w Who) prefixes() uint32 { return w.at + exactWords*w.Exact }

// NamePrefix returns prefix i of identifiers and its organization, "" for any.
func (b Block) NamePrefix(w Who, i uint32) (text, org string) {
	at := w.prefixes() + prefixWords*i
	return b.prefixText(at), b.prefixOrg(at)
}

// Organization returns organization i.
func (b Block) Organization(w Who, i uint32) string {
	return b.prefixOrg(w.prefixes() + prefixWords*(w.Prefixes+i))
}

// prefixText returns the text of a prefix entry, and prefixOrg its organization.
func (b Block) prefixText(at uint32) string {
	return b.str(b.words[at+prefixAt], b.words[at+prefixLen])
}
func (b Block) prefixOrg(at uint32) string {
	return b.str(b.words[at+prefixOrg], b.words[at+prefixOrgLen])
}

// Caller is the identifiers of a caller, as records are compared with them.
type Caller struct {
	Org string
	IDs []string
	// Hashes are Hash of each of IDs.
	Hashes []uint32
}

// few is the number of identifiers up to which they are compared one by one.
const few = 8

// NameWork returns the cost of looking for one identifier of a caller: a few
// are compared one by one, and in a search each halving is a branch that the
// processor cannot predict.
func (w Who) NameWork() int {
	if w.Exact <= few {
		return int(w.Exact)
	}
	return 2 + 4*bits.Len32(w.Exact)
}

// ListsName reports whether one of the record's identifiers is one of the
// caller's.
func (b Block) ListsName(w Who, c *Caller) bool {
	if w.Exact > few {
		return b.findsName(w.at, w.Exact, c)
	}
	for at, end := w.at, w.prefixes(); at < end; at += exactWords {
		have := b.words[at+exactHash]
		for i, h := range c.Hashes {
			if have == h && b.isName(at, c.IDs[i], c.Org) {
				return true
			}
		}
	}
	return false
}

// IsName reports whether identifier i of the record is id, of the organization
// org or of any.
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

// findsName is ListsName by a binary search for each of the caller's
// identifiers.
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

// less orders pairs of texts by the first text, then by the second.
func less(a1, a2, b1, b2 string) bool { return a1 < b1 || a1 == b1 && a2 < b2 }

// HasNamePrefix reports whether id, of an organization, has one of the record's
// prefixes. All prefixes of a statement are of one organization, or all are of
// any.
func (b Block) HasNamePrefix(w Who, id, org string) bool {
	at := w.prefixes()
	if b.words[at+prefixOrgLen] == 0 {
		org = ""
	}
	if w.Prefixes == 1 {
		return b.prefixOrg(at) == org && strings.HasPrefix(id, b.prefixText(at))
	}
	low, high := uint32(0), w.Prefixes
	for low < high {
		mid := (low + high) / 2
		if e := at + prefixWords*mid; less(org, id, b.prefixOrg(e), b.prefixText(e)) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	if low == 0 {
		return false
	}
	e := at + prefixWords*(low-1)
	return b.prefixOrg(e) == org && strings.HasPrefix(id, b.prefixText(e))
}
