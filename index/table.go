package index

import (
	"unsafe"

	"github.com/cespare/xxhash/v2"

	"postern/index/internal/block"
)

// maxProbe bounds how far a look-up walks. Names that would have to lie
// further away, as only names chosen for it do, go to a Go map, whose hash is
// seeded: so nobody can make a table slow (attack class 25).
const maxProbe = 16

func hash64(s string) uint64 { return xxhash.Sum64String(s) }

// shard is a frozen part of a snapshot's buckets: slots, and what found no
// place in them. A change of a bucket copies its shard.
type shard struct {
	slots []bucketSlot
	*shardRest
}

// shardRest is what deciding seldom looks at.
type shardRest struct {
	far   map[string]*bucketSlot
	known knownShard // for searches
}

// bucketSlot is what deciding has to know of a bucket, on one cache line.
type bucketSlot struct {
	hash    uint32 // the lower half of hash64
	owner   uint32 // a number in Snapshot.owners
	nameLen uint8  // nameLong: the name is in the entry
	flags   uint8
	size    uint32       // of words
	entry   *bucketEntry // nil in an empty slot, and of a bucket that nobody knows
	words   *uint32      // the first of the bucket's policy, if it has one
	name    [slotName]byte
}

const (
	slotName = 32
	nameLong = 0xff
)

// The flags of a bucket.
const (
	bucketHasPolicy = 1 << iota
	bucketUnavailable
	bucketContested // it has claimants
)

func newBucketSlot(h uint64, e *bucketEntry) bucketSlot {
	s := bucketSlot{hash: uint32(h), owner: e.number, entry: e, nameLen: nameLong}
	if len(e.name) <= slotName {
		s.nameLen = uint8(copy(s.name[:], e.name))
	}
	if e.hasPolicy {
		words := e.policy.Words()
		s.words, s.size = &words[0], uint32(len(words))
	}
	for flag, on := range map[uint8]bool{
		bucketHasPolicy: e.hasPolicy, bucketUnavailable: e.unavailable, bucketContested: len(e.claimants) > 0,
	} {
		if on {
			s.flags |= flag
		}
	}
	return s
}

// is reports whether the bucket has a flag.
func (s *bucketSlot) is(flag uint8) bool { return s.flags&flag != 0 }

// block is the bucket policy's, which has no other.
func (s *bucketSlot) block() block.Block { return block.At(unsafe.Slice(s.words, s.size), 0) }

// named reports whether the slot is the bucket's.
func (s *bucketSlot) named(name string) bool {
	if s.nameLen == nameLong {
		return s.entry.name == name
	}
	return string(s.name[:min(s.nameLen, slotName)]) == name
}

func newShard(buckets map[string]*bucketEntry) shard {
	if len(buckets) == 0 {
		return shard{}
	}
	x := shard{slots: make([]bucketSlot, 2*len(buckets)), shardRest: &shardRest{}}
	for name, k := range buckets {
		x.add(name, k)
	}
	return x
}

// first is where the look for a hash begins.
func (x *shard) first(h uint64) int { return int(uint64(uint32(h)) * uint64(len(x.slots)) >> 32) }

func (x *shard) add(name string, k *bucketEntry) {
	h := hash64(name)
	slot := newBucketSlot(h, k)
	at := x.first(h)
	for range maxProbe {
		if s := &x.slots[at]; s.entry == nil {
			*s = slot
			return
		}
		if at++; at == len(x.slots) {
			at = 0
		}
	}
	if x.far == nil {
		x.far = map[string]*bucketSlot{}
	}
	x.far[name] = &slot
}

// find finds a bucket by its name and hash64; nil if there is none.
func (x *shard) find(name string, h uint64) *bucketSlot {
	if len(x.slots) == 0 {
		return nil
	}
	at := x.first(h)
	for range maxProbe {
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

// buckets lists the shard's buckets by name.
func (x *shard) buckets() map[string]*bucketEntry {
	out := map[string]*bucketEntry{}
	for i := range x.slots {
		if k := x.slots[i].entry; k != nil {
			out[k.name] = k
		}
	}
	if x.shardRest != nil {
		for name, s := range x.far {
			out[name] = s.entry
		}
	}
	return out
}
