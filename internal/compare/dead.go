package compare

import (
	"cmp"
	"maps"
	"slices"
	"strings"

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

// DeadInBucket is DeadInOrganization for the policy of a bucket. Of most policies
// it tells by callers and conditions alone that nothing covers anything.
func (k *Checker) DeadInBucket(bucket string, doc *policy.Document) []Dead {
	clauses := make([]clause, len(doc.Statements))
	for i := range clauses {
		clauses[i].Statement = &doc.Statements[i]
	}
	for i := range clauses {
		for j := range clauses {
			if i != j && mayCover(&clauses[i], &clauses[j]) {
				return dead(k.bucket(bucket), []*policy.Document{doc})
			}
		}
	}
	return nil
}

// mayCover reports that a covers b as far as effects, callers and conditions tell,
// which need no patterns to be read.
func mayCover(a, b *clause) bool {
	return (a.Effect == policy.EffectDeny || b.Effect == policy.EffectAllow) && principalsWithin(b, a) && conditionsWithin(b, a)
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
	// principals and heads have a number for each of what the statements say, and
	// by the statements that say both: first the principal's number, then the
	// head's.
	principals map[policy.PrincipalPattern]int32
	heads      map[string]int32
	by         map[[2]int32][]int
	// lengths are those of the prefixes among the principals; wider has, for each principal, the others that cover it, and itself; shorter
	// the longest other head that is the beginning of each head, or -1.
	lengths []int
	wider   [][]int32
	shorter []int32
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
	n.principals, n.heads, n.by = map[policy.PrincipalPattern]int32{}, map[string]int32{}, map[[2]int32][]int{}
	for i, c := range clauses {
		for _, res := range c.resources {
			head := number(n.heads, res.begins())
			for _, p := range c.Principals {
				key := [2]int32{number(n.principals, p), head}
				if list := n.by[key]; len(list) == 0 || list[len(list)-1] != i {
					n.by[key] = append(list, i)
				}
			}
		}
	}
	for p := range n.principals {
		if p.Kind == policy.PrincipalPrefix && !slices.Contains(n.lengths, len(p.Name)) {
			n.lengths = append(n.lengths, len(p.Name))
		}
	}
	n.wider = make([][]int32, len(n.principals))
	for p, id := range n.principals {
		n.wider[id] = n.covering(p)
	}
	n.shorter = make([]int32, len(n.heads))
	var begun []string // heads that are each the beginning of the next
	for _, head := range slices.Sorted(maps.Keys(n.heads)) {
		for len(begun) > 0 && !strings.HasPrefix(head, begun[len(begun)-1]) {
			begun = begun[:len(begun)-1]
		}
		n.shorter[n.heads[head]] = -1
		if len(begun) > 0 {
			n.shorter[n.heads[head]] = n.heads[begun[len(begun)-1]]
		}
		begun = append(begun, head)
	}
	return n
}

// number is the number of a thing in a table, a new one if it has none.
func number[T comparable](of map[T]int32, thing T) int32 {
	id, ok := of[thing]
	if !ok {
		id = int32(len(of))
		of[thing] = id
	}
	return id
}

// covering lists the numbers of the principals that cover one, and its own.
func (n *neighbours) covering(p policy.PrincipalPattern) (out []int32) {
	add := func(p policy.PrincipalPattern) {
		if id, ok := n.principals[p]; ok && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	add(policy.PrincipalPattern{Kind: policy.PrincipalEveryone})
	add(p)
	if p.Kind == policy.PrincipalExact || p.Kind == policy.PrincipalPrefix {
		for _, end := range n.lengths {
			if end <= len(p.Name) {
				add(policy.PrincipalPattern{Kind: policy.PrincipalPrefix, Org: p.Org, Name: p.Name[:end]})
			}
		}
	}
	return out
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
	for _, p := range n.wider[n.principals[c.Principals[0]]] {
		for head := n.heads[c.resources[0].begins()]; head >= 0; head = n.shorter[head] {
			for _, i := range n.by[[2]int32{p, head}] {
				if !try(i) {
					return
				}
			}
		}
	}
}
