package index

import "postern/policy"

// STUB FILE: being replaced; the API below is final.

type Policies struct{ n int }

func (p *Policies) Len() int { return p.n } // statements

type Organization struct {
	// Policies are the organization policies; nil if there is none.
	Policies *Policies
	// PoliciesUnavailable: access-policies/ is broken and was never good.
	PoliciesUnavailable bool
	// IAMUnavailable: iam/ is broken and was never good.
	IAMUnavailable bool
	// BucketsUnavailable: which buckets the organization has, or whether they
	// have policies, was never known (broken buckets.json, unlistable buckets/):
	// every bucket of the organization that SetBucket does not name is denied.
	BucketsUnavailable bool
}

type Bucket struct {
	Owner string
	// Policy is nil if the bucket has none.
	Policy *Policies
	// PolicyUnavailable: its policy file is broken and was never good.
	PolicyUnavailable bool
	// Claimants: other organizations that claim the bucket too; not empty: it denies.
	Claimants []string
}

type Snapshot struct{ generation uint64 }

func (s *Snapshot) Generation() uint64 { return s.generation }
func (s *Snapshot) Bytes() int64       { return 0 }
func (s *Snapshot) Decide(r *policy.Request, sc *Scratch) policy.Decision {
	return policy.Decision{}
}
func (s *Snapshot) Explain(r *policy.Request) policy.Explanation { return policy.Explanation{} }

// Scratch is the reusable memory of Decide; zero value ready; one goroutine at a time.
type Scratch struct{}

type Builder struct{ s Snapshot }

// NewBuilder starts from prev (nil: empty); prev is not changed, unchanged parts are shared.
func NewBuilder(prev *Snapshot) *Builder                       { return &Builder{} }
func (b *Builder) SetDefaultOrganization(org string)           {} // "" for none; effective until set again
func (b *Builder) SetOrganization(name string, o Organization) {}
func (b *Builder) RemoveOrganization(name string)              {}
func (b *Builder) SetBucket(name string, k Bucket)             {}
func (b *Builder) RemoveBucket(name string)                    {}
func (b *Builder) Freeze(generation uint64) *Snapshot          { return &Snapshot{generation: generation} }
