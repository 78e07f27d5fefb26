package index

import (
	"slices"
	"strings"
	"unsafe"

	"postern/index/internal/glob"
)

// keyBytes is how many bytes of a resource text the sieve looks at.
const keyBytes = 4

// keyOf are the bytes of a text from a place on; the text must be long enough.
func keyOf(text string, at uint32) uint32 {
	s := text[at : at+keyBytes]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// key returns the four bytes of the resource text at a place, which sieves look
// at; 0 where the text is too short, since then no statement that has a key can
// match it. told is false if the request is about the whole organization.
func (v *view) key(at uint32) (key uint32, told bool) {
	if uint64(at)+keyBytes <= uint64(len(v.text)) {
		key = keyOf(v.text, at)
	}
	return key, !v.whole
}

// nameBit is the bit of an identifier in the sieve, by its hash; anyCaller is
// the bit that every caller has.
func nameBit(hash uint32) uint32 { return 2 << (uint64(hash) * 31 >> 32 & 31) }

const anyCaller = 1

// sieveOf is what the sieve has of the principals of a statement: a bit that
// the caller has too if one of its identifiers is listed.
func sieveOf(s *frozen) uint32 {
	who := &s.from.Principals
	if who.Everyone || who.Not || len(s.beginnings) > 0 || len(who.Organizations) > 0 {
		return anyCaller
	}
	set := uint32(0)
	for _, n := range s.exact {
		set |= nameBit(n.hash)
	}
	return set
}

// literalOf is the beginning of every text that the statement's resources match.
func literalOf(s *frozen) string {
	if s.from.NotResource || len(s.patterns) == 0 {
		return ""
	}
	_, common := glob.Classify(s.patterns[0])
	for _, program := range s.patterns[1:] {
		_, literal := glob.Classify(program)
		common = common[:commonLen(common, literal)]
	}
	return common
}

func commonLen(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// chooseKey finds where in the texts the sieve had best look: where most
// different bytes stand in the literals, of a few places around the end of what
// those that go on past the bucket's name have in common.
func (f *freezer) chooseKey(name string, literals []string) (at uint32) {
	const before, behind = keyBytes - 1, 12
	common, some := "", false
	for _, l := range literals {
		if len(l) <= len(name)+1 || !strings.HasPrefix(l, name) {
			continue
		}
		if !some {
			common, some = l, true
		}
		common = common[:commonLen(common, l)]
	}
	best := 0
	keys := f.keys
	for from := uint32(max(0, len(common)-before)); from < uint32(len(common)+behind) && best < len(literals); from++ {
		keys = keys[:0]
		for _, l := range literals {
			if uint64(from)+keyBytes <= uint64(len(l)) {
				keys = append(keys, keyOf(l, from))
			}
		}
		if len(keys) <= best {
			continue
		}
		slices.Sort(keys)
		if different := len(slices.Compact(keys)); different > best {
			best, at = different, from
		}
	}
	f.keys = keys[:0]
	return at
}

// bytesOf are the words of a block as bytes, in the machine's order.
func bytesOf(words []uint32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 4*len(words))
}
