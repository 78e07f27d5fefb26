package store

import (
	"unique"

	"postern/index/internal/statements"
)

// Bucket is what a snapshot knows of a bucket.
type Bucket struct {
	// Owner is the organization that it belongs to.
	Owner string
	// Policy is nil if the bucket has none.
	Policy *statements.Policies
	// PolicyUnavailable says that its policy file is broken and was never good.
	PolicyUnavailable bool
	// Claimants are other organizations that claim the bucket too; if there is
	// one, the bucket denies.
	Claimants []string
}

// bucketEntry is a Bucket, of which Slot has what deciding needs first.
type bucketEntry struct {
	policy      statements.Policies // a copy, which shares everything behind it
	name        string              // in the words of policy if there is one
	owner       string              // one text for all buckets of an organization
	number      uint32              // the owner's
	claimants   []string
	unavailable bool
	hasPolicy   bool
}

func newBucketEntry(name string, k *Bucket, owner uint32) *bucketEntry {
	e := &bucketEntry{
		name:        name,
		owner:       unique.Make(k.Owner).Value(),
		number:      owner,
		unavailable: k.PolicyUnavailable,
		claimants:   k.Claimants,
	}
	if k.Policy != nil {
		e.hasPolicy, e.policy = true, *k.Policy
		if in := e.policy.Block().Name(); in == name {
			e.name = in
		}
	}
	return e
}

// Bucket is what is known of the bucket.
func (s *Slot) Bucket() Bucket {
	e := s.entry
	k := Bucket{Owner: e.owner, PolicyUnavailable: e.unavailable, Claimants: e.claimants}
	if e.hasPolicy {
		k.Policy = &e.policy
	}
	return k
}
