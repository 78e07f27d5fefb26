package policy

// reasonTexts say for people what each reason means. docs/reasons.md has the
// same sentences, and what to do.
var reasonTexts = [...]string{
	ReasonNone:               "Nothing was decided, which denies.",
	TooCostly:                "The policies that the request meets take more work to match than one decision may.",
	Anonymous:                "The caller has no organization or no identifier, or is a token that is unknown or has expired.",
	OrganizationUnavailable:  "The organization policies of the caller's organization, or of the bucket's, could never be read.",
	OwnerMismatch:            "The request states another organization than the resource belongs to, or asks outside its own.",
	OwnerUnknown:             "No folder has the bucket, and the request does not state whose it is.",
	OrganizationDeny:         "A Deny of the caller's organization policies holds.",
	IAMDeny:                  "A Deny binding of the caller's organization holds.",
	NoOrganizationPolicy:     "The caller's organization has no organization policy, so that nothing of s3: or cwobject: is allowed.",
	OrganizationNoMatch:      "No Allow of the caller's organization policies holds.",
	NotBucketOwner:           "Only the organization that owns the bucket may do this.",
	OwnerOrganizationDeny:    "A Deny to everyone of the bucket owner's organization policies holds.",
	BucketPolicyUnavailable:  "The bucket's policy could never be read, or two organizations claim the bucket.",
	BucketDeny:               "A Deny of the bucket policy holds.",
	BucketNoMatch:            "No Allow of the bucket policy holds.",
	CrossOrganizationNoAllow: "The caller is of another organization than the bucket, and no Allow of a bucket policy holds.",
	IAMUnavailable:           "The iam files of the caller's organization could never be read.",
	IAMNoMatch:               "No role, binding or default gives the caller this action on this resource.",
	Allowed:                  "Every layer that had to allow did.",
}

// Sentence says for people what the reason means.
func (r Reason) Sentence() string { return reasonTexts[r] }
