package index

import (
	"slices"
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/open"
	"postern/index/internal/statements"
	"postern/internal/action"
	"postern/internal/value"
)

// knownShard is what is known of a shard's buckets, by organization: the
// buckets, and apart, since there may be far more, what their policies name.
type knownShard struct {
	buckets, named open.Lazy[map[string]*statements.Names]
}

// bucketNames are the shard's buckets that an organization owns or claims, and
// those that the policies of what it owns name.
func (x *shard) bucketNames(org string) []string {
	if len(x.slots) == 0 {
		return nil
	}
	return x.namesOf(&x.known.buckets, org, func(e *bucketEntry, of func(org string) *statements.Names) {
		k := of(e.owner)
		k.Buckets = append(k.Buckets, e.name)
		if e.hasPolicy {
			k.AddBuckets(&e.policy)
		}
		for _, org := range e.claimants {
			k := of(org)
			k.Buckets = append(k.Buckets, e.name)
		}
	}).Buckets
}

// named is what the policies of the shard's buckets name that an organization
// owns; of principals, its own.
func (x *shard) named(org string) *statements.Names {
	if len(x.slots) == 0 {
		return &statements.Names{}
	}
	return x.namesOf(&x.known.named, org, func(e *bucketEntry, of func(org string) *statements.Names) {
		if e.hasPolicy {
			k := of(e.owner)
			k.Add(&e.policy, e.owner)
			k.Buckets = nil // bucketNames has them
		}
	})
}

// namesOf works out a part of what is known, which add adds of one bucket.
func (x *shard) namesOf(part *open.Lazy[map[string]*statements.Names], org string, add func(*bucketEntry, func(org string) *statements.Names)) *statements.Names {
	all := part.Get(func() map[string]*statements.Names {
		out := map[string]*statements.Names{}
		of := func(org string) *statements.Names {
			k := out[org]
			if k == nil {
				k = &statements.Names{}
				out[org] = k
			}
			return k
		}
		for _, e := range x.buckets() {
			add(e, of)
		}
		for _, k := range out {
			k.Settle()
		}
		return out
	})
	if k := (*all)[org]; k != nil {
		return k
	}
	return &statements.Names{}
}

// iamNames are what the iam documents of an organization name without wildcard.
type iamNames struct {
	// principals are `provider/name`, tokens among them; resources `type:id`;
	// actions those that the action table does not hold.
	principals, resources, actions []string
	// members holds, for each number in Grants.principals, the places in
	// principals of those that are it: from starts[n] to starts[n+1].
	members []uint32
	starts  []uint32
}

// namedList is what iam documents name without wildcard.
type namedList struct{ resources, actions []string }

// Named tells what the documents name without wildcard, for searches:
// resources as `type:id`, and actions, of which those that are equal but for
// ASCII case are one. It is called before the layer is part of a snapshot.
func (m *IAM) Named(resources, actions []string) {
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

func (m *IAM) names() *iamNames { return m.known.Get(m.listNames) }

func (m *IAM) listNames() (k iamNames) {
	add := func(name string) {
		if !strings.HasPrefix(name, "group/") {
			k.principals = append(k.principals, name)
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
	k.resources, k.actions = slices.Clone(m.named.resources), m.named.actions
	for name := range m.entities.resources {
		k.resources = append(k.resources, name)
	}
	for _, list := range []*[]string{&k.principals, &k.resources} {
		slices.Sort(*list)
		*list = slices.Clip(slices.Compact(*list))
	}
	k.listMembers(m.members)
	return k
}

func (k *iamNames) listMembers(m *Membership) {
	k.starts = make([]uint32, len(m.grants.principals)+1)
	each := func(visit func(n uint32, place int)) {
		for place, name := range k.principals {
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
