package index

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// maxProbe bounds how far a look-up walks. Names that would have to lie
// further away, as only names chosen for it do, go to a Go map, whose hash is
// seeded: so nobody can make a table slow (attack class 25).
const maxProbe = 16

func hash64(s string) uint64 { return xxhash.Sum64String(s) }

// blockTable finds a bucket's block in Policies: the upper half of a hash and
// the place of the block in one word. The block's name decides.
type blockTable struct {
	slots []uint64
	far   map[string]uint32
	used  []uint32 // all blocks, in byte order of their names
}

func newBlockTable(n int) blockTable {
	return blockTable{slots: make([]uint64, 1<<bits.Len(uint(max(n, 1)*2-1))), used: make([]uint32, 0, n)}
}

// add puts a block. A place is never 0, where the wide part lies.
func (t *blockTable) add(name string, at uint32) {
	t.used = append(t.used, at)
	h := hash64(name)
	mask := uint64(len(t.slots) - 1)
	for i := range uint64(maxProbe) {
		if slot := &t.slots[(h+i)&mask]; *slot == 0 {
			*slot = h&^(1<<32-1) | uint64(at)
			return
		}
	}
	if t.far == nil {
		t.far = map[string]uint32{}
	}
	t.far[name] = at
}

// bucketBlock finds the block of a bucket, by its name and hash64; nil if it
// has none.
func (p *Policies) bucketBlock(name string, h uint64) block {
	t := &p.buckets
	if len(t.slots) == 0 {
		return nil
	}
	mask := uint64(len(t.slots) - 1)
	for i := range uint64(maxProbe) {
		slot := t.slots[(h+i)&mask]
		if slot == 0 {
			return nil // where there is a gap, nothing went further
		}
		if (slot^h)>>32 == 0 {
			if b := p.block(uint32(slot)); b.name() == name {
				return b
			}
		}
	}
	if at, ok := t.far[name]; ok {
		return p.block(at)
	}
	return nil
}

func (t *blockTable) size() int64 {
	return sizeOf(t.slots) + sizeOf(t.used) + int64(len(t.far))*64
}

// shard is a frozen part of a snapshot's buckets.
type shard struct {
	slots []shardSlot
	far   map[string]*bucketEntry
	known knownShard // for searches
}

type shardSlot struct {
	hash   uint64
	bucket *bucketEntry
}

func newShard(buckets map[string]*bucketEntry) *shard {
	if len(buckets) == 0 {
		return nil
	}
	x := &shard{slots: make([]shardSlot, 1<<bits.Len(uint(len(buckets)*2-1)))}
	for name, k := range buckets {
		x.add(name, k)
	}
	return x
}

func (x *shard) add(name string, k *bucketEntry) {
	h := hash64(name)
	mask := uint64(len(x.slots) - 1)
	for i := range uint64(maxProbe) {
		if slot := &x.slots[(h+i)&mask]; slot.bucket == nil {
			*slot = shardSlot{h, k}
			return
		}
	}
	if x.far == nil {
		x.far = map[string]*bucketEntry{}
	}
	x.far[name] = k
}

// find finds a bucket by its name and hash64; nil if there is none.
func (x *shard) find(name string, h uint64) *bucketEntry {
	mask := uint64(len(x.slots) - 1)
	for i := range uint64(maxProbe) {
		slot := &x.slots[(h+i)&mask]
		if slot.bucket == nil {
			return nil
		}
		if slot.hash == h && slot.bucket.name == name {
			return slot.bucket
		}
	}
	return x.far[name]
}

// buckets lists the shard's buckets by name; nil has none.
func (x *shard) buckets() map[string]*bucketEntry {
	out := map[string]*bucketEntry{}
	if x == nil {
		return out
	}
	for i := range x.slots {
		if k := x.slots[i].bucket; k != nil {
			out[k.name] = k
		}
	}
	for name, k := range x.far {
		out[name] = k
	}
	return out
}
