package iam

import (
	"slices"

	"postern/index/internal/match"
	"postern/policy"
)

// Determining lists the statements that gave the caller an outcome, by file and
// index. A binding is one statement, however many of its rules hold.
func (m *Layer) Determining(outcome policy.Outcome, v *Inquiry) []policy.StatementRef {
	m.enter(v)
	defer v.leave()
	g, c := m.grants, &v.caller
	var out []policy.StatementRef
	add := func(ref policy.StatementRef) {
		if !v.Over() && !slices.Contains(out, ref) {
			out = append(out, ref)
		}
	}
	for i, n := range c.principals {
		p := &g.principals[n]
		switch {
		case outcome == policy.ExplicitDeny:
			for _, b := range g.named[p.at : p.at+p.denies] {
				if g.bindingHolds(b, v) != notGranted {
					add(m.bindings[b])
				}
			}
		case !c.nothing && i < c.allowed:
			for _, b := range g.named[p.at+p.denies : p.at+p.count] {
				if g.bindingHolds(b, v) != notGranted {
					add(m.bindings[b])
				}
			}
		}
	}
	if outcome == policy.Allow && !c.nothing {
		for _, h := range c.helds {
			if held := &m.members.helds[h]; g.spansHold(held.spans, false, v) != notGranted {
				add(held.place)
			}
		}
	}
	slices.SortFunc(out, policy.ByPlace)
	return out
}

// Nearest finds the Allow that failed on the fewest dimensions, nil if there is
// none. It looks at each rule of the bindings, and of what the caller holds
// without a binding.
func (m *Layer) Nearest(v *Inquiry) (best *policy.Nearest, truncated bool) {
	m.enter(v)
	defer v.leave()
	g, c := m.grants, &v.caller
	reaches := make([]bool, len(g.bindings))
	if !c.nothing {
		for _, n := range c.principals[:c.allowed] {
			p := &g.principals[n]
			for _, b := range g.named[p.at : p.at+p.count] {
				reaches[b] = true
			}
		}
	}
	var of *rule
	var by *binding
	defer func() {
		if best != nil {
			g.detail(best, of, by, v)
		}
	}()
	looked := 0
	look := func(ref policy.StatementRef, reached bool, b *binding, spans []span) bool {
		for _, s := range spans {
			for id := s.from; id < s.to; id++ {
				if looked++; looked > match.NearestBound {
					return false
				}
				failed := g.failed(&g.rules[id], id, reached, b, v)
				if v.Over() {
					return false
				}
				if best != nil && len(failed) > len(best.Failed) {
					continue
				}
				if best == nil || len(failed) < len(best.Failed) || policy.ByPlace(ref, best.Statement) < 0 {
					best = &policy.Nearest{Statement: ref, Failed: failed}
					of, by = &g.rules[id], b
				}
			}
		}
		return true
	}
	// What reaches the caller comes first, so that the bound does not hide it.
	if !c.nothing {
		for _, h := range c.helds {
			held := &m.members.helds[h]
			if !look(held.place, true, &binding{}, held.spans) {
				return best, true
			}
		}
	}
	for _, reached := range []bool{true, false} {
		for i := g.denies; i < len(g.bindings); i++ {
			b := &g.bindings[i]
			if reaches[i] == reached && !look(m.bindings[i], reached, b, g.spans[b.spans:b.spans+b.spanCount]) {
				return best, true
			}
		}
	}
	return best, false
}

// failed lists the dimensions that do not hold of a rule and the binding that
// brings it.
func (g *Grants) failed(r *rule, id uint32, reached bool, b *binding, v *Inquiry) []string {
	var out []string
	if !reached {
		out = append(out, "principal")
	}
	row, known := g.rows.of(v)
	if row.next(id, id+1) != id || !known && !g.covers(r, v) {
		out = append(out, "action")
	}
	resource, condition := true, r.record == 0 || g.tree.grants(r.record-1, false, v) != notGranted
	for _, number := range [...]uint32{r.scope, r.except, b.scope, b.except} {
		if number == 0 {
			continue
		}
		in, s := g.scopes.statement(number)
		resource = resource && g.scopes.variables.ResourceHolds(in, s, &v.View)
		condition = condition && g.scopes.variables.ConditionsHold(in, s, &v.View)
	}
	if !resource {
		out = append(out, "resource")
	}
	if !condition {
		out = append(out, "condition")
	}
	return out
}

// detail adds why the scopes of a rule and of the binding that brings it do not
// hold.
func (g *Grants) detail(n *policy.Nearest, r *rule, b *binding, v *Inquiry) {
	for _, number := range [...]uint32{r.scope, r.except, b.scope, b.except} {
		if number != 0 {
			in, s := g.scopes.statement(number)
			g.scopes.variables.Detail(n, in, s, &v.View)
		}
	}
}
