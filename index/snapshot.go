package index

import (
	"postern/index/internal/match"
	"postern/index/internal/store"
	"postern/policy"
)

// Snapshot is everything in force at one generation. It never changes after
// Freeze, and shares what did not change with the snapshot before.
type Snapshot struct {
	generation uint64
	digest     policy.Digest
	store      store.Store
}

// Organization is what a snapshot knows of an organization, buckets aside.
type Organization = store.Organization

// Bucket is what a snapshot knows of a bucket.
type Bucket = store.Bucket

// Generation returns the number given to Freeze.
func (s *Snapshot) Generation() uint64 { return s.generation }

// Digest returns what SetDigest was given last: it identifies the policy files
// that the snapshot was made from (specification 3.4).
func (s *Snapshot) Digest() policy.Digest { return s.digest }

// Bytes estimates the heap that the snapshot holds, in bytes.
func (s *Snapshot) Bytes() int64 { return s.store.Bytes() }

// Organization returns what the snapshot knows of an organization. The
// Policies in it are shared: they must not be changed.
func (s *Snapshot) Organization(name string) (Organization, bool) {
	if !s.store.Has(name) {
		return Organization{}, false
	}
	return *s.store.Organization(name), true
}

// Bucket returns what the snapshot knows of a bucket. The Policies in it are
// shared: they must not be changed.
func (s *Snapshot) Bucket(name string) (Bucket, bool) {
	if b := s.store.Bucket(name, match.HashBucket(name)); b != nil {
		return s.store.BucketIn(b), true
	}
	return Bucket{}, false
}

// Builder makes the next snapshot from the last one and what changed. It is
// used once, by one goroutine.
type Builder struct {
	next   *store.Builder
	digest policy.Digest
}

// NewBuilder starts from prev, which does not change; nil starts from nothing.
func NewBuilder(prev *Snapshot) *Builder {
	if prev == nil {
		return &Builder{next: store.NewBuilder(nil)}
	}
	return &Builder{next: store.NewBuilder(&prev.store), digest: prev.digest}
}

// SetDefaultOrganization names the organization that fills one that a caller
// or an owner does not state; "" fills nothing (specification 1.5, Owner).
func (b *Builder) SetDefaultOrganization(org string) { b.next.SetDefaultOrganization(org) }

// SetDigest says which policy files the next snapshot is made from
// (specification 3.4). A builder that is not told keeps the last snapshot's.
func (b *Builder) SetDigest(d policy.Digest) { b.digest = d }

// SetPlatformOrganizations names the organizations whose callers pass their own
// organization's step, where it has no folder, on the way to the bucket step of
// another organization's bucket (specification 1.3). The list is kept.
func (b *Builder) SetPlatformOrganizations(orgs []string) { b.next.SetPlatformOrganizations(orgs) }

// SetOrganization adds or replaces an organization.
func (b *Builder) SetOrganization(name string, o Organization) { b.next.SetOrganization(name, o) }

// RemoveOrganization removes an organization; its buckets stay until removed.
func (b *Builder) RemoveOrganization(name string) { b.next.RemoveOrganization(name) }

// SetBucket adds or replaces a bucket.
func (b *Builder) SetBucket(name string, k Bucket) { b.next.SetBucket(name, k) }

// RemoveBucket removes a bucket.
func (b *Builder) RemoveBucket(name string) { b.next.RemoveBucket(name) }

// Freeze returns the snapshot. The builder must not be used afterwards.
func (b *Builder) Freeze(generation uint64) *Snapshot {
	return &Snapshot{generation: generation, digest: b.digest, store: b.next.Freeze()}
}
