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

// BucketNames are the shard's buckets that an organization owns or claims, and
// those that the policies of what it owns name.
func (x *Shard) BucketNames(org string) []string {
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

// Named is what the policies of the shard's buckets name that an organization
// owns; of principals, its own.
func (x *Shard) Named(org string) *statements.Names {
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
func (x *Shard) namesOf(part *open.Lazy[map[string]*statements.Names], org string, add func(*bucketEntry, func(org string) *statements.Names)) *statements.Names {
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
