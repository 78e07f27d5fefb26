package policytest

import (
	"cmp"
	"slices"
	"sync"

	"postern/policy"
)

// Coverage tells which statements of a policy directory determined a decision,
// and which none did. In the iam layer the bindings of documents count. The zero
// value is ready; its methods are safe from many goroutines.
type Coverage struct {
	mu         sync.Mutex
	statements map[place]*covered
}

// place tells the statements of a directory apart: in the iam layer different
// lists of a file may have one index.
type place struct {
	file        string
	line, index int
}

type covered struct {
	ref        policy.StatementRef
	determined bool
}

// Document adds the statements of an organization or bucket policy. It keeps
// copies of names, and nothing else of d.
func (c *Coverage) Document(d *policy.Document) {
	layer := policy.LayerOrganization
	if d.Kind == policy.KindBucket {
		layer = policy.LayerBucket
	}
	for i := range d.Statements {
		s := &d.Statements[i]
		c.add(policy.StatementRef{Document: d.Name, Statement: s.Name, Index: i, File: d.File, Line: s.Line, Effect: s.Effect, Layer: layer})
	}
}

// Access adds the bindings of a document of the iam layer. It keeps copies of
// names, and nothing else of d.
func (c *Coverage) Access(d *policy.AccessDocument) {
	for i := range d.Bindings {
		b := &d.Bindings[i]
		c.add(policy.StatementRef{Document: d.Name, Statement: b.ID, Index: i, File: d.File, Line: b.At.Line, Effect: b.Effect, Layer: policy.LayerIAM})
	}
}

func (c *Coverage) add(ref policy.StatementRef) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.statements == nil {
		c.statements = map[place]*covered{}
	}
	c.statements[placeOf(ref)] = &covered{ref: ref}
}

func placeOf(ref policy.StatementRef) place { return place{ref.File, ref.Line, ref.Index} }

// Explained counts the determining statements of a decision.
func (c *Coverage) Explained(e *policy.Explanation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ref := range e.Determining {
		if s := c.statements[placeOf(ref)]; s != nil {
			s.determined = true
		}
	}
}

// Statements is how many there are.
func (c *Coverage) Statements() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.statements)
}

// Untested returns the statements that determined no decision, by file and
// place.
func (c *Coverage) Untested() (out []policy.StatementRef) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.statements {
		if !s.determined {
			out = append(out, s.ref)
		}
	}
	slices.SortFunc(out, func(a, b policy.StatementRef) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Index, b.Index))
	})
	return out
}
