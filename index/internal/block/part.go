package block

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"postern/index/lowered"
)

// Statement is a statement of a part.
type Statement struct {
	From     *lowered.Statement
	Exact    []HashedName // sorted by hash
	Prefixes []lowered.Name
	Patterns []string // the programs of the resources that the part is about
}

// HashedName is a Name with the Hash of its text.
type HashedName struct {
	lowered.Name
	Hash uint32
}

// Hash returns the hash by which an identifier is found. Equality decides: a
// hash alone identifies nothing.
func Hash(s string) uint32 { return uint32(xxhash.Sum64String(s)) }

// Part is what a block is written from.
type Part struct {
	Name string // the name of the bucket
	// Statements has the Deny statements first.
	Statements []Statement
	// Traits are the traits by which Statements are sorted; nil if they are
	// not.
	Traits *Traits
	// Explained says that Metas are written. Explanations do not read parts of
	// names, so that these have none.
	Explained bool
	Narrowing uint32
}

// Statement returns s as a statement of a part, with the patterns of its
// resources that the part is about. It is valid until Forget.
func (w *Writer) Statement(s *lowered.Statement, patterns []string) Statement {
	out := Statement{From: s, Patterns: patterns}
	from := len(w.hashed)
	for _, n := range s.Principals.Exact {
		w.hashed = append(w.hashed, HashedName{n, Hash(n.Text)})
	}
	exact := w.hashed[from:len(w.hashed):len(w.hashed)]
	if len(exact) > 1 {
		slices.SortFunc(exact, func(a, b HashedName) int {
			if a.Hash != b.Hash {
				return cmp.Compare(a.Hash, b.Hash)
			}
			return cmp.Or(strings.Compare(a.Text, b.Text), strings.Compare(a.Org, b.Org))
		})
		exact = slices.Compact(exact)
	}
	out.Exact = exact
	if len(s.Principals.Prefix) > 0 {
		out.Prefixes = prefixFree(slices.Clone(s.Principals.Prefix))
	}
	return out
}

// prefixFree sorts prefixes by organization and text, and drops those that have
// a shorter prefix of the same organization. Of those that are left, only the
// last that is not greater than a text can be a prefix of it. It works in
// place.
func prefixFree(list []lowered.Name) []lowered.Name {
	if len(list) < 2 {
		return list
	}
	slices.SortFunc(list, func(a, b lowered.Name) int { return cmp.Or(cmp.Compare(a.Org, b.Org), cmp.Compare(a.Text, b.Text)) })
	out := list[:0]
	for _, n := range list {
		if len(out) > 0 {
			if last := out[len(out)-1]; last.Org == n.Org && strings.HasPrefix(n.Text, last.Text) {
				continue
			}
		}
		out = append(out, n)
	}
	return out
}
