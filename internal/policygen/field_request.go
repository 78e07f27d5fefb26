package policygen

import (
	"slices"
	"strconv"
	"strings"

	"postern/policy"
)

// fieldObjectActions are what requests of the field ask for on objects.
var fieldObjectActions = []string{
	"s3:GetObject", "s3:GetObject", "s3:GetObject", "s3:PutObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectVersion", "s3:GetObjectAcl", "s3:PutObjectAcl",
	"s3:GetObjectTagging", "s3:PutObjectTagging", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:DeleteObjectVersion",
}

// fieldBucketActions are what they ask for on buckets.
var fieldBucketActions = []string{"s3:ListBucket", "s3:ListBucket", "s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation", "s3:GetBucketVersioning", "s3:ListBucketMultipartUploads"}

// workload ends the building.
func (f *field) workload(name string) *Workload {
	return &Workload{
		Name: name, Directory: f.directory, Statements: f.count, seed: f.seed,
		draw: f.draw, answer: f.answer,
	}
}

// answer decides as specification 1.3 says: the caller's own organization, then
// the bucket. The Denies to everyone of the owner's organization, which reach
// callers of others, are the same in every organization, and so are asked with the
// caller's own.
func (f *field) answer(r *policy.Request) policy.Outcome {
	bucket := bucketNumber(r.Resource.ID)
	owner := f.owner[bucket]
	own := int32(slices.Index(f.organizations, r.Principal.Org))
	if outcome := fieldLayer(f.wide[own], r, f.organizations[owner]); outcome != policy.Allow {
		return outcome
	}
	return fieldLayer(f.policies[bucket].Statements, r, f.organizations[owner])
}

func fieldLayer(statements []policy.Statement, r *policy.Request, owner string) policy.Outcome {
	outcome := policy.ImplicitDeny
	for i := range statements {
		if s := &statements[i]; fieldSatisfied(s, r, owner) {
			if s.Effect == policy.EffectDeny {
				return policy.ExplicitDeny
			}
			outcome = policy.Allow
		}
	}
	return outcome
}

// fieldSatisfied is satisfied for what else the field writes: NotPrincipal, the
// variable ${aws:username}, the keys that the server sets.
func fieldSatisfied(s *policy.Statement, r *policy.Request, owner string) bool {
	named := slices.ContainsFunc(s.Principals, func(p policy.PrincipalPattern) bool {
		return (p.Org == "" || p.Org == r.Principal.Org) && namesCaller(p, &r.Principal)
	})
	if named == s.NotPrincipal || !slices.ContainsFunc(s.Actions, func(a string) bool { return glob(a, r.Action) }) {
		return false
	}
	name, known := ownName(&r.Principal, owner)
	matches := func(pattern, text string) bool {
		if strings.Contains(pattern, "${") {
			if !known {
				return false
			}
			pattern = strings.ReplaceAll(pattern, "${aws:username}", name)
		}
		return glob(pattern, text)
	}
	if !slices.ContainsFunc(s.Resources, func(p string) bool { return matches(p, r.Resource.ID) }) {
		return false
	}
	for _, c := range s.Conditions {
		switch c.Key {
		case "aws:PrincipalArn": // ArnNotLike
			for _, id := range r.Principal.IDs {
				if slices.Contains(c.Values, "arn:aws:iam::"+r.Principal.Org+":"+id) {
					return false
				}
			}
		case "s3:prefix": // StringLike
			prefix, stated := "", false
			for _, a := range r.Context {
				if a.Key == c.Key {
					prefix, stated = a.Values[0].Text, true
				}
			}
			if !stated || !slices.ContainsFunc(c.Values, func(v string) bool { return matches(v, prefix) }) {
				return false
			}
		default:
			if !holds(c, r) {
				return false
			}
		}
	}
	return true
}

// draw makes a request that a statement of a bucket is likely to satisfy.
func (f *field) draw(g generator, effect policy.Effect) *policy.Request {
	bucket := g.IntN(len(f.policies))
	d := f.policies[bucket]
	s := &d.Statements[g.IntN(len(d.Statements))]
	if s.Effect != effect && effect != policy.EffectNone {
		return nil
	}
	org := f.organizations[f.owner[bucket]]
	caller := &policy.Principal{Org: org, IDs: []string{user(g.IntN(200_000)), f.roles[g.IntN(len(f.roles))].Name}}
	stranger := effect == policy.EffectNone && g.chance(2)
	switch p := pick(g, s.Principals...); {
	case stranger:
		caller.IDs[1] = role(40 + g.IntN(100))
	case s.NotPrincipal || p.Kind != policy.PrincipalExact:
	case strings.HasPrefix(p.Name, "role/"):
		caller.IDs[1] = p.Name
	default:
		caller.IDs[0] = p.Name
	}
	if len(f.organizations) > 1 && g.chance(10) {
		caller.Org = f.organizations[g.IntN(len(f.organizations))]
		for _, c := range s.Conditions {
			if c.Key == "cw:PrincipalOrgID" && g.chance(2) {
				if org := pick(g, c.Values...); slices.Contains(f.organizations, org) {
					caller.Org = org
				}
			}
		}
	}
	pattern := pick(g, s.Resources...)
	if name, ok := ownName(caller, org); ok {
		pattern = strings.ReplaceAll(pattern, "${aws:username}", name)
	}
	resource, key, onObject := strings.Cut(pattern, "/")
	actions := fieldBucketActions
	if onObject {
		actions = fieldObjectActions
	}
	action := pick(g, actions...)
	if !slices.ContainsFunc(s.Actions, func(a string) bool { return glob(a, action) }) {
		return nil
	}
	r := &policy.Request{
		Principal: *caller,
		Action:    action,
		Resource:  policy.Resource{Kind: policy.ResourceBucket, Type: "bucket", ID: resource},
		Now:       workloadNow,
	}
	if onObject {
		if effect == policy.EffectNone && !stranger {
			key = g.key(pick(g, fieldWords...) + "/")
		} else {
			key = fillKey(g, key)
		}
		if len(key) > 200 {
			return nil
		}
		r.Resource = policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: resource + "/" + key}
	}
	r.Context = fieldContext(g, r, s)
	return r
}

// fieldContext is what an S3 gateway knows of a request: 6 to 12 keys, with
// values for which the conditions of a statement are likely to hold.
func fieldContext(g generator, r *policy.Request, s *policy.Statement) []policy.Attribute {
	var out []policy.Attribute
	set := func(key, value string) {
		i := slices.IndexFunc(out, func(a policy.Attribute) bool { return a.Key == key })
		if i < 0 {
			i = len(out)
			out = append(out, policy.Attribute{Key: key})
		}
		out[i].Values = []policy.Value{{Kind: policy.ValueString, Text: value}}
	}
	set("aws:SecureTransport", "true")
	set("aws:SourceIp", "10."+strconv.Itoa(g.IntN(200))+"."+strconv.Itoa(g.IntN(256))+"."+strconv.Itoa(g.IntN(256)))
	set("aws:UserAgent", "aws-sdk-go-v2/1."+strconv.Itoa(g.IntN(40))+".0 os/linux lang/go#1.26")
	set("s3:authType", "REST-HEADER")
	set("s3:signatureversion", "AWS4-HMAC-SHA256")
	set("s3:signatureAge", strconv.Itoa(g.IntN(900_000)))
	if g.chance(2) {
		set("s3:TlsVersion", "1.3")
	}
	switch r.Action {
	case "s3:ListBucket", "s3:ListBucketVersions":
		set("s3:prefix", pick(g, "", "home/", pick(g, fieldWords...)+"/"))
		set("s3:delimiter", "/")
		set("s3:max-keys", "1000")
	case "s3:PutObject":
		set("s3:x-amz-content-sha256", "UNSIGNED-PAYLOAD")
		if !g.chance(8) {
			set("s3:x-amz-server-side-encryption", pick(g, "AES256", "aws:kms", "aws:kms"))
		}
		set("s3:x-amz-acl", pick(g, "private", "bucket-owner-full-control"))
		set("s3:RequestObjectTag/team", pick(g, fieldWords...))
	case "s3:GetObject":
		set("s3:ExistingObjectTag/class", pick(g, "public", "internal", "released"))
	}
	for _, c := range s.Conditions {
		switch c.Key {
		case "cw:PrincipalOrgID", "aws:PrincipalArn": // the server's
		case "s3:prefix":
			if name, ok := ownName(&r.Principal, r.Principal.Org); ok && r.Action == "s3:ListBucket" {
				set(c.Key, strings.ReplaceAll(plain(g, c.Key, pick(g, c.Values...)), "${aws:username}", name))
			}
		default:
			if g.chance(8) {
				continue
			}
			text, stated := fitting(g, c)
			if stated {
				set(c.Key, text)
			} else {
				out = slices.DeleteFunc(out, func(a policy.Attribute) bool { return a.Key == c.Key })
			}
		}
	}
	return out
}
