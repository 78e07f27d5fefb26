package policygen

import (
	"strings"

	"postern/policy"
)

// identifiers of callers. Names that look like patterns are names.
var identifiers = []string{
	"role/a", "role/ab", "role/b", "role/a/b", "role/https://i:s", "saml/a", "saml/é", "coreweave/u1", "Role/a", "role/a*", "role/?",
}

// prefixes of identifiers, as `provider/prefix*` has them.
var prefixes = []string{"role/", "role/a", "role/https://i:", "coreweave/u", "saml/", "role/?", "role/a/", "role/abc"}

func (w *smallWorld) organizationPrincipal() policy.PrincipalPattern {
	switch w.IntN(7) {
	case 0, 1, 2:
		if !w.narrow {
			return policy.PrincipalPattern{Kind: policy.PrincipalEveryone}
		}
	case 3:
		return policy.PrincipalPattern{Kind: policy.PrincipalPrefix, Name: pick(w.generator, prefixes...)}
	}
	return policy.PrincipalPattern{Kind: policy.PrincipalExact, Name: w.exactName()}
}

// exactName is an identifier that can be written without it being a prefix.
func (w *smallWorld) exactName() string {
	for {
		if name := pick(w.generator, identifiers...); !strings.HasSuffix(name, "*") {
			return name
		}
	}
}

func (w *smallWorld) bucketPrincipal() policy.PrincipalPattern {
	switch w.IntN(5) {
	case 0:
		return policy.PrincipalPattern{Kind: policy.PrincipalOrganization, Org: w.organization()}
	case 1:
		return policy.PrincipalPattern{Kind: policy.PrincipalAccount, Org: w.organization()}
	}
	p := w.organizationPrincipal()
	if p.Kind != policy.PrincipalEveryone {
		p.Org = w.organization()
	}
	return p
}

// asked are the actions of requests, and on what they are asked.
var asked = []struct {
	name string
	on   policy.ResourceKind
}{
	{"s3:GetObject", policy.ResourceObject}, {"s3:GetObject", policy.ResourceObject}, {"s3:GetObject", policy.ResourceObject},
	{"s3:PutObject", policy.ResourceObject}, {"s3:PutObject", policy.ResourceObject}, {"s3:HeadObject", policy.ResourceObject},
	{"s3:GETobject", policy.ResourceObject}, {"s3:UploadPart", policy.ResourceObject}, {"s3:DeleteObjects", policy.ResourceObject},
	{"s3:DeleteObject", policy.ResourceObject}, {"s3:Frobnicate", policy.ResourceObject}, {"s3:FROBNICATE", policy.ResourceBucket},
	{"s3:ListBucket", policy.ResourceBucket}, {"S3:ListObjectsV2", policy.ResourceBucket}, {"s3:HeadBucket", policy.ResourceBucket},
	{"s3:PutLifecycleConfiguration", policy.ResourceBucket}, {"s3:PutBucketLifecycleConfiguration", policy.ResourceBucket},
	{"s3:GetBucketPolicy", policy.ResourceBucket}, {"s3:DeleteBucketPolicy", policy.ResourceBucket}, {"s3:PutBucketPolicy", policy.ResourceBucket},
	{"s3:putbucketpolicy", policy.ResourceBucket}, {"s3:CreateBucket", policy.ResourceBucket}, {"s3:GetObject", policy.ResourceBucket},
	{"s3:DeleteObjects", policy.ResourceBucket}, {"s3:PostObject", policy.ResourceBucket}, {"s3:CreateSession", policy.ResourceBucket},
	{"s3:GetObjectAttributes", policy.ResourceObject}, {"s3:RenameObject", policy.ResourceObject}, {"s3:CopyObject", policy.ResourceObject},
	{"s3:GetObjectAttributes", policy.ResourceBucket}, {"s3:DeleteBucketCors", policy.ResourceBucket},
	{"s3:ListAllMyBuckets", policy.ResourceOrganization}, {"s3:ListBuckets", policy.ResourceOrganization},
	{"cwobject:EnsureAccessPolicy", policy.ResourceOrganization}, {"CWobject:Xyz", policy.ResourceOrganization},
	{"iam:ListUsers", policy.ResourceTyped}, {"read", policy.ResourceTyped},
}

// organizationAction makes an action pattern of an organization policy.
func (w *smallWorld) organizationAction() string {
	if w.chance(8) {
		return pick(w.generator, "*", "cwobject:*", "cwobject:Ensure*", "CWOBJECT:x?z", "s3:ListAllMyBuckets", "s3:*")
	}
	return w.s3Action()
}

// bucketAction makes an action pattern of a bucket policy; those of other
// services are warnings, and match nothing there.
func (w *smallWorld) bucketAction() string {
	if w.chance(6) {
		return pick(w.generator, "*", "s3:*", "cwobject:*", "iam:Get*", "s3:*")
	}
	return w.s3Action()
}

// s3Action makes a pattern from the name of an action: some of its characters
// become wildcards, some change case. The service stays literal (specification
// 1.6).
func (w *smallWorld) s3Action() string {
	for {
		name := asked[w.IntN(len(asked))].name
		service, rest, _ := strings.Cut(name, ":")
		if !strings.EqualFold(service, "s3") || rest == "" {
			continue
		}
		switch w.IntN(6) {
		case 0:
			rest = rest[:w.IntN(len(rest))] + "*"
		case 1:
			rest = "*" + rest[w.IntN(len(rest)):]
		case 2:
			at := w.IntN(len(rest))
			rest = rest[:at] + "?" + rest[at+1:]
		case 3:
			at := w.IntN(len(rest))
			rest = rest[:at] + "*" + rest[at+w.IntN(len(rest)-at):]
		case 4:
			rest = pick(w.generator, strings.ToLower, strings.ToUpper)(rest)
		}
		return service + ":" + rest
	}
}

// onOrganizationOnly tells the statements that must list `*` in resources
// (specification 1.4).
func onOrganizationOnly(actions []string) bool {
	for _, a := range actions {
		a = strings.ToLower(a)
		if !strings.HasPrefix(a, "cwobject:") && a != "s3:listallmybuckets" {
			return false
		}
	}
	return true
}

// resource makes a resource pattern from a bucket and a key of the world, so
// that it often matches. With variables, `${` means something in it.
func (w *smallWorld) resource(variables bool) string {
	bucket, key := pick(w.generator, w.buckets...), pick(w.generator, w.keys...)
	switch w.IntN(8) {
	case 0:
		if !w.narrow {
			return pick(w.generator, "*", "*", "**", "*/*", bucket+"*", "?*", "*a", "?")
		}
	case 1:
		return bucket
	case 2:
		return bucket + "/*"
	case 3:
		if !variables {
			return bucket + "/" + key // a `*` in it is a wildcard all the same
		}
		return bucket + "/" + w.generalise(key, variables, 0)
	case 4:
		return w.generalise(bucket, variables, 3)
	case 5:
		return bucket + "/" + w.generalise(key[:w.boundary(key)], variables, 8) + "*"
	}
	return w.generalise(bucket+"/"+key, variables, pick(w.generator, 3, 6, 12))
}

// boundary is a random place between two characters of text.
func (w *smallWorld) boundary(text string) int {
	at := w.IntN(len(text) + 1)
	for at < len(text) && text[at]&0xc0 == 0x80 {
		at++
	}
	return at
}

// generalise turns a text into a pattern that mostly still matches it: once in
// n characters, one becomes a wildcard, a variable, or goes; n = 0 changes
// nothing. With variables, what would be special is escaped.
func (w *smallWorld) generalise(text string, variables bool, n int) string {
	var out strings.Builder
	for _, c := range text {
		same := string(c)
		switch {
		case variables && c == '$':
			same = "${$}"
		case variables && (c == '*' || c == '?') && !w.chance(3):
			same = "${" + same + "}"
		}
		if n == 0 || !w.chance(n) {
			out.WriteString(same)
			continue
		}
		switch w.IntN(6) {
		case 0, 1:
			out.WriteString("?")
		case 2:
			out.WriteString("*" + same)
		case 3:
			out.WriteString("*")
		case 4:
			if variables {
				out.WriteString(w.variable())
			} else {
				out.WriteString("${aws:username}")
			}
		}
	}
	if out.Len() == 0 {
		return "*"
	}
	return out.String()
}

// variable makes a policy variable (specification 1.7).
func (w *smallWorld) variable() string {
	key := pick(w.generator, "aws:username", "aws:username", "k", "AWS:UserName", "s3:prefix", "cw:PrincipalOrgID", "aws:ResourceOrgID", "iam:o1:groups",
		"oidc:o1:sub", "subject.level", "resource.x", "aws:EpochTime", "n", "absent", "*", "k?",
		"subject.type", "subject.id", "resource.type", "resource.id", "action.name", "aws:PrincipalArn", "aws:PrincipalAccount")
	if key == "*" || w.chance(3) {
		return "${" + key + ", '" + pick(w.generator, "a", "b", "", "*", "é", "${a", "a/b", ", ") + "'}"
	}
	return "${" + key + "}"
}
