package index

import (
	"cmp"
	"math"
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
//	orgs    textWords each: the organizations of the names, sorted; their texts
//	slots   slotWords each; behind them those that found no place, by text
//	names   nameText words each and the text
const (
	nameMask  = iota // number of slots in the hashed table, less 1
	nameFar          // number of slots behind
	nameOrgs         // number of organizations
	nameAny          // number of names of no organization
	nameSlots        // place of the slots
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
	at := t[nameSlots] + slotWords*n
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
	return block(t).text(nameHeader, i)
}

// orgNumber is the number of an organization as slots have it; noOrg if no
// name is of it.
func (t nameTable) orgNumber(org string) uint32 {
	low, high := uint32(0), t[nameOrgs]
	for low < high {
		mid := (low + high) / 2
		switch text := t.orgText(mid); {
		case text == org:
			return mid + 1
		case text < org:
			low = mid + 1
		default:
			high = mid
		}
	}
	return noOrg
}

// find returns the number of an identifier, by its hash32, in an organization.
func (t nameTable) find(org uint32, text string, hash uint32) (n uint32, ok bool) {
	mask := t[nameMask]
	slots := t[t[nameSlots]:]
	for i := range uint32(maxProbe) {
		n = (hash + i) & mask
		s := slots[slotWords*n:]
		place := s[slotPlace]
		if place == 0 {
			return 0, false
		}
		if s[slotHash] == hash && t[place+nameOrg] == org && t.str(4*(place+nameText), t[place+nameLen]) == text {
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
	if t[nameAny] > 0 {
		v.numbersOf(t, 0)
	}
	if t[nameOrgs] > 0 {
		if org := t.orgNumber(v.org); org != noOrg {
			v.numbersOf(t, org)
		}
	}
}

func (v *view) numbersOf(t nameTable, org uint32) {
	for i, id := range v.request.Principal.IDs {
		if n, ok := t.find(org, id, v.hashes[i]); ok {
			v.numbers = append(v.numbers, n)
			v.names |= nameBit(n)
		}
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
	t := make(nameTable, nameHeader+textWords*len(orgs))
	t[nameMask], t[nameFar], t[nameOrgs], t[nameAny] = size-1, far-size, uint32(len(orgs)), anyOrg
	for i, org := range orgs {
		at := nameHeader + textWords*i
		t[at+textAt], t[at+textLen] = uint32(4*len(t)), uint32(len(org))
		t = appendText(t, org)
	}
	t[nameSlots] = uint32(len(t))
	t = append(t, make([]uint32, slotWords*far)...)
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
	if len(t) > math.MaxUint32/4 {
		panic("index: more than 2^32 bytes of names in one unit")
	}
	return t, numbers
}
