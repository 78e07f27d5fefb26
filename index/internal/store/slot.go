package store

import (
	"slices"
	"unsafe"

	"postern/index/internal/block"
	"postern/index/internal/statements"
)

// Slot is what deciding has to know of a bucket, on one cache line.
type Slot struct {
	hash    uint32 // the lower half of HashBucket
	owner   uint32 // a number in Store.owners
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

func newSlot(h uint64, e *bucketEntry) Slot {
	s := Slot{hash: uint32(h), owner: e.number, entry: e, nameLen: nameLong}
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

// UnknownBucket is what is known of a bucket in no folder.
var UnknownBucket Slot

// Known reports that the bucket is in a folder.
func (s *Slot) Known() bool { return s.entry != nil }

// HasPolicy reports that the bucket has a policy.
func (s *Slot) HasPolicy() bool { return s.flags&bucketHasPolicy != 0 }

// Unavailable reports that the bucket's policy is broken and was never good.
func (s *Slot) Unavailable() bool { return s.flags&bucketUnavailable != 0 }

// Contested reports that other organizations claim the bucket too.
func (s *Slot) Contested() bool { return s.flags&bucketContested != 0 }

// ClaimedBy reports that an organization is one of those.
func (s *Slot) ClaimedBy(org string) bool {
	return s.Contested() && slices.Contains(s.entry.claimants, org)
}

// Name is the bucket's name. It lies further away than what the Slot itself holds.
func (s *Slot) Name() string { return s.entry.name }

// Owner is the organization that the bucket belongs to. Store.Owner says the same
// from what the Slot itself holds.
func (s *Slot) Owner() string { return s.entry.owner }

// Policy is the bucket's policy, if it HasPolicy.
func (s *Slot) Policy() *statements.Policies { return &s.entry.policy }

// Early reads the first word of the bucket's policy, so that its cache line can
// come before the policy is asked.
func (s *Slot) Early() uint32 {
	if s.words == nil {
		return 0
	}
	return *s.words
}

// Block is the one block of the bucket's policy. The Slot leads to it: its entry,
// one cache line more, is seldom read.
func (s *Slot) Block() block.Block { return block.At(unsafe.Slice(s.words, s.size), 0) }

// named reports whether the slot is the bucket's.
func (s *Slot) named(name string) bool {
	if s.nameLen == nameLong {
		return s.entry.name == name
	}
	return string(s.name[:min(s.nameLen, slotName)]) == name
}
