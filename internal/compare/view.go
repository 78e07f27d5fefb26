package compare

import (
	"slices"

	"postern/internal/action"
	"postern/policy"
)

// A step is a layer of a decision: it lets a request pass if none of its Denies
// holds, for any of the actions at hand, and one of its Allows does for each of
// them; free needs no Allow (specification 1.3).
type step struct {
	allows, denies []*clause
	free           bool
}

// A view is what a side decides in a scenario: the steps that all have to let the
// request pass. never says that no request of the scenario is allowed.
type view struct {
	*scenario // whose owner is the one that the side knows
	steps     []step
	never     bool
}

// The places of steps in a view.
const (
	ownStep    = 0  // of the caller's organization
	ownerStep  = 1  // of the owner's, for callers of other organizations
	bucketStep = -1 // of the bucket's policy: the last
)

// view is the side's view of a scenario.
func (s *side) view(sc *scenario) view {
	v := view{scenario: sc}
	v.steps, v.never = s.decides(&v.scenario)
	return v
}

func (s *side) decides(of **scenario) (steps []step, never bool) {
	sc := *of
	if sc.blank && s.DefaultOrganization != sc.caller {
		return nil, true // anonymous: there is no other default
	}
	class := sc.action.class
	own := s.organizationStep(sc.caller)
	if sc.kind == policy.ResourceOrganization {
		return []step{own}, false
	}
	owner := sc.owner
	bucket, listed := s.Buckets[sc.bucket]
	switch {
	case listed && sc.statesOwner && owner != bucket.Owner:
		return nil, true // owner_mismatch, or several claim it
	case listed:
		if owner = bucket.Owner; len(bucket.Claimants) > 0 && class != action.CreateBucket {
			return nil, true
		}
	case !sc.statesOwner:
		owner = s.DefaultOrganization
	}
	sc = sc.ownedBy(owner)
	*of = sc
	switch class {
	case action.CreateBucket:
		return []step{own}, listed && (owner != sc.caller || len(bucket.Claimants) > 0)
	case action.PutBucketPolicy:
		return []step{own}, owner != sc.caller
	}
	if owner == "" {
		return nil, true
	}
	if owner == sc.caller {
		return []step{own, s.bucketStep(sc.bucket, owner)}, false
	}
	if class == action.BucketPolicy || !listed || !bucket.HasPolicy {
		return nil, true
	}
	if s.passesByItself(sc.caller) {
		own = step{free: true}
	}
	var owners step
	owners.free = true
	for _, c := range s.organizationClauses(owner) {
		if c.Effect == policy.EffectDeny && slices.ContainsFunc(c.Principals, func(p policy.PrincipalPattern) bool { return p.Kind == policy.PrincipalEveryone }) {
			owners.denies = append(owners.denies, c)
		}
	}
	return []step{own, owners, s.bucketStep(sc.bucket, owner)}, false
}

func (s *side) organizationStep(org string) step {
	if st, ok := s.steps[org]; ok {
		return st
	}
	st := split(s.organizationClauses(org))
	s.steps[org] = st
	return st
}

func (s *side) bucketStep(name, owner string) step { return split(s.bucketClauses(name, owner)) }

func split(clauses []*clause) (s step) {
	for _, c := range clauses {
		if c.Effect == policy.EffectDeny {
			s.denies = append(s.denies, c)
		} else {
			s.allows = append(s.allows, c)
		}
	}
	return s
}

// passesByItself reports that the own step of an organization's callers counts
// as an Allow on the way to other organizations' buckets: it is a platform
// organization without folder.
func (s *side) passesByItself(org string) bool {
	return s.Organizations[org] == nil && slices.Contains(s.PlatformOrganizations, org)
}

// ownedBy is the scenario with another owner.
func (sc *scenario) ownedBy(owner string) *scenario {
	if sc.owner == owner {
		return sc
	}
	out := *sc
	out.owner = owner
	return &out
}
