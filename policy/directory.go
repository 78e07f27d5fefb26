package policy

// Directory is what a policy directory says, parsed, without how it got there:
// the input of the reference evaluator and, in tests, of the compiler
// (specification 4).
type Directory struct {
	// DefaultOrganization is `-default-org` where it applies: it fills an
	// organization that a caller or an owner does not state. "" fills nothing.
	DefaultOrganization string
	// PlatformOrganizations are those that `-platform-org` names: where one has
	// no folder, its callers' own step counts as an Allow in the bucket step of
	// other organizations' buckets (specification 1.3).
	PlatformOrganizations []string
	// Organizations by name: those that have a folder.
	Organizations map[string]*DirectoryOrganization
	// Buckets by name: those that have a file or are listed.
	Buckets map[string]*DirectoryBucket
	// BuiltIn is the document of built-in roles and permission sets, which
	// stand ready in every organization (specification 2, Built in); nil has
	// none. Its bindings are those of the legacy groups: they hold only in an
	// organization of which a document says LegacyGroups.
	BuiltIn *AccessDocument
}

// DirectoryOrganization is one organization's folder, buckets aside.
type DirectoryOrganization struct {
	// Policies are the documents of access-policies/.
	Policies []*Document
	// PoliciesUnavailable says that access-policies/ is broken and was never
	// good.
	PoliciesUnavailable bool
	// Access are the documents of iam/.
	Access []*AccessDocument
	// IAMUnavailable says that iam/ is broken and was never good.
	IAMUnavailable bool
	// BucketsUnavailable says that it was never known which buckets the
	// organization has, or whether they have policies. Its buckets that
	// Directory.Buckets does not name are denied.
	BucketsUnavailable bool
}

// DirectoryBucket is one bucket.
type DirectoryBucket struct {
	// Owner is the organization in whose folder it lies, or that lists it.
	Owner string
	// Policy is nil if the bucket has none.
	Policy *Document
	// PolicyUnavailable says that its policy file is broken and was never good.
	PolicyUnavailable bool
	// Claimants are further organizations that claim the bucket; if there is
	// one, the bucket denies (specification 4, Names).
	Claimants []string
}
