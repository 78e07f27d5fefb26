package compare

import (
	"cmp"
	"slices"

	"postern/policy"
)

// Dead is a statement that can change no decision, because another one does
// whatever it does (specification 8.1, dead-statement).
type Dead struct {
	Statement policy.StatementRef
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

// DeadInBucket is DeadInOrganization for the policy of a bucket.
func (k *Checker) DeadInBucket(bucket string, doc *policy.Document) []Dead {
	return dead(k.bucket(bucket), []*policy.Document{doc})
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
		near.of(b, func(j int) bool {
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
			out = append(out, Dead{Statement: c.ref(), Cover: clauses[e].ref()})
		}
	}
	return out
}

// neighbours finds the statements that may cover a given one without looking at
// all: a statement that covers another has a principal that covers its first
// principal, and where both list resources, one whose literal text with which it
// begins is the beginning of that of the other's first resource.
type neighbours struct {
	all []int // nil where there are many
	by  map[neighbourKey][]int
}

type neighbourKey struct {
	principal policy.PrincipalPattern
	head      string
}

// manyStatements is how many are worth an index.
const manyStatements = 256

func newNeighbours(r *reader, clauses []*clause) *neighbours {
	n := &neighbours{}
	if len(clauses) <= manyStatements || r.layer == policy.LayerBucket {
		for i := range clauses {
			n.all = append(n.all, i)
		}
		return n
	}
	n.by = map[neighbourKey][]int{}
	for i, c := range clauses {
		for _, p := range c.Principals {
			for _, res := range c.resources {
				key := neighbourKey{p, res.head()}
				if list := n.by[key]; len(list) == 0 || list[len(list)-1] != i {
					n.by[key] = append(list, i)
				}
			}
		}
	}
	return n
}

// of calls try with the statements that may cover c until it returns false.
func (n *neighbours) of(c *clause, try func(int) bool) {
	if n.by == nil {
		for _, i := range n.all {
			if !try(i) {
				return
			}
		}
		return
	}
	p := c.Principals[0]
	wider := []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}, p}
	if p.Kind == policy.PrincipalExact || p.Kind == policy.PrincipalPrefix {
		for end := range len(p.Name) + 1 {
			wider = append(wider, policy.PrincipalPattern{Kind: policy.PrincipalPrefix, Org: p.Org, Name: p.Name[:end]})
		}
	}
	head := c.resources[0].head()
	for _, p := range wider {
		for end := range len(head) + 1 {
			for _, i := range n.by[neighbourKey{p, head[:end]}] {
				if !try(i) {
					return
				}
			}
		}
	}
}
