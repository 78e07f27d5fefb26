package index

import "math/bits"

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
	exactHash  = iota // hash32 of the text
	exactPlace        // of the name
	exactWords
)

// nameOf is the identifier of an entry, and its organization; "" is any.
func (b block) nameOf(entry uint32) (text, org string) {
	at := b[entry+exactPlace]
	return b.str(4*(at+nameText), b[at+nameLen]), b.str(b[at+nameOrgAt], b[at+nameOrgLen])
}

// isName reports whether an entry is an identifier of the caller's.
func (b block) isName(entry uint32, id string, v *view) bool {
	at := b[entry+exactPlace]
	if b.str(4*(at+nameText), b[at+nameLen]) != id {
		return false
	}
	return b[at+nameOrgLen] == 0 || b.str(b[at+nameOrgAt], b[at+nameOrgLen]) == v.org
}

// few is the number of hashes up to which they are compared one by one.
const few = 8

// nameWork is what finding an identifier among n hashes costs: a few are compared
// one by one, and each half of a search is a branch that cannot be foretold.
func nameWork(n uint32) int {
	if n <= few {
		return int(n)
	}
	return 2 + 4*bits.Len32(n)
}

// listsName reports whether one of n entries, sorted by hash, is an identifier
// of the caller.
func (b block) listsName(at, n uint32, v *view) bool {
	if n > few {
		return b.findsName(at, n, v)
	}
	for end := at + exactWords*n; at < end; at += exactWords {
		have := b[at+exactHash]
		for i, h := range v.hashes {
			if have == h && b.isName(at, v.request.Principal.IDs[i], v) {
				return true
			}
		}
	}
	return false
}

// findsName is listsName with a binary search for each identifier.
func (b block) findsName(at, n uint32, v *view) bool {
	for i, h := range v.hashes {
		low, high := uint32(0), n
		for low < high {
			if mid := (low + high) / 2; b[at+exactWords*mid+exactHash] < h {
				low = mid + 1
			} else {
				high = mid
			}
		}
		for ; low < n && b[at+exactWords*low+exactHash] == h; low++ {
			if b.isName(at+exactWords*low, v.request.Principal.IDs[i], v) {
				return true
			}
		}
	}
	return false
}
