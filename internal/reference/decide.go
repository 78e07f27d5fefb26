package reference

import (
	"slices"
	"strings"

	"postern/internal/action"
	"postern/policy"
)

// Evaluator answers requests by specification 1 and 2, from a policy directory.
type Evaluator struct {
	directory *policy.Directory
}

// New returns an evaluator of d, which it keeps and never changes.
func New(d *policy.Directory) *Evaluator { return &Evaluator{directory: d} }

// Evaluate answers r, which has passed internal/request. Of the explanation,
// Generation is 0 and Nearest nil.
//
// Determining lists the satisfied statements of the effect that decided, in
// the order of layer, file and index (of the iam layer then line and name).
//
// Steps lists the layers that were asked, in that order, and what each said:
// the caller's organization policies; for a cwobject: action the iam layer,
// where the organization has iam documents; for a foreign caller the owner's
// organization policies, of which only some Denies count, so that they say
// Allow where none is satisfied; the bucket policy, which says Allow where it is known that there
// is none and the caller owns the bucket. A layer that is unavailable says
// ImplicitDeny. Ownership and availability that are checked before any
// statement (the reasons of LayerNone, and not_bucket_owner) are no steps.
func (e *Evaluator) Evaluate(r *policy.Request) policy.Explanation {
	q := question{directory: e.directory, request: r, action: r.Action}
	if q.directory == nil {
		q.directory = &policy.Directory{}
	}
	q.decide()
	q.explanation.Decision.Outcome = q.explanation.Decision.Reason.Outcome()
	return q.explanation
}

// question is one request on its way to an answer.
type question struct {
	directory *policy.Directory
	request   *policy.Request

	action string // the action at hand: the request's, or one that it needs beside it
	caller string // the caller's organization
	bucket string // the bucket asked about, "" if none
	owner  string // the bucket's owner, "" if nobody is known to be

	explanation policy.Explanation
}

// decide finds the reason: the first of specification 1.8 that applies, in its
// order.
func (q *question) decide() {
	r := q.request

	// 1.5: "-default-org ORG ... fills a caller's or an owner's organization
	// that is not stated".
	q.caller = r.Principal.Org
	if q.caller == "" {
		q.caller = q.directory.DefaultOrganization
	}

	// 1.2: "A caller with no organization or no identifier is anonymous, and is
	// always denied"; 2, tokens: so is a token that is nobody's.
	if q.caller == "" || len(r.Principal.IDs) == 0 || q.nobody() {
		q.answer(policy.LayerNone, policy.Anonymous)
		return
	}

	class := action.ClassOf(r.Action)
	if class == action.IAM {
		q.decideIAM()
		return
	}

	// 1.3: "cwobject: actions and s3:ListAllMyBuckets are asked on the whole
	// organization, every other s3: action on a bucket or an object; anything
	// else is a bad request". internal/request refuses it; here it denies
	// without a reason.
	whole := r.Resource.Kind == policy.ResourceOrganization
	bucketOrObject := r.Resource.Kind == policy.ResourceBucket || r.Resource.Kind == policy.ResourceObject
	if class.WholeOrganization() != whole || !whole && !bucketOrObject {
		return
	}

	// 4, Units: an access-policies/ without a last good content denies "its
	// organization's s3: and cwobject: (organization_unavailable)".
	if q.organization(q.caller).PoliciesUnavailable {
		q.answer(policy.LayerNone, policy.OrganizationUnavailable)
		return
	}

	// 1.3, Tenant boundary: "Outside the bucket step the only organization is
	// the caller's". PutBucketPolicy and CreateBucket never reach that step.
	if class != action.Bucket && class != action.BucketPolicy && q.outsideTenant() {
		q.answer(policy.LayerNone, policy.OwnerMismatch)
		return
	}

	if bucketOrObject {
		if reason := q.findOwner(class); reason != policy.ReasonNone {
			q.answer(policy.LayerNone, reason)
			return
		}
	}

	// 1.3, the column of layers: organization, for every one of these.
	if class == action.ControlPlane {
		q.decideControlPlane()
		return
	}
	allows, ok := q.organizationStep(class)
	if !ok {
		return
	}

	switch class {
	case action.ListAllMyBuckets:
		q.allow(policy.LayerOrganization, allows)
	case action.CreateBucket:
		// 1.3: "A bucket that a folder gives to another organization is denied
		// (not_bucket_owner)"; so is one that several claim.
		if b := q.known(); b != nil && (b.Owner != q.caller || len(b.Claimants) > 0) {
			q.answer(policy.LayerOrganization, policy.NotBucketOwner)
			return
		}
		q.allow(policy.LayerOrganization, allows)
	case action.PutBucketPolicy:
		// 1.3: "organization, and the caller's organization must own the
		// bucket; the bucket policy is never read".
		switch {
		case q.contested():
			q.deny(policy.LayerBucket, q.owner, policy.BucketPolicyUnavailable, nil)
		case q.owner != q.caller:
			q.answer(policy.LayerOrganization, policy.NotBucketOwner)
		default:
			q.allow(policy.LayerOrganization, allows)
		}
	case action.BucketPolicy, action.Bucket:
		q.decideBucket(class, allows)
	}
}

// outsideTenant reports that the request states an organization that is not
// the caller's (1.3): "a stated resource.org, or an organization id other than
// *, that differs from it is denied (owner_mismatch)".
func (q *question) outsideTenant() bool {
	resource := &q.request.Resource
	if resource.Org != "" && resource.Org != q.caller {
		return true
	}
	organization := resource.Kind == policy.ResourceOrganization ||
		resource.Kind == policy.ResourceTyped && resource.Type == "organization"
	return organization && resource.ID != "*" && resource.ID != q.caller
}

// findOwner sets bucket and owner, or gives the reason why it cannot (1.5,
// Owner).
func (q *question) findOwner(class action.Class) policy.Reason {
	resource := &q.request.Resource
	q.bucket, _, _ = strings.Cut(resource.ID, "/")

	// "A bucket belongs to the organization in whose directory its policy
	// lies, or that lists it. The request may state resource.org; if both are
	// known and differ: owner_mismatch." Of a bucket that several claim (4,
	// Names), the stated organization has to be one of them.
	if b := q.known(); b != nil {
		q.owner = b.Owner
		if resource.Org != "" && resource.Org != b.Owner && !slices.Contains(b.Claimants, resource.Org) {
			return policy.OwnerMismatch
		}
		return policy.ReasonNone
	}

	// "A bucket in no folder, whose owner the request states, belongs to it
	// and has no policy. If neither is known: owner_unknown."
	q.owner = resource.Org
	if q.owner == "" {
		q.owner = q.directory.DefaultOrganization
	}
	// 1.3, CreateBucket: "it needs no owner: the caller's organization will be
	// it".
	if q.owner == "" && class != action.CreateBucket {
		return policy.OwnerUnknown
	}
	return policy.ReasonNone
}

// organizationStatements asks all organization policies of the caller's
// organization together (1.3), and returns the satisfied ones.
func (q *question) organizationStatements() (allows, denies []policy.StatementRef) {
	return q.layer(policy.LayerOrganization, q.organization(q.caller).Policies)
}

// organizationStep is the organization step of s3: actions (1.3). It returns
// the Allows that let the request go on, or answers it.
func (q *question) organizationStep(class action.Class) (allows []policy.StatementRef, ok bool) {
	// "for a caller of an organization named by -platform-org that has no folder,
	// its own step counts as an Allow in the bucket step of a bucket that another
	// organization owns, and nowhere else".
	inBucketStep := class == action.Bucket || class == action.BucketPolicy
	folder := q.directory.Organizations[q.caller] != nil
	if !folder && slices.Contains(q.directory.PlatformOrganizations, q.caller) && inBucketStep && q.owner != q.caller {
		q.explanation.Steps = append(q.explanation.Steps, policy.Step{Layer: policy.LayerOrganization, Org: q.caller, Outcome: policy.Allow, Platform: true})
		return nil, true
	}
	// "no policy at all -> deny".
	if len(q.organization(q.caller).Policies) == 0 {
		q.deny(policy.LayerOrganization, q.caller, policy.NoOrganizationPolicy, nil)
		return nil, false
	}
	allows, denies := q.organizationStatements()
	switch {
	case len(denies) > 0: // "any satisfied Deny -> deny"
		q.deny(policy.LayerOrganization, q.caller, policy.OrganizationDeny, denies)
		return nil, false
	case len(allows) == 0 && !q.request.DenyOnly: // "nothing satisfied -> deny"
		q.deny(policy.LayerOrganization, q.caller, policy.OrganizationNoMatch, nil)
		return nil, false
	}
	// "a satisfied Allow -> go on"
	q.step(policy.LayerOrganization, q.caller, policy.Allow)
	return allows, true
}

// decideBucket answers what the bucket step decides, after the organization
// step allowed by the given statements (1.3).
func (q *question) decideBucket(class action.Class, allows []policy.StatementRef) {
	// 4, Names: "A bucket that two organizations claim ... denies while both
	// do (bucket_policy_unavailable)".
	if q.contested() {
		q.deny(policy.LayerBucket, q.owner, policy.BucketPolicyUnavailable, nil)
		return
	}

	foreign := q.caller != q.owner
	if foreign {
		// 1.3, Callers from another organization: "They can never put, get or
		// delete a bucket policy (not_bucket_owner)."
		if class == action.BucketPolicy {
			q.answer(policy.LayerBucket, policy.NotBucketOwner)
			return
		}
		if !q.ownerLets() {
			return
		}
	}

	noMatch := policy.BucketNoMatch
	if foreign {
		noMatch = policy.CrossOrganizationNoAllow
	}

	// "No bucket policy" must be known, not assumed.
	b := q.known()
	if b == nil && q.organization(q.owner).BucketsUnavailable || b != nil && b.PolicyUnavailable {
		q.deny(policy.LayerBucket, q.owner, policy.BucketPolicyUnavailable, nil)
		return
	}
	if b == nil || b.Policy == nil {
		// "the bucket has no policy -> allow, if the caller's organization owns
		// it"; of a foreign caller: "the bucket has a policy, and it allows
		// explicitly".
		if foreign {
			q.deny(policy.LayerBucket, q.owner, noMatch, nil)
			return
		}
		q.step(policy.LayerBucket, q.owner, policy.Allow)
		q.allow(policy.LayerBucket, allows)
		return
	}

	bucketAllows, denies := q.layer(policy.LayerBucket, []*policy.Document{b.Policy})
	if len(denies) > 0 {
		// "any satisfied Deny -> deny"
		q.deny(policy.LayerBucket, q.owner, policy.BucketDeny, denies)
		return
	}
	if len(bucketAllows) == 0 && !q.request.DenyOnly {
		// "a policy that neither allows nor denies -> deny"
		q.deny(policy.LayerBucket, q.owner, noMatch, nil)
		return
	}
	// "a satisfied Allow -> allow"
	q.step(policy.LayerBucket, q.owner, policy.Allow)
	q.allow(policy.LayerBucket, append(allows, bucketAllows...))
}

// ownerLets asks the organization policies of a bucket's owner about a foreign
// caller (1.3): "the owner's organization policies are known (else
// organization_unavailable), and none of their Denies whose principals contain
// the string * is satisfied". If not, it answers the request.
func (q *question) ownerLets() bool {
	owner := q.organization(q.owner)
	if owner.PoliciesUnavailable {
		q.deny(policy.LayerOrganization, q.owner, policy.OrganizationUnavailable, nil)
		return false
	}
	denies := q.layerForEveryone(policy.LayerOrganization, owner.Policies)
	if len(denies) > 0 {
		q.deny(policy.LayerOrganization, q.owner, policy.OwnerOrganizationDeny, denies)
		return false
	}
	q.step(policy.LayerOrganization, q.owner, policy.Allow)
	return true
}

// organization returns an organization's folder; one without a folder has
// nothing in it.
func (q *question) organization(name string) *policy.DirectoryOrganization {
	if o := q.directory.Organizations[name]; o != nil {
		return o
	}
	return &policy.DirectoryOrganization{}
}

// known returns the bucket asked about if a folder has it, else nil.
func (q *question) known() *policy.DirectoryBucket { return q.directory.Buckets[q.bucket] }

// contested reports that several organizations claim the bucket.
func (q *question) contested() bool {
	b := q.known()
	return b != nil && len(b.Claimants) > 0
}

// answer ends the request with a reason.
func (q *question) answer(layer policy.Layer, reason policy.Reason) {
	q.explanation.Decision.Layer = layer
	q.explanation.Decision.Reason = reason
}

// deny ends the request in a layer that was asked and denied it.
func (q *question) deny(layer policy.Layer, org string, reason policy.Reason, denies []policy.StatementRef) {
	q.step(layer, org, reason.Outcome())
	q.explanation.Determining = inOrder(denies)
	q.answer(layer, reason)
}

// allow ends the request with an allow by the given statements. Where only the
// Denies are asked about (7.4), no Allow decided.
func (q *question) allow(layer policy.Layer, allows []policy.StatementRef) {
	if !q.request.DenyOnly {
		q.explanation.Determining = inOrder(allows)
	}
	q.answer(layer, policy.Allowed)
}

// step notes what a layer said.
func (q *question) step(layer policy.Layer, org string, outcome policy.Outcome) {
	q.explanation.Steps = append(q.explanation.Steps, policy.Step{Layer: layer, Org: org, Outcome: outcome})
}
