package index

import (
	"slices"
	"strings"
	"unsafe"

	"postern/policy"
)

// MemberList is who belongs where in an organization, and what is held without
// a binding: the input of NewMembership. Roles are names in GrantList.Roles.
type MemberList struct {
	// Groups have the members that Binding has; a member `group/NAME` is a
	// group whose members are members too.
	Groups []Group
	Tokens []Token
	// MemberRoles are held by callers without an explicit role.
	MemberRoles []Held
	Issuers     []IssuerRule
}

// Group is a group and who is in it.
type Group struct {
	Name              string
	Everyone          bool
	Names, Beginnings []string
}

// Held are roles held without a binding, and the place that explanations name.
type Held struct {
	Roles []string
	Place policy.StatementRef
}

// Token is policy.Token with roles resolved.
type Token struct {
	Name        string
	Type        policy.TokenType
	Held        Held   // of an organization token
	Group, User string // NAME; `provider/name`
	Expires     int64
	HasExpires  bool
}

// IssuerRule is one rule of an issuer.
type IssuerRule struct {
	URL    string
	Deny   bool
	Claims []Claim
	Held   Held
}

// Claim is a claim that has to match a program.
type Claim struct{ Path, Program string }

// Membership tells which bindings' principals a caller is, and what it holds
// without a binding. It is built against one Grants and refers to its numbers;
// a new member or token makes a new Membership and leaves the Grants alone
// (specification 2, groups and tokens). It is immutable.
type Membership struct {
	grants *Grants
	// names holds the principals of an identifier or token, itself and its
	// groups transitively; groups those of a stated group, by NAME.
	names, groups map[string]list
	beginnings    beginnings
	// anyone are the principals that every caller is.
	anyone list
	lists  []uint32

	tokens  map[string]*iamToken
	issuers map[string][]issuerRule // by URL
	// helds are what is held without a binding; defaults are the first of them.
	helds    []held
	defaults int
	bytes    int64
}

// list is a run of Membership.lists.
type list struct{ at, n uint32 }

type held struct {
	spans []span
	roles []string // sorted
	place policy.StatementRef
}

type iamToken struct {
	kind        policy.TokenType
	held        uint32 // in helds
	group, user string
	expires     int64
	hasExpires  bool
}

type issuerRule struct {
	deny   bool
	claims []Claim
	held   uint32
}

// alive reports that the token has not expired (specification 2, tokens: from
// `expires` on it is nobody).
func (t *iamToken) alive(now int64) bool { return !t.hasExpires || now < t.expires }

// NewMembership freezes.
func NewMembership(g *Grants, in *MemberList) *Membership {
	m := &Membership{grants: g, names: map[string]list{}, groups: map[string]list{}, tokens: map[string]*iamToken{}, issuers: map[string][]issuerRule{}}
	for _, h := range in.MemberRoles {
		m.hold(h)
	}
	m.defaults = len(m.helds)
	for i := range in.Tokens {
		from := &in.Tokens[i]
		t := &iamToken{kind: from.Type, group: strings.Clone(from.Group), user: strings.Clone(from.User), expires: from.Expires, hasExpires: from.HasExpires}
		if from.Type == policy.TokenOrganization {
			t.held = m.hold(from.Held)
		}
		m.tokens["token/"+from.Name] = t
	}
	for i := range in.Issuers {
		from := &in.Issuers[i]
		r := issuerRule{deny: from.Deny, claims: slices.Clone(from.Claims)}
		if !from.Deny {
			r.held = m.hold(from.Held)
		}
		m.issuers[strings.Clone(from.URL)] = append(m.issuers[from.URL], r)
	}
	m.freezeGroups(in.Groups)
	m.bytes = m.size()
	return m
}

// hold numbers what is held without a binding.
func (m *Membership) hold(h Held) uint32 {
	out := held{roles: slices.Clone(h.Roles), place: h.Place}
	slices.Sort(out.roles)
	out.roles = slices.Compact(out.roles)
	var all []Span
	for _, role := range out.roles {
		for _, s := range m.grants.roles[role] {
			all = append(all, Span{int(s.from), int(s.to)})
		}
	}
	out.spans = newSpans(all)
	m.helds = append(m.helds, out)
	return uint32(len(m.helds) - 1)
}

// freezeGroups works out, for every name that is in a group or that a binding
// names, which principals it is.
func (m *Membership) freezeGroups(groups []Group) {
	// parents of an identifier, a beginning, a group: the groups that list it.
	names, beginnings := map[string][]string{}, map[string][]string{}
	var everyoneIn []string
	for i := range groups {
		g := &groups[i]
		for _, n := range g.Names {
			names[n] = append(names[n], g.Name)
		}
		for _, b := range g.Beginnings {
			beginnings[b] = append(beginnings[b], g.Name)
		}
		if g.Everyone {
			everyoneIn = append(everyoneIn, g.Name)
		}
	}
	for name := range m.grants.names {
		names[name] = names[name]
	}
	for b := range m.grants.beginnings {
		beginnings[b] = beginnings[b]
	}
	for i := range groups {
		if name := "group/" + groups[i].Name; names[name] == nil {
			names[name] = nil
		}
	}

	shared := map[string]list{}
	// principals are those of the groups given, of all that contain these, and
	// one more.
	principals := func(in []string, own uint32, has bool) list {
		var out []uint32
		if has {
			out = append(out, own)
		}
		seen := map[string]bool{}
		for queue := slices.Clone(in); len(queue) > 0; {
			g := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			if seen[g] {
				continue
			}
			seen[g] = true
			if n, ok := m.grants.names["group/"+g]; ok {
				out = append(out, n)
			}
			queue = append(queue, names["group/"+g]...)
		}
		slices.Sort(out)
		out = slices.Compact(out)
		key := string(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(out))), 4*len(out)))
		l, ok := shared[key]
		if !ok {
			l = list{uint32(len(m.lists)), uint32(len(out))}
			m.lists = append(m.lists, out...)
			shared[strings.Clone(key)] = l
		}
		return l
	}
	for name, in := range names {
		own, has := m.grants.names[name]
		l := principals(in, own, has)
		if group, ok := strings.CutPrefix(name, "group/"); ok {
			m.groups[strings.Clone(group)] = l
		} else {
			m.names[strings.Clone(name)] = l
		}
	}
	found := map[string]list{}
	for b, in := range beginnings {
		own, has := m.grants.beginnings[b]
		found[b] = principals(in, own, has)
	}
	m.beginnings = newBeginnings(found)
	m.anyone = principals(everyoneIn, everyone, true)
}

// beginnings finds all stored beginnings of a text, as prefixTable does.
type beginnings struct {
	texts   []string
	parents []int32
	lists   []list
}

func newBeginnings(m map[string]list) (t beginnings) {
	for text := range m {
		t.texts = append(t.texts, strings.Clone(text))
	}
	slices.Sort(t.texts)
	var open []int32
	for i, text := range t.texts {
		for len(open) > 0 && !strings.HasPrefix(text, t.texts[open[len(open)-1]]) {
			open = open[:len(open)-1]
		}
		parent := int32(-1)
		if len(open) > 0 {
			parent = open[len(open)-1]
		}
		t.parents = append(t.parents, parent)
		t.lists = append(t.lists, m[text])
		open = append(open, int32(i))
	}
	return t
}

func (m *Membership) size() int64 {
	n := int64(unsafe.Sizeof(*m)) + sizeOf(m.lists) + sizeOf(m.helds) + sizeOf(m.beginnings.texts) + sizeOf(m.beginnings.parents) + sizeOf(m.beginnings.lists)
	for _, table := range []map[string]list{m.names, m.groups} {
		for name := range table {
			n += int64(len(name)) + entrySize
		}
	}
	for _, text := range m.beginnings.texts {
		n += int64(len(text))
	}
	for name, t := range m.tokens {
		n += int64(len(name)+len(t.group)+len(t.user)) + int64(unsafe.Sizeof(*t)) + entrySize
	}
	for url, rules := range m.issuers {
		n += int64(len(url)) + entrySize + sizeOf(rules)
		for i := range rules {
			n += sizeOf(rules[i].claims)
			for _, c := range rules[i].claims {
				n += int64(len(c.Path) + len(c.Program))
			}
		}
	}
	for i := range m.helds {
		n += sizeOf(m.helds[i].spans) + sizeOf(m.helds[i].roles)
	}
	return n
}
