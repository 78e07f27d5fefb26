package iam

import (
	"slices"
	"strings"
	"unsafe"

	"postern/index/internal/block"
	"postern/index/internal/match"
	"postern/index/lowered"
	"postern/policy"
)

// Membership tells which principals of bindings a caller is, and what it holds
// without a binding. It is built against one Grants, and refers to its numbers:
// a new member or token makes a new Membership and leaves the Grants as they
// are (specification 2, groups and tokens). It is immutable.
type Membership struct {
	grants *Grants
	// names has the principals that an identifier or token is: itself, and its
	// groups transitively. groups has those of a stated group, by NAME.
	names, groups map[string]list
	prefixes      match.Prefixes[list]
	// anyone are the principals that every caller is.
	anyone list
	lists  []uint32

	tokens  map[string]*iamToken
	issuers map[string][]issuerRule // by URL
	// helds are all that is held without a binding. The first of them are the
	// defaults.
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
	held        uint32 // its number in helds
	group, user string
	expires     int64
	hasExpires  bool
}

type issuerRule struct {
	deny   bool
	claims []lowered.Claim
	held   uint32
}

// alive reports whether the token has not expired (specification 2, tokens:
// from `expires` on it is nobody).
func (t *iamToken) alive(now int64) bool { return !t.hasExpires || now < t.expires }

// NewMembership freezes groups, tokens, issuers and defaults.
func NewMembership(g *Grants, in *lowered.MemberList) *Membership {
	m := &Membership{grants: g, tokens: map[string]*iamToken{}, issuers: map[string][]issuerRule{}}
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

// hold adds what is held without a binding, and returns its number.
func (m *Membership) hold(h lowered.Held) uint32 {
	out := held{roles: slices.Clone(h.Roles), place: h.Place}
	slices.Sort(out.roles)
	out.roles = slices.Compact(out.roles)
	var all []lowered.Span
	for _, role := range out.roles {
		for _, s := range m.grants.roles[role] {
			all = append(all, lowered.Span{From: int(s.from), To: int(s.to)})
		}
	}
	out.spans = newSpans(all)
	m.helds = append(m.helds, out)
	return uint32(len(m.helds) - 1)
}

// freezeGroups works out which principals every name is that is in a group or
// that a binding names.
func (m *Membership) freezeGroups(groups []lowered.Group) {
	f := groupFreezer{m: m, numbers: map[string]int{}, shared: map[string]list{}}
	for name := range m.grants.names {
		if group, ok := strings.CutPrefix(name, "group/"); ok {
			f.group(group)
		}
	}
	var names, prefixes []listed
	var everyoneIn []int
	for i := range groups {
		g := &groups[i]
		n := f.group(g.Name)
		for _, name := range g.Names {
			if inner, ok := strings.CutPrefix(name, "group/"); ok {
				k := f.group(inner)
				f.parents[k] = append(f.parents[k], n)
			} else {
				names = append(names, listed{name, n})
			}
		}
		for _, b := range g.Prefixes {
			prefixes = append(prefixes, listed{b, n})
		}
		if g.Everyone {
			everyoneIn = append(everyoneIn, n)
		}
	}
	for name := range m.grants.names {
		if !strings.HasPrefix(name, "group/") {
			names = append(names, listed{name, itself})
		}
	}
	for b := range m.grants.prefixes {
		prefixes = append(prefixes, listed{b, itself})
	}

	m.groups = make(map[string]list, len(f.numbers))
	for name, n := range f.numbers {
		m.groups[strings.Clone(name)] = f.list(f.closure(n))
	}
	m.names = f.collect(names, m.grants.names)
	m.prefixes = match.NewPrefixes(f.collect(prefixes, m.grants.prefixes))
	anyone := []uint32{everyone}
	for _, n := range everyoneIn {
		anyone = append(anyone, f.closure(n)...)
	}
	m.anyone = f.list(anyone)
}

// listed is a name with the number of a group that lists it, or of itself, if a
// binding names it.
type listed struct {
	name  string
	group int
}

const itself = -1

// groupFreezer is the memory that freezeGroups needs while it works.
type groupFreezer struct {
	m       *Membership
	numbers map[string]int // the numbers of groups
	parents [][]int        // the groups that list a group
	// closures are, once they are worked out, the principals that the members
	// of a group are: the group, and all groups that contain it.
	closures [][]uint32
	shared   map[string]list
}

func (f *groupFreezer) group(name string) int {
	n, ok := f.numbers[name]
	if !ok {
		n = len(f.parents)
		f.numbers[name] = n
		f.parents, f.closures = append(f.parents, nil), append(f.closures, nil)
		if own, ok := f.m.grants.names["group/"+name]; ok {
			f.closures[n] = []uint32{own}
		}
	}
	return n
}

// closure returns the principals that the members of a group are. The parents
// of a group are dropped while it is worked out, which ends cycles.
func (f *groupFreezer) closure(n int) []uint32 {
	parents := f.parents[n]
	f.parents[n] = nil
	for _, p := range parents {
		f.closures[n] = append(f.closures[n], f.closure(p)...)
	}
	if len(parents) > 0 {
		slices.Sort(f.closures[n])
		f.closures[n] = slices.Compact(f.closures[n])
	}
	return f.closures[n]
}

// list returns the place of principals in Membership.lists; equal lists have
// one place.
func (f *groupFreezer) list(principals []uint32) list {
	slices.Sort(principals)
	principals = slices.Compact(principals)
	key := unsafe.String((*byte)(unsafe.Pointer(unsafe.SliceData(principals))), 4*len(principals))
	l, ok := f.shared[key]
	if !ok {
		l = list{uint32(len(f.m.lists)), uint32(len(principals))}
		f.m.lists = append(f.m.lists, principals...)
		f.shared[strings.Clone(key)] = l
	}
	return l
}

// collect returns the principals of each name. own has the numbers of the names
// that bindings name.
func (f *groupFreezer) collect(all []listed, own map[string]uint32) map[string]list {
	slices.SortFunc(all, func(a, b listed) int { return strings.Compare(a.name, b.name) })
	out := make(map[string]list, len(all))
	var principals []uint32
	for len(all) > 0 {
		name := all[0].name
		principals = principals[:0]
		for len(all) > 0 && all[0].name == name {
			if n := all[0].group; n == itself {
				principals = append(principals, own[name])
			} else {
				principals = append(principals, f.closure(n)...)
			}
			all = all[1:]
		}
		out[strings.Clone(name)] = f.list(principals) // even if it is none, as searches know the name
	}
	return out
}

func (m *Membership) size() int64 {
	n := int64(unsafe.Sizeof(*m)) + block.SizeOf(m.lists) + block.SizeOf(m.helds) + m.prefixes.Size()
	for _, table := range []map[string]list{m.names, m.groups} {
		for name := range table {
			n += int64(len(name)) + block.EntrySize
		}
	}
	for name, t := range m.tokens {
		n += int64(len(name)+len(t.group)+len(t.user)) + int64(unsafe.Sizeof(*t)) + block.EntrySize
	}
	for url, rules := range m.issuers {
		n += int64(len(url)) + block.EntrySize + block.SizeOf(rules)
		for i := range rules {
			n += block.SizeOf(rules[i].claims)
			for _, c := range rules[i].claims {
				n += int64(len(c.Path) + len(c.Program))
			}
		}
	}
	for i := range m.helds {
		n += block.SizeOf(m.helds[i].spans) + block.SizeOf(m.helds[i].roles)
	}
	return n
}
