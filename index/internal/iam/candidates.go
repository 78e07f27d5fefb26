package iam

import (
	"strings"

	"postern/index/internal/glob"
	"postern/index/internal/open"
)

// Subjects adds the principals that may be allowed the request. It does not
// look at conditions, nor at what records grant, as these may read facts of the
// searched principal: deciding looks at them.
func (m *Layer) Subjects(v *Inquiry, provider string, c *open.Candidates) {
	m.enter(v)
	defer v.leave()
	g, who := m.grants, &v.caller
	if who.nothing { // its claims give it nothing, whatever its name
		return
	}
	// What reaches a caller without a name reaches everyone.
	for _, n := range who.principals[:who.allowed] {
		if g.principalMay(n, v, c) {
			c.All = true
		}
	}
	for _, h := range who.helds {
		if g.spansMay(m.members.helds[h].spans, v, c) {
			c.All = true
		}
	}
	if c.All {
		return
	}
	known := m.Names()
	reached := make([]bool, len(g.principals))
	for n := range g.principals {
		if !g.principalMay(uint32(n), v, c) {
			if c.All {
				return
			}
			continue
		}
		reached[n] = true
		for _, place := range known.members[known.starts[n]:known.starts[n+1]] {
			if !c.Look() {
				return
			}
			if name, ok := strings.CutPrefix(known.Principals[place], provider); ok {
				c.Exact = append(c.Exact, name)
			}
		}
	}
	for text, l := range m.members.prefixes.All() {
		for _, n := range m.members.lists[l.at : l.at+l.n] {
			if name, ok := strings.CutPrefix(text, provider); ok && reached[n] {
				c.Prefixes = append(c.Prefixes, name)
			}
		}
	}
}

// principalMay reports whether an Allow that names a principal may hold.
func (g *Grants) principalMay(n uint32, v *Inquiry, c *open.Candidates) bool {
	p := &g.principals[n]
	for _, number := range g.named[p.at+p.denies : p.at+p.count] {
		b := &g.bindings[number]
		if g.scopeMay(b.scope, v) && g.spansMay(g.spans[b.spans:b.spans+b.spanCount], v, c) {
			return true
		}
	}
	return false
}

// spansMay reports whether one of the rules covers the action and may hold on
// the resource.
func (g *Grants) spansMay(spans []span, v *Inquiry, c *open.Candidates) bool {
	row, known := g.rows.of(v)
	for _, s := range spans {
		for id := row.next(s.from, s.to); id < s.to; id = row.next(id+1, s.to) {
			if !c.Look() {
				return false
			}
			r := &g.rules[id]
			if (known || g.covers(r, v)) && g.scopeMay(r.scope, v) {
				return true
			}
		}
	}
	return false
}

// scopeMay reports whether a scope may hold on the resource. Patterns with
// variables may read facts of a principal that is not known yet.
func (g *Grants) scopeMay(number uint32, v *Inquiry) bool {
	if number == 0 || len(g.scopes.variables) > 0 {
		return true
	}
	b, r := g.scopes.statement(number)
	return g.scopes.variables.ResourceHolds(b, r, &v.View)
}

// Resources adds the ids of a type on which an Allow that reaches the caller
// may hold.
func (m *Layer) Resources(v *Inquiry, resourceType string, c *open.Candidates) {
	m.enter(v)
	defer v.leave()
	g, who := m.grants, &v.caller
	if who.nothing {
		return
	}
	for _, h := range who.helds {
		g.spanResources(m.members.helds[h].spans, 0, v, resourceType+":", c)
	}
	for _, n := range who.principals[:who.allowed] {
		p := &g.principals[n]
		for _, number := range g.named[p.at+p.denies : p.at+p.count] {
			b := &g.bindings[number]
			g.spanResources(g.spans[b.spans:b.spans+b.spanCount], b.scope, v, resourceType+":", c)
		}
	}
}

// spanResources adds the resources of the rules that cover the action, and, for
// a rule about every resource, those of the scope of the binding that brings
// it.
func (g *Grants) spanResources(spans []span, scope uint32, v *Inquiry, prefix string, c *open.Candidates) {
	row, known := g.rows.of(v)
	for _, s := range spans {
		for id := row.next(s.from, s.to); id < s.to; id = row.next(id+1, s.to) {
			if !c.Look() {
				return
			}
			r := &g.rules[id]
			if !known && !g.covers(r, v) {
				continue
			}
			number := r.scope
			if number == 0 {
				number = scope
			}
			g.scopeResources(number, prefix, c)
		}
	}
}

func (g *Grants) scopeResources(number uint32, prefix string, c *open.Candidates) {
	if number == 0 {
		c.All = true
		return
	}
	b, r := g.scopes.statement(number)
	w := b.What(r)
	for i := range w.Count() {
		if !c.Look() {
			return
		}
		text := b.Pattern(w, i)
		literal := text
		if i >= w.Exact+w.Prefix {
			_, literal = glob.Classify(text)
		}
		id, ok := strings.CutPrefix(literal, prefix)
		switch {
		case ok && i < w.Exact:
			c.Exact = append(c.Exact, id)
		case ok:
			c.Prefixes = append(c.Prefixes, id)
		case i >= w.Exact && strings.HasPrefix(prefix, literal):
			c.All = true
			return
		}
	}
}
