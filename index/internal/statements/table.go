package statements

import (
	"math/bits"

	"postern/index/internal/block"
	"postern/index/internal/match"
)

// MaxProbe is how many slots a look-up walks at most. Names that would lie
// further away, as only names that are chosen for it do, go to a Go map, whose
// hash is seeded. So nobody can make a table slow (attack class 25).
const MaxProbe = 16

// blockTable finds a bucket's block. A slot has the upper half of the hash of a
// bucket's name, and the place of its block. The name in the block decides.
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
	h := match.HashBucket(name)
	mask := uint64(len(t.slots) - 1)
	for i := range uint64(MaxProbe) {
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

// bucketBlock finds the block of a bucket by its name and its HashBucket. It
// returns the zero Block if there is none.
func (p *Policies) bucketBlock(name string, h uint64) block.Block {
	t := &p.buckets
	if len(t.slots) == 0 {
		return block.Block{}
	}
	mask := uint64(len(t.slots) - 1)
	for i := range uint64(MaxProbe) {
		slot := t.slots[(h+i)&mask]
		if slot == 0 {
			return block.Block{} // where there is a gap, nothing went further
		}
		if (slot^h)>>32 == 0 {
			if b := p.block(uint32(slot)); b.Name() == name {
				return b
			}
		}
	}
	if at, ok := t.far[name]; ok {
		return p.block(at)
	}
	return block.Block{}
}

func (t *blockTable) size() int64 {
	return block.SizeOf(t.slots) + block.SizeOf(t.used) + int64(len(t.far))*64
}

// placeTable finds places by hash. Different names can have one hash, so that
// the name at the place has to be compared.
type placeTable struct {
	slots []uint64 // the hash above the place, which is never 0
	far   map[uint32]uint32
}

func newPlaceTable(places map[uint32]uint32) *placeTable {
	t := &placeTable{slots: make([]uint64, 1<<bits.Len(uint(2*len(places))))}
	mask := uint32(len(t.slots) - 1)
next:
	for hash, place := range places {
		for i := range uint32(MaxProbe) {
			if s := &t.slots[(hash+i)&mask]; *s == 0 {
				*s = uint64(hash)<<32 | uint64(place)
				continue next
			}
		}
		if t.far == nil {
			t.far = map[uint32]uint32{}
		}
		t.far[hash] = place
	}
	return t
}

// find returns a place, 0 if there is none.
func (t *placeTable) find(hash uint32) uint32 {
	mask := uint32(len(t.slots) - 1)
	for i := range uint32(MaxProbe) {
		s := t.slots[(hash+i)&mask]
		if s == 0 || uint32(s>>32) == hash {
			return uint32(s) // where there is a gap, nothing went further
		}
	}
	return t.far[hash]
}
