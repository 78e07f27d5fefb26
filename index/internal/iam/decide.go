package iam

import (
	"postern/index/internal/glob"
	"postern/index/lowered"
	"postern/policy"
)

// Satisfied returns Deny if a Deny that reaches the caller is satisfied, else
// Allow if an Allow is, or if the request asks about Denies only and the caller's
// claims do not bar it. Of an Allow, v.Open is the obligation.
func (m *Layer) Satisfied(v *Inquiry) policy.Effect {
	m.enter(v)
	effect := m.satisfied(v)
	v.leave()
	return effect
}

// satisfied is Satisfied without v.Open. Denies come first. If rules have
// obligations it looks at all Allows, else the first one decides.
func (m *Layer) satisfied(v *Inquiry) policy.Effect {
	g, c := m.grants, &v.caller
	for _, n := range c.principals {
		p := &g.principals[n]
		if !v.Spend(int(p.denies)) {
			return policy.EffectDeny // as match.Variables.Holds
		}
		if !p.denied.may(&v.marks) {
			continue
		}
		for i := p.at; i < p.at+p.denies; i++ {
			if g.marks[i].may(&v.marks) && g.bindingHolds(g.named[i], v) != notGranted {
				v.Ground = m.groundOf(v, g.named[i])
				return policy.EffectDeny
			}
		}
	}
	switch {
	case c.nothing:
		return policy.EffectNone
	case v.Request.DenyOnly:
		v.Open = 0
		return policy.EffectAllow
	}
	best := notGranted
	for _, n := range c.principals[:c.allowed] {
		p := &g.principals[n]
		if !v.Spend(int(p.count - p.denies)) {
			return policy.EffectDeny
		}
		if !p.allowed.may(&v.marks) {
			continue
		}
		for i := p.at + p.denies; i < p.at+p.count; i++ {
			if !g.marks[i].may(&v.marks) {
				continue
			}
			if held := g.bindingHolds(g.named[i], v); held > best {
				best, v.Ground = held, m.groundOf(v, g.named[i])
			}
			if g.enough(best) {
				return v.allowed(best)
			}
		}
	}
	for _, h := range c.helds {
		if held := g.spansHold(m.members.helds[h].spans, false, v); held > best {
			if best = held; v.Grounding {
				v.Ground = m.members.helds[h].place
			}
		}
		if g.enough(best) {
			return v.allowed(best)
		}
	}
	return v.allowed(best)
}

// groundOf is the statement of a binding, if that is wanted.
func (m *Layer) groundOf(v *Inquiry, binding uint32) (out policy.StatementRef) {
	if v.Grounding {
		out = m.bindings[binding]
	}
	return out
}

// enough reports whether no other Allow can change the answer.
func (g *Grants) enough(best granted) bool {
	return best == unlimited || best != notGranted && !g.hasObligations
}

func (v *Inquiry) allowed(for_ granted) policy.Effect {
	v.Open = 0
	switch for_ {
	case notGranted:
		return policy.EffectNone
	case unlimited:
	default:
		v.Open = uint64(for_)
	}
	return policy.EffectAllow
}

// granted is whether an action is granted: 0 if it is not, else for how many
// seconds what is opened may stay open.
type granted uint64

const (
	notGranted granted = 0
	unlimited  granted = 1<<64 - 1
)

// or returns the longer of two.
func (a granted) or(b granted) granted { return max(a, b) }

// ruleHolds evaluates a rule that covers the action.
func (g *Grants) ruleHolds(r *rule, deny bool, v *Inquiry) granted {
	if !g.scopeHolds(r.scope, r.except, deny, v) {
		return notGranted
	}
	for_ := unlimited
	if r.record != 0 {
		if for_ = g.tree.grants(r.record-1, deny, v); for_ == notGranted {
			return notGranted
		}
	}
	if r.open != 0 {
		for_ = min(for_, granted(r.open))
	}
	return for_
}

// covers reports whether a rule covers the action. It is for rules of which the
// action's row does not tell.
func (g *Grants) covers(r *rule, v *Inquiry) bool {
	for _, p := range g.programs[r.programs : r.programs+r.programCount] {
		if v.Glob(p, v.ActionFolded()) {
			return true
		}
	}
	return false
}

// spansHold evaluates the rules of spans, up to the first that holds, or all if
// all have to be looked at.
func (g *Grants) spansHold(spans []span, deny bool, v *Inquiry) (best granted) {
	all := g.hasObligations && !deny || g.form == lowered.FormScan
	row, known := g.rows.of(v)
	if row.empty {
		return notGranted
	}
	for _, s := range spans {
		v.Spend(glob.EndsWork + int(s.to-s.from)/256)
		for id := row.next(s.from, s.to); id < s.to; id = row.next(id+1, s.to) {
			if !v.Spend(glob.StatementWork) {
				return unlimited // as match.Variables.Holds
			}
			r := &g.rules[id]
			if r.spots&v.marks.spots != v.marks.spots || !known && !g.covers(r, v) {
				continue
			}
			if best = best.or(g.ruleHolds(r, deny, v)); best != notGranted && (!all || best == unlimited) {
				return best
			}
		}
	}
	return best
}

// bindingHolds evaluates a binding.
func (g *Grants) bindingHolds(number uint32, v *Inquiry) granted {
	b := &g.bindings[number]
	deny := int(number) < g.denies
	best := g.spansHold(g.spans[b.spans:b.spans+b.spanCount], deny, v)
	if best != notGranted && !g.scopeHolds(b.scope, b.except, deny, v) {
		return notGranted
	}
	return best
}
