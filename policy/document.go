package policy

// Effect is what a statement does when it is satisfied. The zero value is no
// effect at all and never occurs in a parsed document (specification 1.1).
type Effect uint8

// The two effects of a statement.
const (
	EffectNone Effect = iota
	EffectAllow
	EffectDeny
)

// String returns the effect as policy files spell it.
func (e Effect) String() string {
	switch e {
	case EffectAllow:
		return "Allow"
	case EffectDeny:
		return "Deny"
	}
	return "none"
}

// Kind tells the policy language of a document.
type Kind uint8

// The kinds of document, one a folder of the policy directory (specification 4).
const (
	KindNone         Kind = iota
	KindOrganization      // organization policy, `v1alpha1` (specification 1.4)
	KindBucket            // bucket policy, AWS grammar (specification 1.5)
	KindBucketList        // buckets.json: a list of buckets, no statements (specification 4)
	KindAccess            // AccessPolicy or Pulumi role records (specification 2)
)

// String names the kind as messages to users do.
func (k Kind) String() string {
	switch k {
	case KindOrganization:
		return "organization policy"
	case KindBucket:
		return "bucket policy"
	case KindBucketList:
		return "bucket list"
	case KindAccess:
		return "access policy"
	}
	return "unknown document"
}

// Document is the content of one policy file after strict parsing: every rule
// that one file can break on its own has been checked, so that a consumer may
// rely on what the field comments say. Rules between files (a policy name used
// twice) are checked by compile.
type Document struct {
	Kind Kind
	// Name is the `name` of an organization policy and the `Id` of a bucket
	// policy ("" if it has none).
	Name string
	// NameLine is the line of Name, from 1; 0 if there is none.
	NameLine int
	// NameColumn is the column of Name in bytes, from 1; 0 if there is none.
	NameColumn int
	// File is the path below the policy directory, with forward slashes.
	File string
	// Variables reports that `${` starts a policy variable or an escaped
	// character in resources and in the values of String and Arn operators:
	// bucket policies of version 2012-10-17 (specification 1.6, 1.7). Elsewhere
	// `${` is plain text.
	Variables bool
	// Statements in the order of the file; a statement's index is its place.
	Statements []Statement
}

// Statement is one clause of a document: effect x principals x actions x
// resources x conditions (specification 1.1).
type Statement struct {
	// Name is the statement's `name` or `Sid`, "" if it has none.
	Name string
	// Line is the line of the statement's `{`, and Column its column in bytes, both
	// from 1.
	Line, Column int
	Effect       Effect

	// Principals is never empty. NotPrincipal inverts it and stands with
	// EffectDeny only (specification 1.5).
	Principals   []PrincipalPattern
	NotPrincipal bool

	// Actions holds action patterns as written: `*` or `service:...` with `*`
	// and `?` (specification 1.6). Never empty. NotAction inverts the list.
	Actions   []string
	NotAction bool

	// Resources holds resource patterns in short form, as page 1 writes them
	// (`BUCKET`, `BUCKET/*`, `*`): `arn:aws:s3:::` is stripped, the rest is as
	// written, `${` included. Never empty. NotResource inverts the list.
	Resources   []string
	NotResource bool

	// Conditions all have to hold. No two have the same operator and key.
	Conditions []Condition
}

// PrincipalKind tells the forms of a principal pattern apart.
type PrincipalKind uint8

// The forms of principal patterns (specification 1.4, 1.5).
const (
	// PrincipalEveryone is `*`: in an organization policy every principal of
	// the organization, in a bucket policy any caller of any organization.
	PrincipalEveryone PrincipalKind = iota + 1
	// PrincipalExact is one identifier, Name = `provider/name`.
	PrincipalExact
	// PrincipalPrefix is every identifier that begins with Name =
	// `provider/prefix` (the text before the last `*`).
	PrincipalPrefix
	// PrincipalOrganization is every caller of Org (`arn:aws:iam::ORG:*`).
	PrincipalOrganization
	// PrincipalAccount is the account Org (`arn:aws:iam::ORG:root` or a bare
	// `ORG`). As a Principal it means every caller of Org; in NotPrincipal it
	// names the account itself and exempts nobody (specification 1.5).
	PrincipalAccount
	// PrincipalGroup is every caller in the group Name; in iam documents only
	// (specification 2, identifiers).
	PrincipalGroup
	// PrincipalToken is the token Name, the caller `token/NAME`; in iam
	// documents only.
	PrincipalToken
	// PrincipalNobody stands alone, in the Principal of a bucket policy whose
	// entries all name kinds of callers that there never are (`Service`,
	// sessions of a role, ...): the statement matches nobody (specification 1.5).
	PrincipalNobody
)

// PrincipalPattern is one entry of a statement's principals.
type PrincipalPattern struct {
	Kind PrincipalKind
	// Org is the organization that an ARN names. It is "" in organization
	// policies, whose only organization is their own.
	Org string
	// Name is set for PrincipalExact, PrincipalPrefix, PrincipalGroup and
	// PrincipalToken.
	Name string
}

// Condition is one operator with one key (specification 1.7).
type Condition struct {
	Operator Operator
	// Key is the condition key as written. Keys fold ASCII case, except for the
	// ORG and CLAIM parts of `iam:ORG:groups` and `oidc:ORG:CLAIM`
	// (specification 1.7).
	Key string
	// Values is never empty. A number or boolean is the text it was written
	// with. Every value is one that Operator can read.
	Values []string
	// Line is the line of Key, from 1.
	Line int
}
