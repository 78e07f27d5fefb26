package policy

// Reason says why a request was decided as it was (specification 1.8).
type Reason uint8

// The reasons, in the order of specification 1.8: of several that apply, the
// first is given.
const (
	ReasonNone Reason = iota
	// TooCostly says that the decision passed its budget (specification 1.6),
	// whatever it came to.
	TooCostly
	Anonymous
	OrganizationUnavailable
	OwnerMismatch
	OwnerUnknown
	OrganizationDeny
	IAMDeny
	NoOrganizationPolicy
	OrganizationNoMatch
	NotBucketOwner
	OwnerOrganizationDeny
	BucketPolicyUnavailable
	BucketDeny
	BucketNoMatch
	CrossOrganizationNoAllow
	IAMUnavailable
	IAMNoMatch
	Allowed

	// ReasonCount is the length of an array that holds something of each reason,
	// ReasonNone included.
	ReasonCount = iota
)

// reasons has a row for each reason: how answers spell it, the outcome that goes
// with it, the layers that can be Decision.Layer beside it (specification 1.3,
// 1.8), and what it means, in a sentence for people. docs/reasons.md has the same
// sentences, and what to do.
var reasons = [ReasonCount]struct {
	name     string
	outcome  Outcome
	layers   []Layer
	sentence string
}{
	ReasonNone: {"none", ImplicitDeny, []Layer{LayerNone},
		"Nothing was decided, which denies."},
	TooCostly: {"too_costly", ImplicitDeny, []Layer{LayerNone},
		"The policies that the request meets take more work to match than one decision may."},
	Anonymous: {"anonymous", ImplicitDeny, []Layer{LayerNone},
		"The caller has no organization or no identifier, or is a token that is unknown or has expired."},
	OrganizationUnavailable: {"organization_unavailable", ImplicitDeny, []Layer{LayerNone, LayerOrganization},
		"The organization policies of the caller's organization, or of the bucket's, could never be read."},
	OwnerMismatch: {"owner_mismatch", ImplicitDeny, []Layer{LayerNone},
		"The request states another organization than the resource belongs to, or asks outside its own."},
	OwnerUnknown: {"owner_unknown", ImplicitDeny, []Layer{LayerNone},
		"No folder has the bucket, and the request does not state whose it is."},
	OrganizationDeny: {"organization_deny", ExplicitDeny, []Layer{LayerOrganization},
		"A Deny of the caller's organization policies holds."},
	IAMDeny: {"iam_deny", ExplicitDeny, []Layer{LayerIAM},
		"A Deny binding of the caller's organization holds."},
	NoOrganizationPolicy: {"no_organization_policy", ImplicitDeny, []Layer{LayerOrganization},
		"The caller's organization has no organization policy, so that nothing of s3: or cwobject: is allowed."},
	OrganizationNoMatch: {"organization_no_match", ImplicitDeny, []Layer{LayerOrganization},
		"No Allow of the caller's organization policies holds."},
	NotBucketOwner: {"not_bucket_owner", ImplicitDeny, []Layer{LayerOrganization, LayerBucket},
		"Only the organization that owns the bucket may do this."},
	OwnerOrganizationDeny: {"owner_organization_deny", ExplicitDeny, []Layer{LayerOrganization},
		"A Deny to everyone of the bucket owner's organization policies holds."},
	BucketPolicyUnavailable: {"bucket_policy_unavailable", ImplicitDeny, []Layer{LayerBucket},
		"The bucket's policy could never be read, or two organizations claim the bucket."},
	BucketDeny: {"bucket_deny", ExplicitDeny, []Layer{LayerBucket},
		"A Deny of the bucket policy holds."},
	BucketNoMatch: {"bucket_no_match", ImplicitDeny, []Layer{LayerBucket},
		"No Allow of the bucket policy holds."},
	CrossOrganizationNoAllow: {"cross_organization_no_allow", ImplicitDeny, []Layer{LayerBucket},
		"The caller is of another organization than the bucket, and no Allow of a bucket policy holds."},
	IAMUnavailable: {"iam_unavailable", ImplicitDeny, []Layer{LayerIAM},
		"The iam files of the caller's organization could never be read."},
	IAMNoMatch: {"iam_no_match", ImplicitDeny, []Layer{LayerIAM},
		"No role, binding or default gives the caller this action on this resource."},
	Allowed: {"allowed", Allow, []Layer{LayerOrganization, LayerBucket, LayerIAM},
		"Every layer that had to allow did."},
}

// Reasons returns every reason but ReasonNone, in order.
func Reasons() []Reason {
	out := make([]Reason, 0, ReasonCount-1)
	for r := ReasonNone + 1; r < ReasonCount; r++ {
		out = append(out, r)
	}
	return out
}

// String returns the reason as answers spell it.
func (r Reason) String() string { return reasons[r].name }

// Outcome returns the outcome that goes with the reason (specification 1.8).
func (r Reason) Outcome() Outcome { return reasons[r].outcome }

// Layers returns the layers that a Decision with this reason can have. The
// caller must not change them.
func (r Reason) Layers() []Layer { return reasons[r].layers }

// Sentence says for people what the reason means.
func (r Reason) Sentence() string { return reasons[r].sentence }
