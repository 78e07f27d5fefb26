package store

import (
	"unsafe"

	"postern/index/internal/prefetch"
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

func newShard(buckets map[string]Slot) Shard {
	if len(buckets) == 0 {
		return Shard{}
	}
	x := Shard{slots: make([]Slot, 2*len(buckets)), shardRest: &shardRest{}}
	for _, s := range buckets {
		x.add(s)
	}
	return x
}

// first is where the look for a hash begins.
func (x *Shard) first(h uint64) int { return int(uint64(uint32(h)) * uint64(len(x.slots)) >> 32) }

func (x *Shard) add(b Slot) {
	at := x.first(uint64(b.hash))
	for range statements.MaxProbe {
		if s := &x.slots[at]; !s.Known() {
			*s = b
			return
		}
		if at++; at == len(x.slots) {
			at = 0
		}
	}
	if x.far == nil {
		x.far = map[string]*Slot{}
	}
	x.far[b.Name()] = &b
}

// find finds a bucket by its name and HashBucket; nil if there is none.
func (x *Shard) find(name string, h uint64) *Slot {
	if len(x.slots) == 0 {
		return nil
	}
	at := x.first(h)
	for range statements.MaxProbe {
		s := &x.slots[at]
		if !s.Known() {
			return nil // where there is a gap, nothing went further
		}
		if s.hash == uint32(h) && s.Name() == name {
			return s
		}
		if at++; at == len(x.slots) {
			at = 0
		}
	}
	return x.far[name]
}

// aheadSlot asks for where the look for a hash begins.
func (x *Shard) aheadSlot(h uint64) {
	if len(x.slots) > 0 {
		prefetch.Lines(unsafe.Pointer(&x.slots[x.first(h)]), 1)
	}
}

// aheadPolicy asks for the policy of the bucket that find would find at once, or
// nearly so.
func (x *Shard) aheadPolicy(h uint64) {
	if len(x.slots) == 0 {
		return
	}
	at := x.first(h)
	for _, s := range x.slots[at:min(at+4, len(x.slots))] {
		if s.hash == uint32(h) {
			s.Ahead()
			return
		}
		if !s.Known() {
			return
		}
	}
}

// each visits the shard's buckets until visit returns false, which it returns then.
func (x *Shard) each(visit func(*Slot) bool) bool {
	for i := range x.slots {
		if s := &x.slots[i]; s.Known() && !visit(s) {
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

// buckets copies the shard's slots, by name.
func (x *Shard) buckets() map[string]Slot {
	out := make(map[string]Slot, len(x.slots)/2)
	x.each(func(s *Slot) bool {
		out[s.Name()] = *s
		return true
	})
	return out
}
