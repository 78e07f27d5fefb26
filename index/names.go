package index

import (
	"cmp"
	"math/bits"
	"slices"
	"sort"
	"strings"
)

// The identifiers that statements of one unit name lie in a table of slots,
// and statements refer to them by number: the slot. So a caller's identifiers
// are looked up once a unit, and whether a statement lists the caller is a
// comparison of numbers.
//
// The table stands in Policies.words, behind the wide block:
//
//	header  nameHeader words
//	slots   slotWords each; behind them those that found no place, by text
//	orgs    textWords each: the organizations of the names, sorted
//	names   nameText words each and the text
//	text    of the organizations
const (
	nameMask = iota // number of slots in the hashed table, less 1
	nameFar         // number of slots behind
	nameOrgs        // number of organizations
	nameAny         // number of names of no organization
	nameHeader
)

// A slot, empty if it has no place; and a name.
const (
	slotHash  = iota // of the text
	slotPlace        // of the name
	slotWords

	nameOrg = iota - 3 // the organization's number, plus 1; 0: of any
	nameLen            // of the text, which follows
	nameText

	noOrg = ^uint32(0)
)

// nameTable is the table as a part of Policies.words.
type nameTable []uint32

func (t nameTable) slot(n uint32) []uint32 {
	at := nameHeader + slotWords*n
	return t[at : at+slotWords : at+slotWords]
}

// str is the text of n bytes at a place, in bytes.
func (t nameTable) str(at, n uint32) string { return block(t).str(at, n) }

// size is the number of slots.
func (t nameTable) size() uint32 { return t[nameMask] + 1 + t[nameFar] }

// has reports whether a slot holds a name.
func (t nameTable) has(n uint32) bool { return t.slot(n)[slotPlace] != 0 }

// text is the text of a slot that holds a name, org its organization; "" is any.
func (t nameTable) text(n uint32) string {
	at := t.slot(n)[slotPlace]
	return t.str(4*(at+nameText), t[at+nameLen])
}

func (t nameTable) org(n uint32) string {
	if o := t.orgOf(n); o > 0 {
		return t.orgText(o - 1)
	}
	return ""
}

func (t nameTable) orgOf(n uint32) uint32 { return t[t.slot(n)[slotPlace]+nameOrg] }

func (t nameTable) orgText(i uint32) string {
	return block(t).text(nameHeader+slotWords*t.size(), i)
}

// orgNumber is the number of an organization as slots have it; noOrg if no
// name is of it.
func (t nameTable) orgNumber(org string) uint32 {
	n := int(t[nameOrgs])
	i := sort.Search(n, func(i int) bool { return t.orgText(uint32(i)) >= org })
	if i < n && t.orgText(uint32(i)) == org {
		return uint32(i) + 1
	}
	return noOrg
}

// find returns the number of an identifier, by its hash32, in an organization.
func (t nameTable) find(org uint32, text string, hash uint32) (n uint32, ok bool) {
	mask := t[nameMask]
	for i := range uint32(maxProbe) {
		n = (hash + i) & mask
		s := t.slot(n)
		if s[slotPlace] == 0 {
			return 0, false
		}
		if s[slotHash] == hash && t.orgOf(n) == org && t.text(n) == text {
			return n, true
		}
	}
	if t[nameFar] == 0 {
		return 0, false
	}
	first := mask + 1
	far := sort.Search(int(t[nameFar]), func(i int) bool {
		n := first + uint32(i)
		return cmp.Or(strings.Compare(t.text(n), text), cmp.Compare(t.orgOf(n), org)) >= 0
	})
	if n = first + uint32(far); n < t.size() && t.text(n) == text && t.orgOf(n) == org {
		return n, true
	}
	return 0, false
}

// meet finds the caller's identifiers among the names of p, which is asked now.
func (v *view) meet(p *Policies) {
	v.met, v.numbers, v.names = p, v.numbers[:0], anyCaller
	t := p.table()
	if t == nil {
		return
	}
	org := noOrg
	if t[nameOrgs] > 0 {
		org = t.orgNumber(v.org)
	}
	for i, id := range v.request.Principal.IDs {
		hash := v.hashes[i]
		if t[nameAny] > 0 {
			v.number(t, 0, id, hash)
		}
		if org != noOrg {
			v.number(t, org, id, hash)
		}
	}
}

func (v *view) number(t nameTable, org uint32, id string, hash uint32) {
	if n, ok := t.find(org, id, hash); ok {
		v.numbers = append(v.numbers, n)
		v.names |= nameBit(n)
	}
}

// table is the table of the names of all parts; nil if there are none.
func (p *Policies) table() nameTable {
	if at := p.words[headerNames]; at != 0 {
		return nameTable(p.words[at:])
	}
	return nil
}

// newNameTable makes the table of the names, and tells their numbers.
func newNameTable(names map[Name]struct{}) (nameTable, map[Name]uint32) {
	numbers := make(map[Name]uint32, len(names))
	if len(names) == 0 {
		return nil, numbers
	}
	list := make([]Name, 0, len(names))
	var orgs []string
	anyOrg := uint32(0)
	for n := range names {
		list = append(list, n)
		if n.Org != "" {
			orgs = append(orgs, n.Org)
		} else {
			anyOrg++
		}
	}
	slices.SortFunc(list, func(a, b Name) int { return cmp.Or(cmp.Compare(a.Text, b.Text), cmp.Compare(a.Org, b.Org)) })
	slices.Sort(orgs)
	orgs = slices.Compact(orgs)

	size := uint32(1) << bits.Len(uint(len(list)*4/3))
	taken := make([]bool, size)
	far := size
	for _, n := range list {
		at, found := hash32(n.Text), false
		for range maxProbe {
			if at &= size - 1; !taken[at] {
				found = true
				break
			}
			at++
		}
		if !found {
			at = far
			far++
		} else {
			taken[at] = true
		}
		numbers[n] = at
	}
	t := make(nameTable, nameHeader+slotWords*far+textWords*uint32(len(orgs)))
	t[nameMask], t[nameFar], t[nameOrgs] = size-1, far-size, uint32(len(orgs))
	t[nameAny] = anyOrg
	for _, n := range list {
		s := t.slot(numbers[n])
		s[slotHash], s[slotPlace] = hash32(n.Text), uint32(len(t))
		of, _ := slices.BinarySearch(orgs, n.Org)
		if n.Org != "" {
			of++
		}
		t = append(t, uint32(of), uint32(len(n.Text)))
		t = appendText(t, n.Text)
	}
	for i, org := range orgs {
		at := nameHeader + slotWords*far + textWords*uint32(i)
		t[at+textAt], t[at+textLen] = uint32(4*len(t)), uint32(len(org))
		t = appendText(t, org)
	}
	return t, numbers
}
