package compare

import (
	"cmp"
	"slices"
	"strings"

	"postern/policy"
)

// Dead is a statement that can change no decision, because another one does
// whatever it does (specification 8.1, dead-statement).
type Dead struct {
	Statement policy.StatementRef
	// At is where the `{` of Statement stands.
	At policy.Position
	// Cover is a statement of the same layer, and itself not dead: every request
	// that satisfies Statement satisfies it. It has the same effect, or is a Deny
	// where Statement is an Allow.
	Cover policy.StatementRef
}

// DeadInOrganization finds the statements of an organization's policies that
// can change no decision, in order of path and index. docs are all of its
// documents, in any order. All that it names can be removed together. It names
// only what is certain, and looks no further than a fixed amount of work.
func (k *Checker) DeadInOrganization(docs []*policy.Document) []Dead {
	return dead(k.organization(), docs)
}

// DeadInBucket is DeadInOrganization for the policy of a bucket. Of most policies
// it tells by what stands in them, without reading a pattern, that nothing covers
// anything.
func (k *Checker) DeadInBucket(bucket string, doc *policy.Document) []Dead {
	for i := range doc.Statements {
		for j := range doc.Statements {
			if i != j && mayCover(bucket, &doc.Statements[i], &doc.Statements[j]) {
				return dead(k.bucket(bucket), []*policy.Document{doc})
			}
		}
	}
	return nil
}

// mayCover reports that a covers b as far as effects, callers, conditions and the
// beginnings of resources tell.
func mayCover(bucket string, a, b *policy.Statement) bool {
	return (a.Effect == policy.EffectDeny || b.Effect == policy.EffectAllow) && beginsWithin(bucket, b, a) && principalsWithin(b, a) && conditionsWithin(b, a)
}

// beginsWithin reports that outer may speak of all in the bucket that the first
// resource of inner matches: where that is below the bucket, or the bucket itself,
// one of outer has to begin as it does. Any other has to be compared as a pattern, as
// `*` and the bucket with all below it are the same there.
func beginsWithin(bucket string, inner, outer *policy.Statement) bool {
	if inner.NotResource || outer.NotResource {
		return true
	}
	first := begins(inner.Resources[0])
	if below, is := strings.CutPrefix(first, bucket); !is || inner.Resources[0] != bucket && !strings.HasPrefix(below, "/") {
		return true
	}
	return slices.ContainsFunc(outer.Resources, func(o string) bool { return strings.HasPrefix(first, begins(o)) })
}

// maxComparisons bounds the pairs of statements that are compared in one layer,
// of which a pair that differs in principals or actions costs little.
const maxComparisons = 5_000_000

// dead finds dead statements from the last to the first, so that of several
// that cover each other the first stays.
//
// stays[i] is the statement that covers a dead one, in the end. A statement is
// never covered by one that stays because of it, so that whatever is removed,
// something that covers it stays.
func dead(r *reader, docs []*policy.Document) []Dead {
	docs = slices.Clone(docs)
	slices.SortStableFunc(docs, func(a, b *policy.Document) int { return cmp.Compare(a.File, b.File) })
	var clauses []*clause
	for _, d := range docs {
		clauses = append(clauses, r.read(d)...)
	}
	stays := make([]int, len(clauses))
	for i := range stays {
		stays[i] = i
	}
	end := func(i int) int {
		for stays[i] != i {
			i = stays[i]
		}
		return i
	}
	near := newNeighbours(r, clauses)
	left := maxComparisons
	for i := len(clauses) - 1; i >= 0; i-- {
		b := clauses[i]
		near.of(i, func(j int) bool {
			left--
			a := clauses[j]
			if j == i || a.Effect == policy.EffectAllow && b.Effect == policy.EffectDeny || end(j) == i || !r.covers(a, b) {
				return left > 0
			}
			if !r.speaksOfNothing(b) { // else the parser warns of it, and its cover would be no reason
				stays[i] = end(j)
			}
			return false
		})
		if left <= 0 {
			break
		}
	}
	var out []Dead
	for i, c := range clauses {
		if e := end(i); e != i {
			out = append(out, Dead{c.ref(), policy.Position{File: c.document.File, Line: c.Line, Column: c.Column}, clauses[e].ref()})
		}
	}
	return out
}
