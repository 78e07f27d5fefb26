package iam

import (
	"slices"
	"strings"

	"postern/index/internal/block"
	"postern/internal/action"
	"postern/internal/value"
)

// Names are what the iam documents of an organization name without wildcard.
type Names struct {
	// Principals are `provider/name`, tokens included, Resources `type:id`, and
	// Actions those that the table of actions does not have.
	Principals, Resources, Actions []string
	// members has, for each principal by its number in Grants.principals, the
	// places in Principals of the names that are it: from starts[n] to below
	// starts[n+1].
	members []uint32
	starts  []uint32
}

// namedList is what iam documents name without wildcard.
type namedList struct{ resources, actions []string }

// Named tells what the documents name without wildcard, for searches:
// resources as `type:id`, and actions, of which those that are equal but for
// ASCII case are one. It is called before the layer is part of a snapshot.
func (m *Layer) Named(resources, actions []string) {
	settle := func(list []string) []string {
		slices.Sort(list)
		list = slices.Clip(slices.Compact(list))
		for i := range list {
			list[i] = strings.Clone(list[i])
			m.bytes += int64(len(list[i]))
		}
		m.bytes += block.SizeOf(list)
		return list
	}
	m.named.resources = settle(slices.Clone(resources))
	seen := map[string]bool{}
	actions = slices.Clone(actions)
	slices.Sort(actions)
	m.named.actions = settle(slices.DeleteFunc(actions, func(name string) bool {
		folded := value.FoldASCII(name)
		_, inTable := action.Lookup(name)
		again := seen[folded]
		seen[folded] = true
		return inTable || again
	}))
}

// Names are what the documents and the entities name without wildcard.
func (m *Layer) Names() *Names { return m.known.Get(m.listNames) }

func (m *Layer) listNames() (k Names) {
	add := func(name string) {
		if !strings.HasPrefix(name, "group/") {
			k.Principals = append(k.Principals, name)
		}
	}
	for name := range m.members.names {
		add(name)
	}
	for name, t := range m.members.tokens {
		add(name)
		if t.user != "" {
			add(t.user)
		}
	}
	for name := range m.entities.principals {
		add(name)
	}
	k.Resources, k.Actions = slices.Clone(m.named.resources), m.named.actions
	for name := range m.entities.resources {
		k.Resources = append(k.Resources, name)
	}
	for _, list := range []*[]string{&k.Principals, &k.Resources} {
		slices.Sort(*list)
		*list = slices.Clip(slices.Compact(*list))
	}
	k.listMembers(m.members)
	return k
}

func (k *Names) listMembers(m *Membership) {
	k.starts = make([]uint32, len(m.grants.principals)+1)
	each := func(visit func(n uint32, place int)) {
		for place, name := range k.Principals {
			l := m.names[name]
			for _, n := range m.lists[l.at : l.at+l.n] {
				visit(n, place)
			}
		}
	}
	each(func(n uint32, _ int) { k.starts[n+1]++ })
	for i := 1; i < len(k.starts); i++ {
		k.starts[i] += k.starts[i-1]
	}
	k.members = make([]uint32, k.starts[len(k.starts)-1])
	next := slices.Clone(k.starts)
	each(func(n uint32, place int) {
		k.members[next[n]] = uint32(place)
		next[n]++
	})
}
