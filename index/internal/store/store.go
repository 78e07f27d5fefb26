package store

import (
	"iter"
	"unsafe"

	"postern/index/internal/block"
	"postern/index/internal/iam"
	"postern/index/internal/match"
	"postern/index/internal/statements"
)

// Store is what a snapshot holds: organizations and buckets by name. It never
// changes once it is frozen, and shares what did not change with the one before.
type Store struct {
	// DefaultOrganization fills one that a caller or an owner does not state; ""
	// fills nothing. Platform are the organizations whose callers need no folder.
	DefaultOrganization string
	Platform            []string

	organizations map[string]*organization
	// owners are the organizations by the numbers that Slot.owner has.
	owners []*organization
	// shards hold the buckets, spread by a hash of the name, so that a change
	// of one among a million copies a shard and not the whole.
	shards *[ShardCount]Shard
	bytes  int64
}

// ShardCount is the number of the parts in which the buckets lie.
const ShardCount = 1024

// shardOf is the shard of a bucket, by HashBucket of its name.
func shardOf(h uint64) int { return int(h >> 54) }

// Organization is what a snapshot knows of an organization, buckets aside.
type Organization struct {
	// Policies are the organization policies; nil if there is none.
	Policies *statements.Policies
	// PoliciesUnavailable says that access-policies/ is broken and was never
	// good, so that the organization's s3: and cwobject: requests are denied.
	PoliciesUnavailable bool
	// IAM is the iam layer; nil if the organization has no iam documents.
	IAM *iam.Layer
	// IAMUnavailable says that iam/ is broken and was never good.
	IAMUnavailable bool
	// BucketsUnavailable says that it was never known which buckets the
	// organization has, or whether they have policies: every bucket of it that
	// SetBucket did not name is denied.
	BucketsUnavailable bool
}

// organization is an Organization, or what stands for one that is only known
// as the owner of buckets. Its number is the same in every snapshot that is built
// from this one.
type organization struct {
	name   string
	number uint32
	set    bool // by SetOrganization
	Organization
}

// unknownOrganization is what is known of one without a folder.
var unknownOrganization Organization

// Bytes estimates the heap that is held, in bytes.
func (s *Store) Bytes() int64 { return s.bytes }

// Organization returns what is known of an organization, never nil. It must not
// be changed.
func (s *Store) Organization(name string) *Organization {
	if o := s.organizations[name]; o != nil {
		return &o.Organization
	}
	return &unknownOrganization
}

// OrganizationAgain is Organization for one that is most often that of the call
// before, so that the look-up by name can be spared: last is where its number is
// kept between calls. The name decides, whichever store the number is from.
func (s *Store) OrganizationAgain(name string, last *uint32) *Organization {
	if int(*last) < len(s.owners) {
		if o := s.owners[*last]; o.name == name {
			return &o.Organization
		}
	}
	if o := s.organizations[name]; o != nil {
		*last = o.number
		return &o.Organization
	}
	return &unknownOrganization
}

// Has reports that an organization was set; one that was not may own buckets all
// the same.
func (s *Store) Has(name string) bool {
	o := s.organizations[name]
	return o != nil && o.set
}

// All goes through the organizations that were set, in no order.
func (s *Store) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		for name, o := range s.organizations {
			if o.set && !yield(name) {
				return
			}
		}
	}
}

// Bucket finds a bucket by its name and HashBucket; nil if there is none.
func (s *Store) Bucket(name string, h uint64) *Slot { return s.shards[shardOf(h)].find(name, h) }

// AheadSlot and AheadPolicy ask for what Bucket will read of a bucket, by its
// HashBucket, and then for its policy. Between the two, something else should be
// done for as long as memory takes.
func (s *Store) AheadSlot(h uint64)   { s.shards[shardOf(h)].aheadSlot(h) }
func (s *Store) AheadPolicy(h uint64) { s.shards[shardOf(h)].aheadPolicy(h) }

// Owner is the name of the organization that a bucket belongs to.
func (s *Store) Owner(b *Slot) string { return s.owners[b.owner].name }

// Buckets goes through all buckets, in no order.
func (s *Store) Buckets() iter.Seq[*Slot] {
	return func(yield func(*Slot) bool) {
		for i := range s.shards {
			if !s.shards[i].each(yield) {
				return
			}
		}
	}
}

func (o *Organization) size(name string) int64 {
	n := int64(unsafe.Sizeof(*o)) + int64(len(name)) + block.EntrySize
	if o.Policies != nil {
		n += o.Policies.Bytes()
	}
	if o.IAM != nil {
		n += o.IAM.Bytes()
	}
	return n
}

// Knows reports that the caller is no token, or one that the organization knows
// and that has not expired; one without iam layer knows none.
func (o *Organization) Knows(v *iam.Inquiry) bool {
	return !match.IsToken(v.Request) || o.IAM != nil && !o.IAMUnavailable && o.IAM.Knows(v)
}
