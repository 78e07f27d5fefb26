package index

import (
	"maps"
	"slices"
	"unique"
	"unsafe"

	"postern/index/internal/block"
	"postern/policy"
)

// Snapshot is everything in force at one generation. It never changes after
// Freeze, and shares what did not change with the snapshot before.
type Snapshot struct {
	generation    uint64
	digest        policy.Digest
	defaultOrg    string
	platform      []string // see SetPlatformOrganizations
	organizations map[string]*organization
	// owners are the organizations by the numbers that bucketSlot.owner has.
	owners []*organization
	// shards hold the buckets, spread by a hash of the name, so that a change
	// of one among a million copies a shard and not the whole.
	shards *[shardCount]shard
	bytes  int64
}

const shardCount = 1024

// shardOf is the shard of a bucket, by hash64 of its name.
func shardOf(h uint64) int { return int(h >> 54) }

// Organization is what a snapshot knows of an organization, buckets aside.
type Organization struct {
	// Policies are the organization policies; nil if there is none.
	Policies *Policies
	// PoliciesUnavailable: access-policies/ is broken and was never good, so
	// the organization's s3: and cwobject: requests are denied.
	PoliciesUnavailable bool
	// IAM is the iam layer; nil if the organization has no iam documents.
	IAM *IAM
	// IAMUnavailable: iam/ is broken and was never good.
	IAMUnavailable bool
	// BucketsUnavailable: which buckets the organization has, or whether they
	// have policies, was never known: every bucket of it that SetBucket did not
	// name is denied.
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

// Bucket is what a snapshot knows of a bucket.
type Bucket struct {
	// Owner is the organization that it belongs to.
	Owner string
	// Policy is nil if the bucket has none.
	Policy *Policies
	// PolicyUnavailable: its policy file is broken and was never good.
	PolicyUnavailable bool
	// Claimants are other organizations that claim the bucket too; if there is
	// one, the bucket denies.
	Claimants []string
}

// bucketEntry is a Bucket, of which bucketSlot has what deciding needs first.
type bucketEntry struct {
	policy      Policies // a copy, which shares everything behind it
	name        string   // in the words of policy if there is one
	owner       string   // one text for all buckets of an organization
	number      uint32   // the owner's
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

func (e *bucketEntry) bucket() Bucket {
	k := Bucket{Owner: e.owner, PolicyUnavailable: e.unavailable, Claimants: e.claimants}
	if e.hasPolicy {
		k.Policy = &e.policy
	}
	return k
}

// Generation returns the number given to Freeze.
func (s *Snapshot) Generation() uint64 { return s.generation }

// Digest returns what SetDigest was given last: it identifies the policy files
// that the snapshot was made from (specification 3.4).
func (s *Snapshot) Digest() policy.Digest { return s.digest }

// Bytes estimates the heap that the snapshot holds, in bytes.
func (s *Snapshot) Bytes() int64 { return s.bytes }

// Organization returns what the snapshot knows of an organization. The
// Policies in it are shared: they must not be changed.
func (s *Snapshot) Organization(name string) (Organization, bool) {
	if o := s.organizations[name]; o != nil && o.set {
		return o.Organization, true
	}
	return Organization{}, false
}

// Bucket returns what the snapshot knows of a bucket. The Policies in it are
// shared: they must not be changed.
func (s *Snapshot) Bucket(name string) (Bucket, bool) {
	if e := s.bucket(name, hash64(name)); e != nil {
		return e.entry.bucket(), true
	}
	return Bucket{}, false
}

// bucket finds a bucket by its name and hash64.
func (s *Snapshot) bucket(name string, h uint64) *bucketSlot {
	return s.shards[shardOf(h)].find(name, h)
}

// Builder makes the next snapshot from the last one and what changed. It is
// used once, by one goroutine.
type Builder struct {
	next   Snapshot
	copied bool                            // next.organizations is ours
	shards map[int]map[string]*bucketEntry // shards that change
}

// NewBuilder starts from prev, which does not change; nil starts from nothing.
func NewBuilder(prev *Snapshot) *Builder {
	b := &Builder{shards: map[int]map[string]*bucketEntry{}}
	if prev == nil {
		b.next.organizations, b.copied = map[string]*organization{}, true
		b.next.shards = new([shardCount]shard)
		b.next.bytes = int64(unsafe.Sizeof(b.next) + unsafe.Sizeof(*b.next.shards))
		return b
	}
	b.next = *prev
	shards := *prev.shards
	b.next.shards = &shards
	return b
}

// SetDefaultOrganization names the organization that fills one that a caller
// or an owner does not state; "" fills nothing (specification 1.5, Owner).
func (b *Builder) SetDefaultOrganization(org string) { b.next.defaultOrg = org }

// SetDigest says which policy files the next snapshot is made from
// (specification 3.4). A builder that is not told keeps the last snapshot's.
func (b *Builder) SetDigest(d policy.Digest) { b.next.digest = d }

// SetPlatformOrganizations names the organizations whose callers pass their own
// organization's step, where it has no folder, on the way to the bucket step of
// another organization's bucket (specification 1.3). The list is kept.
func (b *Builder) SetPlatformOrganizations(orgs []string) { b.next.platform = orgs }

// SetOrganization adds or replaces an organization.
func (b *Builder) SetOrganization(name string, o Organization) {
	b.RemoveOrganization(name)
	b.put(organization{name: name, number: b.number(name), set: true, Organization: o})
	b.next.bytes += organizationSize(name, &o)
}

// RemoveOrganization removes an organization; its buckets stay until removed.
func (b *Builder) RemoveOrganization(name string) {
	if o := b.next.organizations[name]; o != nil && o.set {
		b.next.bytes -= organizationSize(name, &o.Organization)
		b.put(organization{name: name, number: o.number})
	}
}

// put puts an organization in the place of the one with its number.
func (b *Builder) put(o organization) {
	if !b.copied {
		b.next.organizations, b.next.owners, b.copied = maps.Clone(b.next.organizations), slices.Clone(b.next.owners), true
	}
	if int(o.number) == len(b.next.owners) {
		b.next.owners = append(b.next.owners, nil)
	}
	b.next.organizations[o.name], b.next.owners[o.number] = &o, &o
}

// number is the number of an organization, a new one if it has none yet. What
// was named once keeps its number, and so the few bytes that go with it.
func (b *Builder) number(name string) uint32 {
	if o := b.next.organizations[name]; o != nil {
		return o.number
	}
	o := organization{name: name, number: uint32(len(b.next.owners))}
	b.put(o)
	return o.number
}

// SetBucket adds or replaces a bucket.
func (b *Builder) SetBucket(name string, k Bucket) {
	b.RemoveBucket(name)
	e := newBucketEntry(name, &k, b.number(k.Owner))
	b.shards[shardOf(hash64(name))][name] = e
	b.next.bytes += e.size()
}

// RemoveBucket removes a bucket.
func (b *Builder) RemoveBucket(name string) {
	i := shardOf(hash64(name))
	x := b.shards[i]
	if x == nil {
		x = b.next.shards[i].buckets()
		b.shards[i] = x
	}
	if e := x[name]; e != nil {
		b.next.bytes -= e.size()
		delete(x, name)
	}
}

// Freeze returns the snapshot. The builder must not be used afterwards.
func (b *Builder) Freeze(generation uint64) *Snapshot {
	s := b.next
	s.generation = generation
	for i, buckets := range b.shards {
		s.shards[i] = newShard(buckets)
	}
	return &s
}

func organizationSize(name string, o *Organization) int64 {
	n := int64(unsafe.Sizeof(*o)) + int64(len(name)) + block.EntrySize
	if o.Policies != nil {
		n += o.Policies.Bytes()
	}
	if o.IAM != nil {
		n += o.IAM.Bytes()
	}
	return n
}

func (e *bucketEntry) size() int64 {
	return int64(unsafe.Sizeof(*e)) + int64(len(e.name)) + 2*int64(unsafe.Sizeof(bucketSlot{})) + e.policy.Bytes()
}
