package store

import (
	"slices"
	"strings"
	"unsafe"

	"postern/index/internal/block"
	"postern/index/internal/match"
	"postern/index/internal/prefetch"
	"postern/index/internal/statements"
)

// Slot is what deciding has to know of a bucket, on one cache line. Of nearly all
// buckets it is all that there is to know, their policies aside.
type Slot struct {
	hash    uint32 // the lower half of HashBucket
	owner   uint32 // a number in Store.owners
	nameLen uint8
	flags   uint8
	size    uint32         // of words
	behind  unsafe.Pointer // with bucketHasMore to a bucketMore, else to the bucket's policy, if it has one
	words   *uint32        // the first of the bucket's policy, if it has one
	name    [slotName]byte // unless the bucketMore has it
}

const slotName = 32

// The flags of a bucket.
const (
	bucketKnown = 1 << iota // the slot has a bucket
	bucketHasPolicy
	bucketUnavailable
	bucketContested // it has claimants
	bucketHasMore
)

// newSlot returns the slot of a bucket whose owner has a number in Store.owners.
func newSlot(name string, k *Bucket, owner uint32) Slot {
	s := Slot{hash: uint32(match.HashBucket(name)), owner: owner, flags: bucketKnown, behind: unsafe.Pointer(k.Policy)}
	if k.Policy != nil {
		words := k.Policy.Words()
		s.words, s.size = &words[0], uint32(len(words))
		s.flags |= bucketHasPolicy
	}
	if k.PolicyUnavailable {
		s.flags |= bucketUnavailable
	}
	if len(k.Claimants) > 0 {
		s.flags |= bucketContested
	}
	if len(k.Claimants) > 0 || len(name) > slotName {
		s.flags |= bucketHasMore
		s.behind = unsafe.Pointer(&bucketMore{k.Policy, strings.Clone(name), k.Claimants})
		return s
	}
	s.nameLen = uint8(copy(s.name[:], name))
	return s
}

// UnknownBucket is what is known of a bucket in no folder.
var UnknownBucket Slot

// Known reports that the bucket is in a folder.
func (s *Slot) Known() bool { return s.flags&bucketKnown != 0 }

// more is what the slot has no room for; nil if there is nothing.
func (s *Slot) more() *bucketMore {
	if s.flags&bucketHasMore == 0 {
		return nil
	}
	return (*bucketMore)(s.behind)
}

// HasPolicy reports that the bucket has a policy.
func (s *Slot) HasPolicy() bool { return s.flags&bucketHasPolicy != 0 }

// Unavailable reports that the bucket's policy is broken and was never good.
func (s *Slot) Unavailable() bool { return s.flags&bucketUnavailable != 0 }

// Contested reports that other organizations claim the bucket too.
func (s *Slot) Contested() bool { return s.flags&bucketContested != 0 }

// ClaimedBy reports that an organization is one of those.
func (s *Slot) ClaimedBy(org string) bool {
	return s.Contested() && slices.Contains(s.more().claimants, org)
}

// Name is the bucket's name. It may alias the slot, which it keeps.
func (s *Slot) Name() string {
	if m := s.more(); m != nil {
		return m.name
	}
	return unsafe.String(&s.name[0], s.nameLen)
}

// Policy is the bucket's policy, nil if it has none.
func (s *Slot) Policy() *statements.Policies {
	if m := s.more(); m != nil {
		return m.policy
	}
	return (*statements.Policies)(s.behind)
}

// mostLines is how many cache lines of a policy Ahead asks for: most policies have
// no more that deciding reads.
const mostLines = 8

// Ahead asks for the bucket's policy, so that it comes before it is asked.
func (s *Slot) Ahead() {
	if s.words != nil {
		prefetch.Lines(unsafe.Pointer(s.words), min(int(s.size+block.LineWords-1)/block.LineWords, mostLines))
	}
}

// Block is the one block of the bucket's policy, to which the Slot leads.
func (s *Slot) Block() block.Block { return block.At(unsafe.Slice(s.words, s.size), 0) }

// bytes estimates the heap that the bucket takes, in bytes: its slot, and one that
// is empty beside it.
func (s *Slot) bytes() int64 {
	n := 2 * int64(unsafe.Sizeof(*s))
	if p := s.Policy(); p != nil {
		n += p.Bytes()
	}
	if m := s.more(); m != nil {
		n += int64(unsafe.Sizeof(*m)) + int64(len(m.name))
	}
	return n
}
