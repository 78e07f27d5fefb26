package store

import "postern/index/internal/statements"

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

// bucketMore is what a Slot has no room for, of the few buckets that need it:
// those that other organizations claim too, and those with a long name.
type bucketMore struct {
	policy    *statements.Policies
	name      string
	claimants []string
}

// BucketIn is what is known of the bucket in a slot.
func (s *Store) BucketIn(b *Slot) Bucket {
	k := Bucket{Owner: s.Owner(b), Policy: b.Policy(), PolicyUnavailable: b.Unavailable()}
	if m := b.more(); m != nil {
		k.Claimants = m.claimants
	}
	return k
}
