package store

import (
	"postern/index/internal/open"
	"postern/index/internal/statements"
)

// knownShard is what is known of a shard's buckets, by organization: the
// buckets, and apart, since there may be far more, what their policies name.
type knownShard struct {
	buckets, named open.Lazy[map[string]*statements.Names]
}

// BucketNames are the buckets of a shard that an organization owns or claims, and
// those that the policies of what it owns name.
func (s *Store) BucketNames(shard int, org string) []string {
	x := &s.shards[shard]
	if len(x.slots) == 0 {
		return nil
	}
	return x.namesOf(&x.known.buckets, org, func(b *Slot, of func(org string) *statements.Names) {
		k := of(s.Owner(b))
		k.Buckets = append(k.Buckets, b.Name())
		if b.HasPolicy() {
			k.AddBuckets(b.Policy())
		}
		if m := b.more(); m != nil {
			for _, org := range m.claimants {
				k := of(org)
				k.Buckets = append(k.Buckets, b.Name())
			}
		}
	}).Buckets
}

// Named is what the policies of those buckets of a shard name that an organization
// owns; of principals, its own.
func (s *Store) Named(shard int, org string) *statements.Names {
	x := &s.shards[shard]
	if len(x.slots) == 0 {
		return &statements.Names{}
	}
	return x.namesOf(&x.known.named, org, func(b *Slot, of func(org string) *statements.Names) {
		if b.HasPolicy() {
			owner := s.Owner(b)
			k := of(owner)
			k.Add(b.Policy(), owner)
			k.Buckets = nil // BucketNames has them
		}
	})
}

// namesOf works out a part of what is known, which add adds of one bucket. Owners
// have the same numbers in every store that shares the shard.
func (x *Shard) namesOf(part *open.Lazy[map[string]*statements.Names], org string, add func(*Slot, func(org string) *statements.Names)) *statements.Names {
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
		x.each(func(b *Slot) bool {
			add(b, of)
			return true
		})
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
