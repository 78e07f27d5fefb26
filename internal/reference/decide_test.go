package reference

import (
	"reflect"
	"strings"
	"testing"

	"postern/policy"
)

// world is o1 with bucket b, o2 without buckets, o3 without a folder; both
// organizations allow everything unless changed.
func world(change ...func(d *policy.Directory)) *policy.Directory {
	d := &policy.Directory{
		Organizations: map[string]*policy.DirectoryOrganization{
			"o1": organization("o1", allow("*", "*")),
			"o2": organization("o2", allow("*", "*")),
		},
		Buckets: map[string]*policy.DirectoryBucket{"b": bucket()},
	}
	for _, c := range change {
		c(d)
	}
	return d
}

func change(name string, to func(o *policy.DirectoryOrganization)) func(d *policy.Directory) {
	return func(d *policy.Directory) { to(d.Organizations[name]) }
}

func changeBucket(to func(b *policy.DirectoryBucket)) func(d *policy.Directory) {
	return func(d *policy.Directory) { to(d.Buckets["b"]) }
}

func policies(name string, statements ...policy.Statement) func(d *policy.Directory) {
	return func(d *policy.Directory) { d.Organizations[name].Policies = organization(name, statements...).Policies }
}

func bucketPolicy(statements ...policy.Statement) func(d *policy.Directory) {
	return func(d *policy.Directory) { d.Buckets["b"].Policy = bucket(statements...).Policy }
}

func stated(r *policy.Request, org string) *policy.Request {
	r.Resource.Org = org
	return r
}

func onOrganization(r *policy.Request, id string) *policy.Request {
	r.Resource.ID = id
	return r
}

// TestReasons: which layers decide (1.3), the order of reasons (1.8), and the
// layer that an answer names.
func TestReasons(t *testing.T) {
	get := func() *policy.Request { return request("s3:GetObject", "b/k") }
	ask := func(name string) *policy.Request { return request(name, "b") }
	whole := func(name string) *policy.Request { return request(name, "*") }
	foreign := func(r *policy.Request) *policy.Request { return by(r, "o2", "coreweave/u2") }
	otherBucket := func(name string) *policy.Request { return request(name, "new") }
	iam := func(name, id string) *policy.Request {
		r := request(name, "b")
		r.Resource = policy.Resource{Kind: policy.ResourceTyped, Type: "organization", ID: id}
		return r
	}

	unavailable := func(name string) func(d *policy.Directory) {
		return change(name, func(o *policy.DirectoryOrganization) { o.PoliciesUnavailable, o.Policies = true, nil })
	}
	iamUnavailable := change("o1", func(o *policy.DirectoryOrganization) { o.IAMUnavailable = true })
	bucketsUnavailable := change("o1", func(o *policy.DirectoryOrganization) { o.BucketsUnavailable = true })
	policyUnavailable := changeBucket(func(b *policy.DirectoryBucket) { b.PolicyUnavailable = true })
	contested := changeBucket(func(b *policy.DirectoryBucket) { b.Claimants = []string{"o2", "o4"} })
	openBucket := bucketPolicy(allow("*", "*"))
	defaultO1 := func(d *policy.Directory) { d.DefaultOrganization = "o1" }
	none, organizationLayer, bucketLayer, iamLayer := policy.LayerNone, policy.LayerOrganization, policy.LayerBucket, policy.LayerIAM

	for _, c := range []struct {
		name      string
		directory *policy.Directory
		request   *policy.Request
		reason    policy.Reason
		layer     policy.Layer
	}{
		{"no organization", world(), by(get(), "", "coreweave/u1"), policy.Anonymous, none},
		{"no identifier", world(), by(get(), "o1"), policy.Anonymous, none},
		{"anonymous before unavailable", world(unavailable("o1")), by(get(), "o1"), policy.Anonymous, none},
		{"anonymous in the iam layer", world(), by(iam("read", "*"), "", "coreweave/u1"), policy.Anonymous, none},
		{"default organization", world(defaultO1), by(get(), "", "coreweave/u1"), policy.Allowed, bucketLayer},
		{"default organization fills no identifier", world(defaultO1), by(get(), ""), policy.Anonymous, none},

		{"unavailable", world(unavailable("o1")), get(), policy.OrganizationUnavailable, none},
		{"unavailable before owner", world(unavailable("o1")), stated(get(), "o2"), policy.OrganizationUnavailable, none},
		{"unavailable for cwobject", world(unavailable("o1")), whole("cwobject:X"), policy.OrganizationUnavailable, none},
		{"unavailable, not for iam", world(unavailable("o1")), iam("iam:X", "*"), policy.IAMNoMatch, iamLayer},
		{"no folder", world(), by(get(), "o3", "coreweave/u"), policy.NoOrganizationPolicy, organizationLayer},
		{"no policy", world(policies("o1")), whole("CWOBJECT:x"), policy.NoOrganizationPolicy, organizationLayer},

		{"owner stated", world(), stated(get(), "o1"), policy.Allowed, bucketLayer},
		{"owner stated wrong", world(), stated(get(), "o2"), policy.OwnerMismatch, none},
		{"mismatch before no policy", world(policies("o1")), stated(get(), "o2"), policy.OwnerMismatch, none},
		{"owner unknown", world(), otherBucket("s3:GetBucketAcl"), policy.OwnerUnknown, none},
		{"owner unknown for PutBucketPolicy", world(), otherBucket("s3:PutBucketPolicy"), policy.OwnerUnknown, none},
		{"owner stated, bucket unnamed", world(), stated(otherBucket("s3:ListBucket"), "o1"), policy.Allowed, bucketLayer},
		{"owner by default", world(defaultO1), otherBucket("s3:ListBucket"), policy.Allowed, bucketLayer},
		{"owner by default is not the caller", world(defaultO1), foreign(otherBucket("s3:ListBucket")), policy.CrossOrganizationNoAllow, bucketLayer},
		{"owner stated foreign, bucket unnamed", world(), stated(otherBucket("s3:ListBucket"), "o2"), policy.CrossOrganizationNoAllow, bucketLayer},

		{"tenant: ListAllMyBuckets", world(), whole("s3:ListAllMyBuckets"), policy.Allowed, organizationLayer},
		{"tenant: ListBuckets is it too", world(), whole("s3:listbuckets"), policy.Allowed, organizationLayer},
		{"tenant: own id", world(), onOrganization(whole("s3:ListAllMyBuckets"), "o1"), policy.Allowed, organizationLayer},
		{"tenant: other id", world(), onOrganization(whole("s3:ListAllMyBuckets"), "o2"), policy.OwnerMismatch, none},
		{"tenant: other org", world(), stated(whole("cwobject:X"), "o2"), policy.OwnerMismatch, none},
		{"tenant: PutBucketPolicy", world(), foreign(stated(ask("s3:PutBucketPolicy"), "o1")), policy.OwnerMismatch, none},
		{"tenant: CreateBucket", world(), stated(otherBucket("s3:CreateBucket"), "o2"), policy.OwnerMismatch, none},
		{"tenant: iam", world(), iam("iam:X", "o2"), policy.OwnerMismatch, none},
		{"tenant: bucket step asks others", world(openBucket), stated(foreign(get()), "o1"), policy.Allowed, bucketLayer},

		{"cwobject", world(), whole("cwobject:X"), policy.Allowed, organizationLayer},
		{"cwobject needs the one-character *", world(policies("o1", allow("*", "** b"))), whole("cwobject:X"), policy.OrganizationNoMatch, organizationLayer},
		{"a Deny needs it too", world(policies("o1", allow("*", "*"), deny("*", "**"))), whole("cwobject:X"), policy.Allowed, organizationLayer},
		{"cwobject denied", world(policies("o1", allow("*", "*"), deny("cwobject:*", "*"))), whole("cwobject:X"), policy.OrganizationDeny, organizationLayer},
		{"cwobject, iam unknown", world(iamUnavailable), whole("cwobject:X"), policy.IAMUnavailable, iamLayer},
		{"cwobject denied, iam unknown", world(iamUnavailable, policies("o1", deny("*", "*"))), whole("cwobject:X"), policy.OrganizationDeny, organizationLayer},
		{"cwobject no match, iam unknown", world(iamUnavailable, policies("o1", allow("s3:*", "*"))), whole("cwobject:X"), policy.OrganizationNoMatch, organizationLayer},
		{"cwobject no policy, iam unknown", world(iamUnavailable, policies("o1")), whole("cwobject:X"), policy.NoOrganizationPolicy, organizationLayer},
		{"iam unknown touches no s3", world(iamUnavailable), whole("s3:ListAllMyBuckets"), policy.Allowed, organizationLayer},
		{"iam", world(), iam("iam:ListUsers", "*"), policy.IAMNoMatch, iamLayer},
		{"iam without service", world(), iam("read", "o1"), policy.IAMNoMatch, iamLayer},
		{"iam unknown", world(iamUnavailable), iam("iam:ListUsers", "*"), policy.IAMUnavailable, iamLayer},

		{"PutBucketPolicy", world(bucketPolicy(deny("*", "*"))), ask("S3:putbucketpolicy"), policy.Allowed, organizationLayer},
		{"PutBucketPolicy, broken policy", world(policyUnavailable), ask("s3:PutBucketPolicy"), policy.Allowed, organizationLayer},
		{"PutBucketPolicy, buckets unknown", world(bucketsUnavailable), stated(otherBucket("s3:PutBucketPolicy"), "o1"), policy.Allowed, organizationLayer},
		{"PutBucketPolicy, foreign", world(openBucket), foreign(ask("s3:PutBucketPolicy")), policy.NotBucketOwner, organizationLayer},
		{"PutBucketPolicy, foreign and denied", world(policies("o2", deny("*", "*"))), foreign(ask("s3:PutBucketPolicy")), policy.OrganizationDeny, organizationLayer},
		{"GetBucketPolicy", world(openBucket), ask("s3:GetBucketPolicy"), policy.Allowed, bucketLayer},
		{"GetBucketPolicy, foreign", world(openBucket), foreign(ask("s3:GetBucketPolicy")), policy.NotBucketOwner, bucketLayer},
		{"DeleteBucketPolicy, foreign, owner unavailable", world(unavailable("o1")), foreign(ask("s3:DeleteBucketPolicy")), policy.NotBucketOwner, bucketLayer},
		{"CreateBucket, new", world(), otherBucket("s3:CreateBucket"), policy.Allowed, organizationLayer},
		{"CreateBucket, own", world(policyUnavailable), ask("s3:CreateBucket"), policy.Allowed, organizationLayer},
		{"CreateBucket, another's", world(openBucket), foreign(ask("s3:CreateBucket")), policy.NotBucketOwner, organizationLayer},
		{"CreateBucket, new, not the default organization's", world(defaultO1), foreign(otherBucket("s3:CreateBucket")), policy.Allowed, organizationLayer},

		{"contested", world(contested, openBucket), get(), policy.BucketPolicyUnavailable, bucketLayer},
		{"contested, by a claimant", world(contested, openBucket), stated(foreign(get()), "o2"), policy.BucketPolicyUnavailable, bucketLayer},
		{"contested, organization step first", world(contested, policies("o1", deny("*", "*"))), get(), policy.OrganizationDeny, organizationLayer},
		{"contested, stated outsider", world(contested), stated(get(), "o3"), policy.OwnerMismatch, none},
		{"contested, PutBucketPolicy", world(contested), ask("s3:PutBucketPolicy"), policy.BucketPolicyUnavailable, bucketLayer},
		{"contested, PutBucketPolicy of a claimant", world(contested), foreign(ask("s3:PutBucketPolicy")), policy.BucketPolicyUnavailable, bucketLayer},
		{"contested, CreateBucket", world(contested), ask("s3:CreateBucket"), policy.NotBucketOwner, organizationLayer},

		{"bucket policy unknown", world(policyUnavailable), get(), policy.BucketPolicyUnavailable, bucketLayer},
		{"buckets unknown, this one known", world(bucketsUnavailable), get(), policy.Allowed, bucketLayer},
		{"buckets unknown", world(bucketsUnavailable), stated(otherBucket("s3:ListBucket"), "o1"), policy.BucketPolicyUnavailable, bucketLayer},
		{"buckets unknown, foreign", world(bucketsUnavailable), foreign(stated(otherBucket("s3:ListBucket"), "o1")), policy.BucketPolicyUnavailable, bucketLayer},
		{"buckets unknown, by default", world(bucketsUnavailable, defaultO1), otherBucket("s3:ListBucket"), policy.BucketPolicyUnavailable, bucketLayer},
		{"bucket denies", world(bucketPolicy(allow("*", "*"), deny("s3:Get*", "b/k"))), get(), policy.BucketDeny, bucketLayer},
		{"only Denies shut everyone out", world(bucketPolicy(deny("s3:Put*", "*"))), get(), policy.BucketNoMatch, bucketLayer},

		{"foreign, own organization denies", world(openBucket, policies("o2", allow("*", "*"), deny("s3:GetObject", "b/*"))), foreign(get()), policy.OrganizationDeny, organizationLayer},
		{"foreign, own organization has nothing", world(openBucket, policies("o2")), foreign(get()), policy.NoOrganizationPolicy, organizationLayer},
		{"foreign, owner unavailable", world(openBucket, unavailable("o1")), foreign(get()), policy.OrganizationUnavailable, organizationLayer},
		{"foreign, owner without policies", world(openBucket, policies("o1")), foreign(get()), policy.Allowed, bucketLayer},
		{"foreign, owner's Deny of *", world(openBucket, policies("o1", deny("s3:Get*", "b/*", exact("role/x"), policy.PrincipalPattern{Kind: policy.PrincipalEveryone}))), foreign(get()), policy.OwnerOrganizationDeny, organizationLayer},
		{"foreign, owner's Deny of * elsewhere", world(openBucket, policies("o1", deny("s3:Put*", "b/*"), deny("s3:Get*", "c/*"))), foreign(get()), policy.Allowed, bucketLayer},
		{"foreign, owner's Deny of this name", world(openBucket, policies("o1", deny("*", "*", exact("coreweave/u2"), prefix("coreweave/")))), foreign(get()), policy.Allowed, bucketLayer},
		{"foreign, owner's Deny before a broken policy", world(policyUnavailable, policies("o1", deny("*", "*"))), foreign(get()), policy.OwnerOrganizationDeny, organizationLayer},
		{"foreign, bucket denies", world(bucketPolicy(allow("*", "*"), deny("*", "*"))), foreign(get()), policy.BucketDeny, bucketLayer},
		{"foreign, no bucket policy", world(), foreign(get()), policy.CrossOrganizationNoAllow, bucketLayer},

		{"an object asked for ListAllMyBuckets", world(), request("s3:ListAllMyBuckets", "b"), policy.ReasonNone, none},
		{"the organization asked for GetObject", world(), whole("s3:GetObject"), policy.ReasonNone, none},
	} {
		got := New(c.directory).Evaluate(c.request).Decision
		want := policy.Decision{Outcome: c.reason.Outcome(), Reason: c.reason, Layer: c.layer}
		if got != want {
			t.Errorf("%s: got %s, want %s", c.name, show(got), show(want))
		}
	}
}

// TestPrincipals: 1.4, 1.5.
func TestPrincipals(t *testing.T) {
	everyone := policy.PrincipalPattern{Kind: policy.PrincipalEveryone}
	org := func(name string) policy.PrincipalPattern {
		return policy.PrincipalPattern{Kind: policy.PrincipalOrganization, Org: name}
	}
	for _, c := range []struct {
		name      string
		principal policy.PrincipalPattern
		caller    string
		ids       string
		names     bool // as a Principal
		exempts   bool // in a NotPrincipal
	}{
		{"*", everyone, "o1", "role/a", true, true},
		{"exact", inOrg("o1", exact("role/a")), "o1", "x/y role/a", true, true},
		{"exact, other case", inOrg("o1", exact("role/A")), "o1", "role/a", false, false},
		{"exact is not a prefix", inOrg("o1", exact("role/a")), "o1", "role/ab", false, false},
		{"exact, other organization", inOrg("o2", exact("role/a")), "o1", "role/a", false, false},
		{"prefix", inOrg("o1", prefix("role/a")), "o1", "x/y role/a/b:c", true, true},
		{"prefix, nothing after it", inOrg("o1", prefix("role/a")), "o1", "role/a", true, true},
		{"prefix, ? is literal", inOrg("o1", prefix("role/?")), "o1", "role/a", false, false},
		{"prefix, other organization", inOrg("o2", prefix("role/a")), "o1", "role/a", false, false},
		{"organization", org("o1"), "o1", "role/a", true, true},
		{"other organization", org("o2"), "o1", "role/a", false, false},
		{"account", account("o1"), "o1", "role/a", true, false},
		{"other account", account("o2"), "o1", "role/a", false, false},
	} {
		ask := by(request("s3:GetObject", "b/k"), c.caller, strings.Fields(c.ids)...)
		got := New(world(bucketPolicy(allow("*", "*", c.principal)))).Evaluate(ask).Decision.Outcome == policy.Allow
		if got != c.names {
			t.Errorf("%s: names the caller: %v", c.name, got)
		}
		not := deny("*", "*", inOrg("o9", exact("x/y")), c.principal)
		not.NotPrincipal = true
		got = New(world(bucketPolicy(allow("*", "*"), not))).Evaluate(ask).Decision.Outcome == policy.Allow
		if got != c.exempts {
			t.Errorf("%s: exempts the caller: %v", c.name, got)
		}
		not.Effect = policy.EffectAllow
		if New(world(bucketPolicy(not))).Evaluate(ask).Decision.Outcome == policy.Allow {
			t.Errorf("%s: NotPrincipal allows", c.name)
		}
	}
}

// TestExplanation: determining statements and steps, in order (1.8).
func TestExplanation(t *testing.T) {
	name := func(s policy.Statement, name string, line int) policy.Statement {
		s.Name, s.Line = name, line
		return s
	}
	d := world(openTo("o2"))
	d.Organizations["o2"].Policies = []*policy.Document{
		organizationDocument("o2/access-policies/z.json", name(allow("s3:*", "*"), "all", 3), deny("s3:*", "c"), name(allow("s3:Get*", "b/*"), "get", 9)),
		organizationDocument("o2/access-policies/a.json", name(allow("*", "*"), "any", 4), allow("s3:Put*", "*")),
	}
	ask := by(request("s3:GetObject", "b/k"), "o2", "coreweave/u2")
	got := New(d).Evaluate(ask)
	ref := func(file, statement string, index, line int, layer policy.Layer) policy.StatementRef {
		document := file
		if layer == policy.LayerBucket {
			document = ""
		}
		return policy.StatementRef{Document: document, Statement: statement, Index: index, File: file, Line: line, Effect: policy.EffectAllow, Layer: layer}
	}
	want := policy.Explanation{
		Decision: policy.Decision{Outcome: policy.Allow, Reason: policy.Allowed, Layer: policy.LayerBucket},
		Determining: []policy.StatementRef{
			ref("o2/access-policies/a.json", "any", 0, 4, policy.LayerOrganization),
			ref("o2/access-policies/z.json", "all", 0, 3, policy.LayerOrganization),
			ref("o2/access-policies/z.json", "get", 2, 9, policy.LayerOrganization),
			ref("o1/buckets/b.json", "", 0, 0, policy.LayerBucket),
		},
		Steps: []policy.Step{
			{Layer: policy.LayerOrganization, Org: "o2", Outcome: policy.Allow},
			{Layer: policy.LayerOrganization, Org: "o1", Outcome: policy.Allow},
			{Layer: policy.LayerBucket, Org: "o1", Outcome: policy.Allow},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}

	// A denial names the Denies of the layer that decided, and no Allow.
	got = New(world(policies("o1", allow("*", "*"), deny("*", "*"), deny("s3:*", "x"), deny("s3:G*", "*")))).Evaluate(request("s3:GetObject", "b/k"))
	if len(got.Determining) != 2 || got.Determining[0].Index != 1 || got.Determining[1].Index != 3 || got.Determining[0].Effect != policy.EffectDeny {
		t.Errorf("determining %+v", got.Determining)
	}
	if want := []policy.Step{{Layer: policy.LayerOrganization, Org: "o1", Outcome: policy.ExplicitDeny}}; !reflect.DeepEqual(got.Steps, want) {
		t.Errorf("steps %+v", got.Steps)
	}

	// What nothing matched is determined by nothing.
	got = New(world(bucketPolicy(deny("s3:Put*", "*")))).Evaluate(request("s3:GetObject", "b/k"))
	if len(got.Determining) != 0 || len(got.Steps) != 2 || got.Steps[1].Outcome != policy.ImplicitDeny {
		t.Errorf("no match: %+v", got)
	}
}

func openTo(org string) func(d *policy.Directory) {
	return bucketPolicy(allow("*", "b b/*", account(org)))
}

// TestNotActionNotResource: the lists inverted (1.5).
func TestNotActionNotResource(t *testing.T) {
	notAction := allow("s3:GetObject s3:Put*", "*")
	notAction.NotAction = true
	notResource := deny("*", "b b/open/*")
	notResource.NotResource = true
	e := New(world(bucketPolicy(notAction, notResource)))
	for _, c := range []struct {
		action, resource string
		want             policy.Reason
	}{
		{"s3:ListBucket", "b", policy.Allowed},
		{"s3:GetObject", "b/open/k", policy.BucketNoMatch},
		{"s3:HeadObject", "b/open/k", policy.BucketNoMatch}, // also GetObject
		{"s3:DeleteObject", "b/open/k", policy.Allowed},
		{"s3:DeleteObject", "b/k", policy.BucketDeny},
	} {
		if got := e.Evaluate(request(c.action, c.resource)).Decision.Reason; got != c.want {
			t.Errorf("%s on %s: %s, want %s", c.action, c.resource, got, c.want)
		}
	}
}

// TestNoPanic: nothing that a caller of Evaluate may hand in crashes it, and
// what is not a request is denied.
func TestNoPanic(t *testing.T) {
	broken := &policy.Directory{
		Organizations: map[string]*policy.DirectoryOrganization{"o1": {Policies: []*policy.Document{nil, {Statements: []policy.Statement{{}, {Effect: policy.EffectAllow}}}}}, "o2": nil},
		Buckets: map[string]*policy.DirectoryBucket{"b": {Owner: "o1", Policy: &policy.Document{Variables: true, Statements: []policy.Statement{
			{Effect: policy.EffectAllow, Principals: []policy.PrincipalPattern{{}}, Actions: []string{""}, Resources: []string{"${", "${}", "${a", "${a,b}", "\xff"},
				Conditions: []policy.Condition{{}, {Operator: policy.Operator{Test: policy.Null}}}},
		}}}, "c": nil},
	}
	odd := []*policy.Request{{}, request("", ""), request("s3:", ""), request("s3:GetObject", "/"), request("s3:GetObject", "\xff/\xff"), request("s3:ListBucket", "c"),
		by(request("s3:GetObject", "b/k"), "o2", ""), request("cwobject:", "*")}
	for _, d := range []*policy.Directory{nil, {}, broken} {
		for _, r := range odd {
			if got := New(d).Evaluate(r).Decision; got.Outcome == policy.Allow {
				t.Errorf("%+v is allowed", r)
			}
		}
	}
}
