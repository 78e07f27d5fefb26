package index

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// frozen is a statement on its way into a block.
type frozen struct {
	from       *Statement
	actions    uint32
	exact      []Name // identifiers
	beginnings []Name
	patterns   []string // programs, those about the part's bucket
	// loose: it may hold for callers that exact and beginnings do not tell.
	loose bool
}

// part freezes statements, which are in order, into a block, and returns its
// place: about one bucket, or wide for "".
func (f *freezer) part(bucket string, list []*Statement) uint32 {
	p := f.p
	w := blockWriter{texts: map[string]uint32{}}
	header := make([]uint32, headerWords, headerWords+(2+recordWords)*len(list))
	header[headerCount] = uint32(len(list))
	header[headerMeta] = uint32(len(p.meta))
	header[headerNameAt], header[headerNameLen] = w.put(bucket), uint32(len(bucket))
	header = header[:cap(header)]
	entriesAt := uint32(len(header))
	statements := make([]frozen, len(list))
	for i, s := range list {
		if s.Deny {
			header[headerDenies]++
		}
		statements[i] = f.statement(s, bucket)
		set := statements[i].actions
		packed := packActions(s.Actions.Known, set)
		header[headerWords+2*i], header[headerWords+2*i+1] = uint32(packed), uint32(packed>>32)
		f.record(header[headerWords+2*len(list)+recordWords*i:][:recordWords], &statements[i], &w, entriesAt)
		p.meta = append(p.meta, meta{document: uint32(s.Document), index: uint32(s.Index), line: uint32(s.Line), actions: set, name: f.text(s.Name)})
	}
	header[headerText] = entriesAt + uint32(len(w.entries))
	if f.form != FormScan && (len(list) > wordSize || f.form == FormRoaring) {
		p.roaring = append(p.roaring, newRoaringIndex(statements, p.actions))
		header[headerRoaring] = uint32(len(p.roaring))
	}
	if f.form == FormScan {
		header[headerRoaring] = scanAlways
	}
	at := len(p.words)
	p.words = append(append(append(p.words, header...), w.entries...), w.words()...)
	p.words = append(p.words, 0) // so that text that is empty has a place
	if len(p.words)%2 != 0 {
		p.words = append(p.words, 0)
	}
	if len(p.words) > math.MaxUint32 {
		panic("index: more than 2^32 words in one unit")
	}
	return uint32(at)
}

// statement works out what a statement is in the part of a bucket, or in the
// wide part for "".
func (f *freezer) statement(s *Statement, bucket string) frozen {
	out := frozen{from: s, actions: f.actionSet(&s.Actions), patterns: s.Resources}
	if bucket != "" {
		out.patterns = nil
		for _, program := range s.Resources {
			if name, _ := bucketName(program); name == bucket {
				out.patterns = append(out.patterns, program)
			}
		}
	}
	hashes := make(map[string]uint32, len(s.Principals.Exact))
	for _, n := range s.Principals.Exact {
		hashes[n.Text] = hash32(n.Text)
	}
	out.exact = slices.Clone(s.Principals.Exact)
	slices.SortFunc(out.exact, func(a, b Name) int {
		return cmp.Or(cmp.Compare(hashes[a.Text], hashes[b.Text]), cmp.Compare(a.Text, b.Text), cmp.Compare(a.Org, b.Org))
	})
	out.exact = slices.Compact(out.exact)
	out.beginnings = prefixFree(s.Principals.Prefix)
	out.loose = s.Principals.Everyone || s.Principals.Not || len(s.Principals.Organizations) > 0
	return out
}

// prefixFree sorts beginnings by organization and text, and drops those that a
// shorter one of the same organization covers: so of what is left, only the
// one just before a text in byte order can be its beginning.
func prefixFree(list []Name) []Name {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Name) int { return cmp.Or(cmp.Compare(a.Org, b.Org), cmp.Compare(a.Text, b.Text)) })
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

// record fills a statement's record and adds its entries, which begin at word
// entriesAt of the block.
func (f *freezer) record(r []uint32, s *frozen, w *blockWriter, entriesAt uint32) {
	from := s.from
	for flag, on := range map[uint32]bool{
		flagDeny: from.Deny, flagEveryone: from.Principals.Everyone, flagNotPrincipal: from.Principals.Not,
		flagNotResource: from.NotResource, flagWhole: from.WholeOrganization,
	} {
		if on {
			r[recordFlags] |= flag
		}
	}
	r[recordConditions] = f.conditionsOf(from)
	r[recordFlags] |= uint32(len(from.Conditions)) << flagBits

	r[recordNames] = entriesAt + uint32(len(w.entries))
	for _, list := range [][]Name{s.exact, s.beginnings} {
		for _, n := range list {
			w.entries = append(w.entries, hash32(n.Text), w.put(n.Text), uint32(len(n.Text)), f.organization(n.Org))
		}
	}
	for _, org := range from.Principals.Organizations {
		w.entries = append(w.entries, 0, 0, 0, f.organization(org))
	}
	r[recordExact], r[recordBeginnings], r[recordOrganizations] = uint32(len(s.exact)), uint32(len(s.beginnings)), uint32(len(from.Principals.Organizations))

	var exact, globs []string
	var beginnings []Name
	for _, program := range s.patterns {
		switch kind, literal := classify(program); kind {
		case patternExact:
			exact = append(exact, program)
		case patternPrefix:
			beginnings = append(beginnings, Name{Text: literal})
		default:
			globs = append(globs, program)
		}
	}
	slices.Sort(exact)
	exact = slices.Compact(exact)
	beginnings = prefixFree(beginnings)
	r[recordPatterns] = entriesAt + uint32(len(w.entries))
	r[recordExactPatterns], r[recordPrefixPatterns], r[recordGlobPatterns] = uint32(len(exact)), uint32(len(beginnings)), uint32(len(globs))
	for _, t := range exact {
		w.textEntry(t)
	}
	for _, n := range beginnings {
		w.textEntry(n.Text)
	}
	for _, t := range globs {
		w.textEntry(t)
	}
}
