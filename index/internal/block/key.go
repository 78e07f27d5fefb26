package block

import (
	"slices"
	"strings"

	"postern/index/internal/glob"
)

// KeyBytes is the number of bytes of a resource's text that the sieve looks at.
const KeyBytes = 4

// KeyOf returns the KeyBytes of a text at a place. The text must be long
// enough.
func KeyOf(text string, at uint32) uint32 {
	s := text[at : at+KeyBytes]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// NameBit returns the bit of an identifier in Entry.Names, from its Hash.
func NameBit(hash uint32) uint32 { return 2 << (uint64(hash) * 31 >> 32 & 31) }

// AnyCaller is the bit of Entry.Names that every caller has.
const AnyCaller = 1

// sieveOf returns Entry.Names of a statement: if the statement holds for a
// caller, one of these bits is NameBit of one of the caller's identifiers, or
// AnyCaller.
func sieveOf(s *Statement) uint32 {
	who := &s.From.Principals
	if who.Everyone || who.Not || len(s.Prefixes) > 0 || len(who.Organizations) > 0 {
		return AnyCaller
	}
	set := uint32(0)
	for _, n := range s.Exact {
		set |= NameBit(n.Hash)
	}
	return set
}

// literalOf returns the literal text with which all texts begin that the
// statement's resources match.
func literalOf(s *Statement) string {
	if s.From.NotResource || len(s.Patterns) == 0 {
		return ""
	}
	_, common := glob.Classify(s.Patterns[0])
	for _, program := range s.Patterns[1:] {
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

// ChooseKey chooses where in resources' texts the sieve looks. It tries a few
// places around the end of what the literals that are longer than the bucket's
// name have in common, and takes the one where they differ most.
func (w *Writer) ChooseKey(name string, literals []string) (at uint32) {
	const before, behind = KeyBytes - 1, 12
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
	keys := w.keys
	for from := uint32(max(0, len(common)-before)); from < uint32(len(common)+behind) && best < len(literals); from++ {
		keys = keys[:0]
		for _, l := range literals {
			if uint64(from)+KeyBytes <= uint64(len(l)) {
				keys = append(keys, KeyOf(l, from))
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
	w.keys = keys[:0]
	return at
}
