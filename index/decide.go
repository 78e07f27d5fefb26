package index

import (
	"slices"

	"postern/index/internal/glob"
	"postern/index/internal/match"
	"postern/index/internal/store"
	"postern/internal/action"
	"postern/policy"
)

// Budget is what a decision may cost, in steps (specification 1.6); what passes
// it is a denial, policy.TooCostly.
const Budget = glob.Budget

// Decide answers a request (specification 1.3). It allocates nothing once sc
// has grown, takes no lock, and may run in any number of goroutines, each with
// a Scratch of its own. The request must come from internal/request. What passes
// Budget is a denial, policy.TooCostly, whatever it came to (specification 1.6).
func (s *Snapshot) Decide(r *policy.Request, sc *Scratch) policy.Decision {
	v := &sc.view
	v.begin(r, s.store.DefaultOrganization)
	reason, layer := s.decide(v)
	if v.Over() {
		reason, layer, v.Open, v.steps = policy.TooCostly, policy.LayerNone, 0, v.steps[:0]
	}
	v.End()
	return policy.Decision{Outcome: reason.Outcome(), Reason: reason, Layer: layer, Generation: s.generation, MaxOpenSeconds: v.Open}
}

// decide is specification 1.3 in the order of the reasons of 1.8: every return
// is one of them, and only the ends of the steps that have to allow do.
func (s *Snapshot) decide(v *view) (policy.Reason, policy.Layer) {
	if v.Org == "" || len(v.Request.Principal.IDs) == 0 {
		return policy.Anonymous, policy.LayerNone
	}
	own := s.store.OrganizationAgain(v.Org, &v.lastOrg)
	if !own.Knows(&v.Inquiry) {
		return policy.Anonymous, policy.LayerNone
	}
	if v.Class == action.IAM {
		return s.decideIAM(v, own)
	}
	if own.PoliciesUnavailable {
		return policy.OrganizationUnavailable, policy.LayerNone
	}
	bucket, reason := s.owner(&v.View)
	if reason != policy.ReasonNone {
		return reason, policy.LayerNone
	}

	if v.Class == action.ControlPlane {
		return s.decideControlPlane(v, own)
	}
	switch {
	case own.Policies == nil && s.passesAsPlatform(&v.View):
		v.notePlatform()
	case own.Policies == nil:
		return v.end(policy.LayerOrganization, v.Org, policy.NoOrganizationPolicy)
	default:
		switch v.ask(policy.LayerOrganization, v.Org, own.Policies) {
		case policy.EffectDeny:
			return policy.OrganizationDeny, policy.LayerOrganization
		case policy.EffectNone:
			return policy.OrganizationNoMatch, policy.LayerOrganization
		}
	}

	foreign, contested := v.Owner != v.Org, bucket.Contested()
	switch v.Class {
	case action.ListAllMyBuckets:
		return policy.Allowed, policy.LayerOrganization
	case action.CreateBucket:
		if foreign || contested {
			return policy.NotBucketOwner, policy.LayerOrganization
		}
		return policy.Allowed, policy.LayerOrganization
	}
	if contested {
		return v.end(policy.LayerBucket, v.Owner, policy.BucketPolicyUnavailable)
	}
	switch v.Class {
	case action.PutBucketPolicy:
		if foreign {
			return policy.NotBucketOwner, policy.LayerOrganization
		}
		return policy.Allowed, policy.LayerOrganization
	case action.BucketPolicy:
		if foreign {
			return policy.NotBucketOwner, policy.LayerBucket
		}
	}
	return s.decideBucket(v, own, bucket, foreign)
}

// decideBucket is the bucket step (specification 1.3).
func (s *Snapshot) decideBucket(v *view, own *Organization, bucket *store.Slot, foreign bool) (policy.Reason, policy.Layer) {
	owner, noMatch := own, policy.BucketNoMatch
	if foreign {
		owner, noMatch = s.store.Organization(v.Owner), policy.CrossOrganizationNoAllow
		if owner.PoliciesUnavailable {
			return v.end(policy.LayerOrganization, v.Owner, policy.OrganizationUnavailable)
		}
		if v.askDenies(owner.Policies) == policy.EffectDeny {
			return policy.OwnerOrganizationDeny, policy.LayerOrganization
		}
	}
	if bucket.Unavailable() || !bucket.Known() && owner.BucketsUnavailable {
		return v.end(policy.LayerBucket, v.Owner, policy.BucketPolicyUnavailable)
	}
	if !bucket.HasPolicy() {
		if foreign {
			return v.end(policy.LayerBucket, v.Owner, noMatch)
		}
		return v.end(policy.LayerBucket, v.Owner, policy.Allowed)
	}
	switch v.askBucket(bucket) {
	case policy.EffectDeny:
		return policy.BucketDeny, policy.LayerBucket
	case policy.EffectAllow:
		return policy.Allowed, policy.LayerBucket
	}
	return noMatch, policy.LayerBucket
}

// bucketStep says what the bucket step of a request that its organization step
// lets pass comes to (specification 1.3): it passes, or asks the policy asked,
// or neither. v has the bucket's owner. Of a foreign caller the owner's Denies
// are asked beside.
func (s *Snapshot) bucketStep(v *match.View, bucket *store.Slot) (passes bool, asked *Policies) {
	foreign, contested := v.Owner != v.Org, bucket.Contested()
	switch {
	case v.Class == action.ListAllMyBuckets:
		return true, nil
	case v.Class == action.CreateBucket:
		return !foreign && !contested, nil
	case contested, foreign && (v.Class == action.PutBucketPolicy || v.Class == action.BucketPolicy):
		return false, nil
	case v.Class == action.PutBucketPolicy:
		return true, nil
	}
	owner := s.store.Organization(v.Owner)
	switch {
	case foreign && owner.PoliciesUnavailable,
		bucket.Unavailable() || !bucket.Known() && owner.BucketsUnavailable:
		return false, nil
	case !bucket.HasPolicy():
		return !foreign, nil
	}
	return false, bucket.Policy()
}

// decideControlPlane answers the cwobject: actions, which the organization's
// policies and the caller's iam statements decide together (specification 1.3,
// 1.8).
func (s *Snapshot) decideControlPlane(v *view, own *Organization) (policy.Reason, policy.Layer) {
	effect := policy.EffectNone
	if own.Policies != nil {
		effect = v.ask(policy.LayerOrganization, v.Org, own.Policies)
	} else {
		v.end(policy.LayerOrganization, v.Org, policy.NoOrganizationPolicy)
	}
	switch {
	case effect == policy.EffectDeny:
		return policy.OrganizationDeny, policy.LayerOrganization
	case own.IAMUnavailable && effect == policy.EffectAllow:
		return v.end(policy.LayerIAM, v.Org, policy.IAMUnavailable)
	}
	named := false
	if own.IAM != nil && !own.IAMUnavailable {
		switch v.askIAM(own.IAM) {
		case policy.EffectDeny:
			return policy.IAMDeny, policy.LayerIAM
		case policy.EffectAllow:
			if effect != policy.EffectAllow && (!v.Request.DenyOnly || own.IAM.NamesCaller(&v.Inquiry)) {
				return policy.Allowed, policy.LayerIAM
			}
			v.Open = 0 // the organization's Allow has no obligation
		}
		named = own.IAM.NamesCaller(&v.Inquiry)
	}
	switch {
	case effect == policy.EffectAllow:
		return policy.Allowed, policy.LayerOrganization
	case own.Policies == nil && !named:
		return policy.NoOrganizationPolicy, policy.LayerOrganization
	}
	return policy.OrganizationNoMatch, policy.LayerOrganization
}

// decideIAM answers what the iam layer decides alone.
func (s *Snapshot) decideIAM(v *view, own *Organization) (policy.Reason, policy.Layer) {
	r := &v.Request.Resource
	if outsideTenant(&v.View, r.Kind == policy.ResourceOrganization || r.Type == "organization") {
		return policy.OwnerMismatch, policy.LayerNone
	}
	switch {
	case own.IAMUnavailable:
		return v.end(policy.LayerIAM, v.Org, policy.IAMUnavailable)
	case own.IAM == nil && v.Request.DenyOnly && s.store.Has(v.Org): // it has no Deny
		return v.end(policy.LayerIAM, v.Org, policy.Allowed)
	case own.IAM == nil:
		return v.end(policy.LayerIAM, v.Org, policy.IAMNoMatch)
	}
	switch v.askIAM(own.IAM) {
	case policy.EffectDeny:
		return policy.IAMDeny, policy.LayerIAM
	case policy.EffectAllow:
		return policy.Allowed, policy.LayerIAM
	}
	return policy.IAMNoMatch, policy.LayerIAM
}

// owner works out whom the resource belongs to (specification 1.3, Tenant
// boundary; 1.5, Owner), and returns the bucket's entry, never nil with
// ReasonNone. A resource that does not fit the action, which internal/request
// refuses, belongs to nobody.
func (s *Snapshot) owner(v *match.View) (*store.Slot, policy.Reason) {
	r := &v.Request.Resource
	isBucket := r.Kind == policy.ResourceBucket || r.Kind == policy.ResourceObject
	if v.Whole && r.Kind != policy.ResourceOrganization || !v.Whole && !isBucket {
		return nil, policy.OwnerUnknown
	}
	if v.Class.OrganizationOnly() && outsideTenant(v, v.Whole) {
		return nil, policy.OwnerMismatch
	}
	if v.Whole {
		return &store.UnknownBucket, policy.ReasonNone
	}
	v.Bucket = match.BucketOf(r.ID)
	v.BucketHash = match.HashBucket(v.Bucket)
	if bucket := s.store.Bucket(v.Bucket, v.BucketHash); bucket != nil {
		v.Owner = s.store.Owner(bucket)
		bucket.Ahead() // it is asked last
		if r.Org != "" && r.Org != v.Owner && !bucket.ClaimedBy(r.Org) {
			return nil, policy.OwnerMismatch
		}
		return bucket, policy.ReasonNone
	}
	switch {
	case v.Class == action.CreateBucket: // its owner will be the caller's organization
	case r.Org != "":
		v.Owner = r.Org
	case s.store.DefaultOrganization != "":
		v.Owner = s.store.DefaultOrganization
	default:
		return nil, policy.OwnerUnknown
	}
	return &store.UnknownBucket, policy.ReasonNone
}

// isPlatform reports that the caller's organization is one of
// SetPlatformOrganizations that has no folder, and that the action reaches the
// bucket step: the platform's own services call from organizations that have no
// policies (specification 1.3, Callers from another organization).
func (s *Snapshot) isPlatform(v *match.View) bool {
	return len(s.store.Platform) > 0 && !v.Class.OrganizationOnly() && v.Class.S3() && slices.Contains(s.store.Platform, v.Org) && !s.store.Has(v.Org)
}

// passesAsPlatform reports that the caller's organization step counts as an
// Allow: it isPlatform, and another organization owns the bucket.
func (s *Snapshot) passesAsPlatform(v *match.View) bool { return v.Owner != v.Org && s.isPlatform(v) }

// outsideTenant reports that the request states an organization other than the
// caller's, as the owner or, for the whole organization, as what is asked about.
func outsideTenant(v *match.View, organization bool) bool {
	r := &v.Request.Resource
	return r.Org != "" && r.Org != v.Org || organization && r.ID != "*" && r.ID != v.Org
}

// ask asks the statements of one layer.
func (v *view) ask(layer policy.Layer, org string, p *Policies) policy.Effect {
	return v.asked(layer, org, p, p.Ask(&v.View))
}

// askBucket asks the statements of a bucket's policy.
func (v *view) askBucket(bucket *store.Slot) policy.Effect {
	p := bucket.Policy()
	return v.asked(policy.LayerBucket, v.Owner, p, p.AskBlock(bucket.Block(), &v.View))
}

// askIAM asks the iam statements of the caller's organization. Of an allow,
// v.Open is the obligation.
func (v *view) askIAM(m *IAM) policy.Effect {
	if v.explaining {
		v.Ground = policy.StatementRef{}
	}
	effect := m.Satisfied(&v.Inquiry)
	if v.explaining {
		v.steps = append(v.steps, step{layer: policy.LayerIAM, org: v.Org, iam: m, outcome: outcomes[effect], ground: v.Ground})
	}
	return effect
}

// asked notes what a layer said. Where the request asks about Denies only, the
// layer lets it go on where none is satisfied (specification 7.4).
func (v *view) asked(layer policy.Layer, org string, p *Policies, effect policy.Effect) policy.Effect {
	if effect == policy.EffectNone && v.Request.DenyOnly {
		effect = policy.EffectAllow
	}
	if v.explaining {
		v.steps = append(v.steps, step{layer: layer, org: org, policies: p, outcome: outcomes[effect], ground: v.ground(layer, p, effect)})
	}
	return effect
}

var outcomes = [...]policy.Outcome{policy.EffectNone: policy.ImplicitDeny, policy.EffectAllow: policy.Allow, policy.EffectDeny: policy.ExplicitDeny}

// askDenies asks the owner's organization policies (nil: it has none) about a
// foreign caller: only the Deny statements whose principals contain `*`. The
// layer lets the request go on where none is satisfied (specification 1.3).
func (v *view) askDenies(p *Policies) policy.Effect {
	effect := policy.EffectNone
	if p != nil {
		v.DenyOnly = true
		effect = p.Ask(&v.View)
		v.DenyOnly = false
	}
	if v.explaining {
		outcome := policy.Allow
		if effect == policy.EffectDeny {
			outcome = policy.ExplicitDeny
		}
		v.steps = append(v.steps, step{layer: policy.LayerOrganization, org: v.Owner, policies: p, denyOnly: true, outcome: outcome, ground: v.ground(policy.LayerOrganization, p, effect)})
	}
	return effect
}

// end notes that a layer was asked and decided without its statements.
func (v *view) end(layer policy.Layer, org string, reason policy.Reason) (policy.Reason, policy.Layer) {
	if v.explaining {
		v.steps = append(v.steps, step{layer: layer, org: org, outcome: reason.Outcome()})
	}
	return reason, layer
}

// notePlatform notes the step that counted as an Allow.
func (v *view) notePlatform() {
	if v.explaining {
		v.steps = append(v.steps, step{layer: policy.LayerOrganization, org: v.Org, outcome: policy.Allow, platform: true})
	}
}
