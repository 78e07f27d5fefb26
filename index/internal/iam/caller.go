package iam

import (
	"slices"

	"postern/index/internal/glob"
	"postern/index/internal/match"
	"postern/policy"
)

// caller is who asks, as the iam layer sees it. It is worked out once a
// request, in memory that is used again.
type caller struct {
	// principals are the principals that the caller is, each once, by their
	// numbers in Grants.principals.
	principals []uint32
	// own is how many of them come from the caller's identifiers and groups.
	// They come first; those behind them are everybody's.
	own int
	// helds is what the caller holds without a binding, by numbers in
	// Membership.helds; the defaults come last.
	helds    []uint32
	defaults int // the number of defaults among helds
	// allowed is the number of principals whose Allows reach the caller: own,
	// of an organization token; else all.
	allowed int
	found   []list // the values of an identifier's prefixes, for one look-up
	// nothing says that the caller's claims give it nothing, so that no Allow
	// reaches it.
	nothing bool

	// seen has for each principal the round in which it was found last.
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

// identifier adds the principals that an identifier is.
func (m *Membership) identifier(c *caller, id string, v *Inquiry) {
	if l, ok := m.names[id]; ok {
		c.add(m, l, v)
	}
	c.found = m.prefixes.Find(c.found[:0], id, &v.View)
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

// explicit reports whether an Allow binding with roles names the caller or one
// of its groups.
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

// issued returns the rules of the issuer of the caller's token. It returns none
// if `iss` has not one value: the token could be any issuer's, and gives
// nothing.
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

// assume gives the caller the roles of the Allow rules that match. It sets nothing
// if none matches, if a Deny rule matches, or if two that match have different
// roles.
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

// matches reports whether all listed claims match. A claim that cannot be read
// matches in a Deny rule, and not in an Allow rule.
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

// NamesCaller reports whether an iam statement names the caller (specification
// 1.3, cwobject:), whatever it grants. `*` and the defaults name nobody. It is
// called after Satisfied.
func (m *Layer) NamesCaller(v *Inquiry) bool {
	c := &v.caller
	for _, n := range c.principals[:c.own] {
		if m.grants.principals[n].count > 0 {
			return true
		}
	}
	return !c.nothing && len(c.helds) > c.defaults
}
