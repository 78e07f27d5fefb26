package index

import (
	"slices"
	"strings"
	"sync"

	"postern/index/internal/block"
	"postern/internal/action"
	"postern/internal/value"
)

// lazy is worked out when it is first asked for, which only searches do, and
// kept with the part of the snapshot that it is about: so it is worked out
// again for what changed, and no more. It is not counted in Snapshot.Bytes.
type lazy[T any] struct {
	once  sync.Once
	value T
}

func (l *lazy[T]) get(work func() T) *T {
	l.once.Do(func() { l.value = work() })
	return &l.value
}

// knownNames are what the files of one organization name without wildcard,
// each list sorted and without duplicates: buckets, `BUCKET/KEY`, and
// `provider/name`.
type knownNames struct{ buckets, objects, principals []string }

func (k *knownNames) settle() {
	for _, list := range []*[]string{&k.buckets, &k.objects, &k.principals} {
		slices.Sort(*list)
		*list = slices.Clip(slices.Compact(*list))
	}
}

// addBlock adds what the statements of a block name; principals only those of
// the organization org, or those that are of none.
func (k *knownNames) addBlock(b block.Block, org string) {
	for id := range b.Count() {
		r := b.Record(id)
		k.principals = appendNames(k.principals, b, r, org)
		k.objects = appendTexts(k.objects, b, r, true)
		k.buckets = appendTexts(k.buckets, b, r, false)
	}
}

// appendTexts appends the objects, or the buckets, that a statement names.
func appendTexts(list []string, b block.Block, r block.Record, objects bool) []string {
	w := b.What(r)
	for i := range w.Exact {
		if text := b.Pattern(w, i); strings.IndexByte(text, '/') >= 0 == objects {
			list = append(list, text)
		}
	}
	return list
}

// appendNames appends the identifiers of org, or of no organization, that a
// statement names.
func appendNames(list []string, b block.Block, r block.Record, org string) []string {
	w := b.Who(r)
	for i := range w.Exact {
		if text, in := b.Identifier(w, i); in == "" || in == org {
			list = append(list, text)
		}
	}
	return list
}

// names are what organization policies name.
func (p *Policies) names() *knownNames {
	if p == nil || p.known == nil {
		return &knownNames{}
	}
	return p.known.get(func() (k knownNames) {
		k.addBlock(block.At(p.words, 0), "")
		for _, at := range p.buckets.used {
			b := p.block(at)
			k.buckets = append(k.buckets, b.Name())
			k.addBlock(b, "")
		}
		k.settle()
		return k
	})
}

// knownShard is what is known of a shard's buckets, by organization: the
// buckets, and apart, since there may be far more, what their policies name.
type knownShard struct{ buckets, named lazy[map[string]*knownNames] }

// bucketNames are the shard's buckets that an organization owns or claims, and
// those that the policies of what it owns name.
func (x *shard) bucketNames(org string) []string {
	if len(x.slots) == 0 {
		return nil
	}
	return x.namesOf(&x.known.buckets, org, func(e *bucketEntry, of func(org string) *knownNames) {
		k := of(e.owner)
		k.buckets = append(k.buckets, e.name)
		if b := block.At(e.policy.words, 0); e.hasPolicy {
			for id := range b.Count() {
				r := b.Record(id)
				k.buckets = appendTexts(k.buckets, b, r, false)
			}
		}
		for _, org := range e.claimants {
			k := of(org)
			k.buckets = append(k.buckets, e.name)
		}
	}).buckets
}

// named is what the policies of the shard's buckets name that an organization
// owns; of principals, its own.
func (x *shard) named(org string) *knownNames {
	if len(x.slots) == 0 {
		return &knownNames{}
	}
	return x.namesOf(&x.known.named, org, func(e *bucketEntry, of func(org string) *knownNames) {
		if e.hasPolicy {
			k := of(e.owner)
			k.addBlock(block.At(e.policy.words, 0), e.owner)
			k.buckets = nil // bucketNames has them
		}
	})
}

// namesOf works out a part of what is known, which add adds of one bucket.
func (x *shard) namesOf(part *lazy[map[string]*knownNames], org string, add func(*bucketEntry, func(org string) *knownNames)) *knownNames {
	all := part.get(func() map[string]*knownNames {
		out := map[string]*knownNames{}
		of := func(org string) *knownNames {
			k := out[org]
			if k == nil {
				k = &knownNames{}
				out[org] = k
			}
			return k
		}
		for _, e := range x.buckets() {
			add(e, of)
		}
		for _, k := range out {
			k.settle()
		}
		return out
	})
	if k := (*all)[org]; k != nil {
		return k
	}
	return &knownNames{}
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

func (m *IAM) names() *iamNames { return m.known.get(m.listNames) }

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
