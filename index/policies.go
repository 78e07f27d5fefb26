package index

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unsafe"

	"github.com/cespare/xxhash/v2"
)

// Policies are the frozen statements of one unit: all organization policies of
// an organization, or one bucket policy. They are immutable and shared between
// snapshots. Everything that statements refer to lies in a few arenas without
// pointers, so that the garbage collector has little to look at.
type Policies struct {
	count     int
	documents []Document

	text       string
	principals []principalName
	resources  []ref // programs
	conditions []condition
	constants  []constant
	keys       []key
	variables  []variable

	// wide holds the statements whose resources do not all name a bucket
	// literally; for a bucket policy, all of them.
	wide *part
	// buckets finds the part of the statements that name only a few buckets.
	buckets map[string]*part
	// parts are wide and the parts of buckets, in byte order of the names:
	// explanations walk them.
	parts []*part

	bytes int64
}

// Len returns the number of statements.
func (p *Policies) Len() int { return p.count }

// ref is a piece of Policies.text.
type ref struct{ at, n uint32 }

func (p *Policies) str(r ref) string { return p.text[r.at : r.at+r.n] }

// span is a run in one of the arenas.
type span struct{ at, n uint32 }

// principalName is an identifier, or the beginning of one, or an organization.
type principalName struct {
	hash uint32 // of the text; of no use for beginnings
	any  bool   // of any organization
	org  ref
	text ref
}

type condition struct {
	op     Operator
	key    uint32
	values span
}

// constant is a lowered value of a condition; see Value.
type constant struct {
	text ref
	a, b uint64
	bits uint8
	is4  bool
}

type key struct {
	kind KeyKind
	name ref
}

type variable struct {
	key        uint32
	text       ref
	hasDefault bool
}

// maxBuckets is the number of buckets a statement may name and still be put
// into each one's part, which copies it; beyond, it goes to the wide part.
const maxBuckets = 16

// hash32 finds names; equality decides (DESIGN: a hash alone identifies nothing).
func hash32(s string) uint32 { return uint32(xxhash.Sum64String(s)) }

// Form forces how parts narrow, for tests; every form gives the same answers.
type Form uint8

// The forms.
const (
	FormAuto    Form = iota // words up to 64 statements, Roaring above
	FormRoaring             // Roaring always
	FormScan                // the index switched off: every statement is a candidate
)

// New freezes statements. documents gives each statement's document by number;
// statements of one document may be in any order. byBucket asks for a part a
// bucket, which only an organization's policies need.
func New(statements []Statement, documents []Document, variables []Variable, byBucket bool, form Form) *Policies {
	f := freezer{p: &Policies{count: len(statements), documents: documents}, texts: map[string]ref{}, keys: map[Key]uint32{}, form: form}
	for _, x := range variables {
		f.p.variables = append(f.p.variables, variable{key: f.key(x.Key), text: f.text(x.Default), hasDefault: x.HasDefault})
	}
	order := make([]int, len(statements))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &statements[a], &statements[b]
		return cmp.Or(
			cmp.Compare(effectRank(x.Deny), effectRank(y.Deny)),
			cmp.Compare(documents[x.Document].File, documents[y.Document].File),
			cmp.Compare(x.Index, y.Index),
		)
	})
	var wide []frozen
	buckets := map[string][]frozen{}
	for _, i := range order {
		s := &statements[i]
		common := f.statement(s)
		names := bucketNames(s)
		if !byBucket || names == nil {
			wide = append(wide, f.resources(common, s, ""))
			continue
		}
		for _, name := range names {
			buckets[name] = append(buckets[name], f.resources(common, s, name))
		}
	}
	f.p.text = f.buf.String()
	f.p.wide = f.part(wide)
	f.p.parts = []*part{f.p.wide}
	if byBucket {
		f.p.buckets = make(map[string]*part, len(buckets))
		names := make([]string, 0, len(buckets))
		for name := range buckets {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			part := f.part(buckets[name])
			f.p.buckets[f.p.str(f.texts[name])] = part
			f.p.parts = append(f.p.parts, part)
		}
	}
	f.p.bytes = f.p.size()
	return f.p
}

func effectRank(deny bool) int {
	if deny {
		return 0
	}
	return 1
}

// bucketNames returns the buckets that the statement's resources name
// literally, in byte order; nil if a resource may be about any other bucket,
// or if they are too many.
func bucketNames(s *Statement) []string {
	if s.NotResource {
		return nil
	}
	var names []string
	for _, program := range s.Resources {
		name, ok := bucketName(program)
		if !ok {
			return nil
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
			if len(names) > maxBuckets {
				return nil
			}
		}
	}
	slices.Sort(names)
	return names
}

// bucketName returns the one bucket that a program can be about.
func bucketName(program string) (string, bool) {
	kind, prefix := classify(program)
	if i := strings.IndexByte(prefix, '/'); i >= 0 {
		return prefix[:i], true
	}
	return prefix, kind == patternExact
}

// freezer is what New needs only while it works.
type freezer struct {
	p     *Policies
	buf   strings.Builder
	texts map[string]ref
	keys  map[Key]uint32
	form  Form
}

// frozen is a statement on its way into a part.
type frozen struct {
	statement
	meta     meta
	actions  *Actions
	patterns []string // programs, for Roaring's resource prefixes
	names    []Name   // identifiers, for Roaring's principals
	prefixes []Name   // beginnings
	loose    bool     // may hold for callers that names and prefixes do not tell
}

// text interns s.
func (f *freezer) text(s string) ref {
	if r, ok := f.texts[s]; ok {
		return r
	}
	if f.buf.Len()+len(s) > math.MaxUint32 {
		panic("index: more than 4 GiB of text in one unit") // past the bounds of specification 4
	}
	r := ref{uint32(f.buf.Len()), uint32(len(s))}
	f.buf.WriteString(s)
	f.texts[strings.Clone(s)] = r
	return r
}

func (f *freezer) key(k Key) uint32 {
	if n, ok := f.keys[k]; ok {
		return n
	}
	n := uint32(len(f.p.keys))
	f.p.keys = append(f.p.keys, key{k.Kind, f.text(k.Name)})
	f.keys[k] = n
	return n
}

// statement freezes everything but the resources, which differ between parts.
func (f *freezer) statement(s *Statement) frozen {
	out := frozen{actions: &s.Actions}
	st := &out.statement
	out.meta = meta{document: uint32(s.Document), index: uint32(s.Index), line: uint32(s.Line), name: f.text(s.Name)}
	st.set(flagDeny, s.Deny)
	st.set(flagEveryone, s.Principals.Everyone)
	st.set(flagNotPrincipal, s.Principals.Not)
	st.set(flagNotResource, s.NotResource)
	st.set(flagWhole, s.WholeOrganization)

	exact := slices.Clone(s.Principals.Exact)
	hashes := make(map[Name]uint32, len(exact))
	for _, n := range exact {
		hashes[n] = hash32(n.Text)
	}
	slices.SortFunc(exact, func(a, b Name) int {
		return cmp.Or(cmp.Compare(hashes[a], hashes[b]), cmp.Compare(a.Text, b.Text), cmp.Compare(a.Org, b.Org))
	})
	exact = slices.Compact(exact)
	prefixes := prefixFree(s.Principals.Prefix)
	st.names = uint32(len(f.p.principals))
	for _, list := range [][]Name{exact, prefixes} {
		for _, n := range list {
			f.p.principals = append(f.p.principals, principalName{hash: hashes[n], any: n.Org == "", org: f.text(n.Org), text: f.text(n.Text)})
		}
	}
	for _, org := range s.Principals.Organizations {
		f.p.principals = append(f.p.principals, principalName{org: f.text(org)})
	}
	st.exact, st.prefixes, st.organizations = uint32(len(exact)), uint32(len(prefixes)), uint32(len(s.Principals.Organizations))
	out.names, out.prefixes = exact, prefixes
	out.loose = s.Principals.Everyone || s.Principals.Not || len(s.Principals.Organizations) > 0

	st.conditions = span{uint32(len(f.p.conditions)), uint32(len(s.Conditions))}
	for _, c := range s.Conditions {
		values := span{uint32(len(f.p.constants)), uint32(len(c.Values))}
		for _, v := range c.Values {
			f.p.constants = append(f.p.constants, constant{text: f.text(v.Text), a: v.A, b: v.B, bits: v.Bits, is4: v.Is4})
		}
		f.p.conditions = append(f.p.conditions, condition{op: c.Operator, key: f.key(c.Key), values: values})
	}
	return out
}

// prefixFree sorts beginnings by organization and text, and drops those that a
// shorter one of the same organization covers: so of what is left, only the
// one just before an identifier in byte order can be its beginning.
func prefixFree(list []Name) []Name {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Name) int { return cmp.Or(cmp.Compare(a.Org, b.Org), cmp.Compare(a.Text, b.Text)) })
	var out []Name
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

// resources completes a frozen statement for one part: its patterns about that
// bucket, or all of them for "".
func (f *freezer) resources(s frozen, from *Statement, bucket string) frozen {
	var exact, prefix, globs []string
	for _, program := range from.Resources {
		if bucket != "" {
			if name, _ := bucketName(program); name != bucket {
				continue
			}
			f.text(bucket)
		}
		s.patterns = append(s.patterns, program)
		switch kind, literal := classify(program); kind {
		case patternExact:
			exact = append(exact, program)
		case patternPrefix:
			prefix = append(prefix, literal)
		default:
			globs = append(globs, program)
		}
	}
	slices.Sort(exact)
	exact = slices.Compact(exact)
	var free []string
	slices.Sort(prefix)
	for _, t := range prefix {
		if len(free) == 0 || !strings.HasPrefix(t, free[len(free)-1]) {
			free = append(free, t)
		}
	}
	st := &s.statement
	st.patterns = uint32(len(f.p.resources))
	st.exactPatterns, st.prefixPatterns, st.globPatterns = uint32(len(exact)), uint32(len(free)), uint32(len(globs))
	for _, list := range [][]string{exact, free, globs} {
		for _, t := range list {
			f.p.resources = append(f.p.resources, f.text(t))
		}
	}
	return s
}

// size counts the bytes that the frozen policies hold.
func (p *Policies) size() int64 {
	n := int64(unsafe.Sizeof(*p)) + int64(len(p.text)) +
		sizeOf(p.principals) + sizeOf(p.resources) + sizeOf(p.conditions) + sizeOf(p.constants) + sizeOf(p.keys) +
		sizeOf(p.variables) + sizeOf(p.documents) + sizeOf(p.parts)
	for _, x := range p.parts {
		n += x.size()
	}
	return n + int64(len(p.buckets))*48
}

func sizeOf[T any](s []T) int64 {
	var zero T
	return int64(cap(s)) * int64(unsafe.Sizeof(zero))
}

// alias makes a string of b without copying. The string changes with b.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
