package store

import (
	"postern/index/internal/match"
	"postern/index/internal/statements"
)

// Shard is a frozen part of a snapshot's buckets: slots, and what found no
// place in them. A change of a bucket copies its shard.
type Shard struct {
	slots []Slot
	*shardRest
}

// shardRest is what deciding seldom looks at.
type shardRest struct {
	far   map[string]*Slot
	known knownShard // for searches
}

func newShard(buckets map[string]*bucketEntry) Shard {
	if len(buckets) == 0 {
		return Shard{}
	}
	x := Shard{slots: make([]Slot, 2*len(buckets)), shardRest: &shardRest{}}
	for name, k := range buckets {
		x.add(name, k)
	}
	return x
}

// first is where the look for a hash begins.
func (x *Shard) first(h uint64) int { return int(uint64(uint32(h)) * uint64(len(x.slots)) >> 32) }

func (x *Shard) add(name string, k *bucketEntry) {
	h := match.HashBucket(name)
	slot := newSlot(h, k)
	at := x.first(h)
	for range statements.MaxProbe {
		if s := &x.slots[at]; s.entry == nil {
			*s = slot
			return
		}
		if at++; at == len(x.slots) {
			at = 0
		}
	}
	if x.far == nil {
		x.far = map[string]*Slot{}
	}
	x.far[name] = &slot
}

// find finds a bucket by its name and HashBucket; nil if there is none.
func (x *Shard) find(name string, h uint64) *Slot {
	if len(x.slots) == 0 {
		return nil
	}
	at := x.first(h)
	for range statements.MaxProbe {
		s := &x.slots[at]
		if s.entry == nil {
			return nil // where there is a gap, nothing went further
		}
		if s.hash == uint32(h) && s.named(name) {
			return s
		}
		if at++; at == len(x.slots) {
			at = 0
		}
	}
	return x.far[name]
}

// each visits the shard's buckets until visit returns false, which it returns then.
func (x *Shard) each(visit func(*Slot) bool) bool {
	for i := range x.slots {
		if s := &x.slots[i]; s.entry != nil && !visit(s) {
			return false
		}
	}
	if x.shardRest != nil {
		for _, s := range x.far {
			if !visit(s) {
				return false
			}
		}
	}
	return true
}

// buckets lists the shard's buckets by name.
func (x *Shard) buckets() map[string]*bucketEntry {
	out := map[string]*bucketEntry{}
	x.each(func(s *Slot) bool {
		out[s.entry.name] = s.entry
		return true
	})
	return out
}
