package store

import (
	"maps"
	"slices"
	"unsafe"

	"postern/index/internal/match"
)

// Builder makes the next store from the last one and what changed. It is
// used once, by one goroutine.
type Builder struct {
	next   Store
	copied bool                    // next.organizations is ours
	shards map[int]map[string]Slot // shards that change
}

// NewBuilder starts from prev, which does not change; nil starts from nothing.
func NewBuilder(prev *Store) *Builder {
	b := &Builder{shards: map[int]map[string]Slot{}}
	if prev == nil {
		b.next.organizations, b.copied = map[string]*organization{}, true
		b.next.shards = new([ShardCount]Shard)
		b.next.bytes = int64(unsafe.Sizeof(b.next) + unsafe.Sizeof(*b.next.shards))
		return b
	}
	b.next = *prev
	shards := *prev.shards
	b.next.shards = &shards
	return b
}

// SetOrganization adds or replaces an organization.
func (b *Builder) SetOrganization(name string, o Organization) {
	b.RemoveOrganization(name)
	b.put(organization{name: name, number: b.number(name), set: true, Organization: o})
	b.next.bytes += o.size(name)
}

// RemoveOrganization removes an organization; its buckets stay until removed.
func (b *Builder) RemoveOrganization(name string) {
	if o := b.next.organizations[name]; o != nil && o.set {
		b.next.bytes -= o.size(name)
		b.put(organization{name: name, number: o.number})
	}
}

// put puts an organization in the place of the one with its number.
func (b *Builder) put(o organization) {
	if !b.copied {
		b.next.organizations, b.next.owners, b.copied = maps.Clone(b.next.organizations), slices.Clone(b.next.owners), true
	}
	if int(o.number) == len(b.next.owners) {
		b.next.owners = append(b.next.owners, nil)
	}
	b.next.organizations[o.name], b.next.owners[o.number] = &o, &o
}

// number is the number of an organization, a new one if it has none yet. What
// was named once keeps its number, and so the few bytes that go with it.
func (b *Builder) number(name string) uint32 {
	if o := b.next.organizations[name]; o != nil {
		return o.number
	}
	o := organization{name: name, number: uint32(len(b.next.owners))}
	b.put(o)
	return o.number
}

// SetBucket adds or replaces a bucket.
func (b *Builder) SetBucket(name string, k Bucket) {
	in := b.without(name)
	slot := newSlot(name, &k, b.number(k.Owner))
	in[name] = slot
	b.next.bytes += slot.bytes()
}

// RemoveBucket removes a bucket.
func (b *Builder) RemoveBucket(name string) { b.without(name) }

// without removes a bucket, and returns the buckets of its shard.
func (b *Builder) without(name string) map[string]Slot {
	i := shardOf(match.HashBucket(name))
	x := b.shards[i]
	if x == nil {
		x = b.next.shards[i].buckets()
		b.shards[i] = x
	}
	if s, ok := x[name]; ok {
		b.next.bytes -= s.bytes()
		delete(x, name)
	}
	return x
}

// SetDefaultOrganization is index.Builder's.
func (b *Builder) SetDefaultOrganization(org string) { b.next.DefaultOrganization = org }

// SetPlatformOrganizations is index.Builder's.
func (b *Builder) SetPlatformOrganizations(orgs []string) { b.next.Platform = orgs }

// Freeze returns the store. The builder must not be used afterwards.
func (b *Builder) Freeze() Store {
	for i, buckets := range b.shards {
		b.next.shards[i] = newShard(buckets)
		delete(b.shards, i) // it is not kept until all others are frozen
	}
	return b.next
}
