package iam

import (
	"slices"

	"postern/index/internal/glob"
	"postern/index/internal/match"
	"postern/policy"
)

// caller is who asks, as the iam layer sees it: worked out once a request,
// into memory that is used again.
type caller struct {
	// principals are numbers in Grants.principals, each once.
	principals []uint32
	// own counts the first principals, which come from the caller's identifiers
	// and groups; those behind them apply to every caller.
	own int
	// helds are numbers in Membership.helds, the defaults last.
	helds    []uint32
	defaults int // of helds
	// allowed is the number of principals whose Allows reach the caller: own,
	// of an organization token; else all.
	allowed int
	found   []list // of beginnings of an identifier, for one look
	// nothing: its claims earn it nothing, so that no Allow reaches it.
	nothing bool

	// seen holds the round in which a principal was found last.
	seen  []uint32
	round uint32
}

// expand works out who the caller is (specification 2: groups, defaults,
// tokens, issuers).
func (m *Membership) expand(v *Inquiry) {
	c := &v.caller
	c.begin(len(m.grants.principals))
	p := &v.Request.Principal
	var t *iamToken
	if match.IsToken(v.Request) {
		t = m.tokens[p.IDs[0]]
	}
	defaults, everyones := true, true
	switch {
	case t == nil:
		for _, id := range p.IDs {
			m.identifier(c, id, v)
		}
		for _, g := range p.Groups {
			c.add(m, m.groups[g], v)
		}
		if rules, issued := m.issued(p); issued {
			defaults = false
			m.assume(c, rules, v)
		}
	case t.kind == policy.TokenOrganization:
		m.identifier(c, p.IDs[0], v)
		c.helds = append(c.helds, t.held)
		defaults, everyones = false, false
	case t.kind == policy.TokenTeam:
		m.identifier(c, p.IDs[0], v)
		c.add(m, m.groups[t.group], v)
	default:
		m.identifier(c, p.IDs[0], v)
		m.identifier(c, t.user, v)
	}
	c.own = len(c.principals)
	c.add(m, m.anyone, v)
	c.allowed = len(c.principals)
	if !everyones {
		c.allowed = c.own
	}
	if c.defaults = 0; defaults && m.defaults > 0 && !m.explicit(c, v) {
		c.defaults = m.defaults
		for i := range m.defaults {
			c.helds = append(c.helds, uint32(i))
		}
	}
}

func (c *caller) begin(principals int) {
	c.principals, c.helds = c.principals[:0], c.helds[:0]
	c.nothing = false
	if c.round++; c.round == 0 {
		clear(c.seen)
		c.round = 1
	}
	if len(c.seen) < principals {
		c.seen = append(c.seen, make([]uint32, principals-len(c.seen))...)
	}
}

// identifier adds what an identifier is.
func (m *Membership) identifier(c *caller, id string, v *Inquiry) {
	if l, ok := m.names[id]; ok {
		c.add(m, l, v)
	}
	c.found = m.beginnings.Find(c.found[:0], id, &v.View)
	for _, l := range c.found {
		c.add(m, l, v)
	}
}

func (c *caller) add(m *Membership, l list, v *Inquiry) {
	if !v.Spend(int(l.n)) {
		return
	}
	for _, n := range m.lists[l.at : l.at+l.n] {
		if c.seen[n] != c.round {
			c.seen[n] = c.round
			c.principals = append(c.principals, n)
		}
	}
}

// explicit reports that an Allow binding with roles names the caller or one of
// its groups.
func (m *Membership) explicit(c *caller, v *Inquiry) bool {
	g := m.grants
	for _, n := range c.principals {
		if n == everyone {
			continue
		}
		p := &g.principals[n]
		if !v.Spend(int(p.count - p.denies)) {
			return true
		}
		for _, b := range g.named[p.at+p.denies : p.at+p.count] {
			if g.bindings[b].explicit {
				return true
			}
		}
	}
	return false
}

// issued returns the rules of the issuer whose token the caller brings, none if
// its `iss` is not one value: it might be any issuer's, and earns nothing.
func (m *Membership) issued(p *policy.Principal) (rules []issuerRule, issued bool) {
	if !p.ClaimsStated || len(m.issuers) == 0 {
		return nil, false
	}
	for i := range p.Claims {
		switch c := &p.Claims[i]; {
		case c.Key != "iss":
		case len(c.Values) != 1:
			return nil, true
		default:
			rules, issued = m.issuers[c.Values[0].Text]
			return rules, issued
		}
	}
	return nil, false
}

// assume gives the caller the roles of the matching Allow rule, or nothing.
func (m *Membership) assume(c *caller, rules []issuerRule, v *Inquiry) {
	var first []string
	found := false
	for i := range rules {
		r := &rules[i]
		if !r.matches(v) {
			continue
		}
		if r.deny || found && !slices.Equal(m.helds[r.held].roles, first) {
			c.nothing = true
			return
		}
		first, found = m.helds[r.held].roles, true
		c.helds = append(c.helds, r.held)
	}
	c.nothing = !found
}

// matches reports that every listed claim matches. One that cannot be read
// does in a Deny rule, and in no Allow rule.
func (r *issuerRule) matches(v *Inquiry) bool {
	for i := range r.claims {
		if !v.Spend(glob.ConditionWork) {
			return false
		}
		values, unreadable := v.Claim(r.claims[i].Path)
		if !(unreadable && r.deny) && !v.anyMatches(r.claims[i].Program, values) {
			return false
		}
	}
	return true
}

func (v *Inquiry) anyMatches(program string, values []policy.Value) bool {
	for i := range values {
		if v.Glob(program, values[i].Text) {
			return true
		}
	}
	return false
}

// NamesCaller reports that an iam statement names the caller (specification 1.3,
// cwobject:), whatever it gives: `*` and the defaults name nobody. It is asked
// after Satisfied.
func (m *Layer) NamesCaller(v *Inquiry) bool {
	c := &v.caller
	for _, n := range c.principals[:c.own] {
		if m.grants.principals[n].count > 0 {
			return true
		}
	}
	return !c.nothing && len(c.helds) > c.defaults
}
