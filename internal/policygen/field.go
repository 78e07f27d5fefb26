package policygen

import (
	"math"
	"strconv"
	"strings"

	"postern/policy"
)

// field builds the workloads whose policies are as people write them
// (specification 5): what S3's user guide, CoreWeave's documentation and public
// Terraform modules show, in the mixture that they have.
type field struct{ *tenancy }

// fieldOrganizations is how many organizations FieldTenants has at most.
const fieldOrganizations = 1000

// Field is the workload `field`: b buckets with policies as people write them,
// and one organization with 30 statements.
func Field(b int, seed uint64) *Workload {
	f := &field{tenancy: newTenancy(seed, 0, b)}
	f.organization(acme, b)
	return f.workload("field")
}

// FieldTenants is the workload `field-tenants`: Field over 1,000 organizations,
// or b/10 where that is less, whose sizes follow the power law of Tenants; a
// tenth of the requests come from another organization.
func FieldTenants(b int, seed uint64) *Workload {
	f := &field{tenancy: newTenancy(seed, 0, b)}
	organizations := min(fieldOrganizations, max(b/10, 1))
	share := 0.0
	for i := range organizations {
		share += 1 / float64(i+1)
	}
	left := b
	for i := range organizations {
		// What rounding leaves goes to the smallest.
		own := min(max(1, int(math.Round(float64(b)/share/float64(i+1)))), left-(organizations-1-i))
		if i == organizations-1 {
			own = left
		}
		left -= own
		f.organization(numbered("org-", i), own)
	}
	return f.workload("field-tenants")
}

// organization adds one with 30 statements in the shapes of CoreWeave's nine
// examples, and its buckets.
func (f *field) organization(name string, buckets int) {
	first := len(f.owner)
	number := int32(len(f.organizations))
	for i := range buckets {
		f.directory.Buckets[bucketName(first+i)] = &policy.DirectoryBucket{Owner: name}
		f.owner = append(f.owner, number)
	}
	f.organizations = append(f.organizations, name)

	everyone := []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}
	exact := func(name string) []policy.PrincipalPattern {
		return []policy.PrincipalPattern{{Kind: policy.PrincipalExact, Name: name}}
	}
	all := []string{"*"}
	keys := []string{"cwobject:CreateAccessKey", "cwobject:CreateAccessKeySAML", "cwobject:ListAccessPolicy", "cwobject:ListAccessKeyInfo"}
	statements := []policy.Statement{
		{Effect: policy.EffectAllow, Principals: exact("role/Admin"), Actions: []string{"s3:*"}, Resources: all},
		{Effect: policy.EffectAllow, Principals: exact("role/Admin"), Actions: []string{"cwobject:*"}, Resources: all},
		{Effect: policy.EffectAllow, Principals: []policy.PrincipalPattern{{Kind: policy.PrincipalPrefix, Name: "role/team-"}}, Actions: []string{"s3:*"}, Resources: all},
		{Effect: policy.EffectAllow, Principals: everyone, Actions: keys, Resources: all},
		{Effect: policy.EffectAllow, Principals: exact("role/team-0000"), Actions: []string{"s3:List*", "s3:Get*", "s3:Head*"}, Resources: all},
		{Effect: policy.EffectDeny, Principals: everyone, Actions: []string{"s3:DeleteBucket", "s3:PutLifecycleConfiguration"}, Resources: all},
		{Effect: policy.EffectDeny, Principals: everyone, Actions: []string{"s3:DeleteObject", "s3:DeleteObjectVersion"}, Resources: []string{"*/audit/*"}},
	}
	for len(statements) < 30 {
		bucket := bucketName(first + f.IntN(buckets))
		resources := []string{bucket, bucket + "/*"}
		switch len(statements) % 3 {
		case 0:
			statements = append(statements, policy.Statement{Effect: policy.EffectAllow, Principals: exact(user(f.IntN(100_000))), Actions: []string{"s3:*"}, Resources: resources})
		case 1:
			statements = append(statements, policy.Statement{Effect: policy.EffectAllow, Principals: everyone, Actions: []string{"s3:GetObject", "s3:ListBucket"}, Resources: resources})
		default:
			statements = append(statements, policy.Statement{Effect: policy.EffectDeny, Principals: exact("role/" + f.word() + "-contractor"), Actions: []string{"s3:Put*", "s3:Delete*"}, Resources: resources})
		}
	}
	for i := range statements {
		statements[i].Name, statements[i].Line = statementNames[i], i+2
	}
	f.wide = append(f.wide, statements)
	f.count += len(statements)
	f.directory.Organizations[name] = &policy.DirectoryOrganization{Policies: []*policy.Document{{
		Kind: policy.KindOrganization, Name: "object-store", NameLine: 1, NameColumn: 2, File: name + "/access-policies/object-store.json", Statements: statements,
	}}}
	for len(f.roles) < 40 {
		f.roles = append(f.roles, policy.PrincipalPattern{Kind: policy.PrincipalExact, Name: role(len(f.roles))})
	}
	for range buckets {
		f.bucketPolicy()
	}
}

var fieldWords = []string{"data", "logs", "backup", "reports", "models", "raw", "curated", "images", "exports", "billing", "events", "tmp", "artifacts", "training", "eval", "media"}

func (f *field) word() string { return pick(f.generator, fieldWords...) }

// fieldKinds are the kinds of bucket policies, each as often as it stands here.
var fieldKinds = [20]func(f *field, p *fieldPolicy){
	(*field).transport, (*field).transport, (*field).transport, (*field).transport,
	(*field).transport, (*field).transport, (*field).transport, (*field).transport,
	(*field).shared, (*field).shared, (*field).shared,
	(*field).network, (*field).network,
	(*field).home, (*field).home,
	(*field).encrypted, (*field).encrypted,
	(*field).lockDown,
	(*field).tagged,
	(*field).long,
}

// fieldPolicy is a bucket policy being written.
type fieldPolicy struct {
	f              *field
	org, bucket    string
	whole, objects []string // the bucket and its objects; its objects
	named          bool     // statements have a Sid
	statements     []policy.Statement
}

// bucketPolicy adds the policy of the next bucket.
func (f *field) bucketPolicy() {
	number := len(f.policies)
	org, bucket := f.organizations[f.owner[number]], bucketName(number)
	p := &fieldPolicy{f: f, org: org, bucket: bucket, named: f.chance(2)}
	p.whole = f.texts.list(bucket, bucket+"/*")
	p.objects = p.whole[1:]
	fieldKinds[f.IntN(len(fieldKinds))](f, p)
	d := &policy.Document{Kind: policy.KindBucket, File: org + "/buckets/" + bucket + ".json", Variables: true, Statements: p.statements}
	if f.chance(3) {
		d.Name, d.NameLine, d.NameColumn = bucket+"-policy", 1, 2
	}
	f.count += len(p.statements)
	f.policies = append(f.policies, d)
	f.directory.Buckets[bucket].Policy = d
}

// add appends a statement. conditions come as operator, key and values.
func (p *fieldPolicy) add(sid string, effect policy.Effect, principals []policy.PrincipalPattern, actions, resources []string, conditions ...fieldCondition) {
	s := policy.Statement{Effect: effect, Principals: principals, Actions: actions, Resources: resources, Line: len(p.statements) + 2}
	if p.named {
		s.Name = sid
	}
	for _, c := range conditions {
		o, ok := policy.ParseOperator(c.operator)
		if !ok {
			panic("no operator " + c.operator)
		}
		s.Conditions = append(s.Conditions, policy.Condition{Operator: o, Key: c.key, Values: c.values, Line: s.Line})
	}
	p.statements = append(p.statements, s)
}

type fieldCondition struct {
	operator, key string
	values        []string
}

// when is a condition.
func when(operator, key string, values ...string) fieldCondition {
	return fieldCondition{operator, key, values}
}

// The lists of actions that policies share.
var (
	fieldRead    = []string{"s3:Get*", "s3:List*"}
	fieldGetList = []string{"s3:GetObject", "s3:ListBucket"}
	fieldGet     = []string{"s3:GetObject"}
	fieldPut     = []string{"s3:PutObject"}
	fieldWrite   = []string{"s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"}
	fieldHome    = []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
	fieldList    = []string{"s3:ListBucket"}
	fieldAll     = []string{"s3:*"}
	fieldAnyone  = []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}
)

// exactly are the callers of the bucket's organization that have these names.
func (p *fieldPolicy) exactly(names ...string) []policy.PrincipalPattern {
	list := make([]policy.PrincipalPattern, len(names))
	for i, name := range names {
		list[i] = policy.PrincipalPattern{Kind: policy.PrincipalExact, Org: p.org, Name: name}
	}
	return p.f.principals.list(list...)
}

// teams are 1 to most roles, each once.
func (p *fieldPolicy) teams(most int) []policy.PrincipalPattern {
	names := make([]string, p.f.between(1, most))
	from := p.f.IntN(len(p.f.roles))
	for i := range names {
		names[i] = p.f.roles[(from+i*7)%len(p.f.roles)].Name
	}
	return p.exactly(names...)
}

func (f *field) transport(p *fieldPolicy) {
	p.add("DenyInsecureTransport", policy.EffectDeny, fieldAnyone, fieldAll, p.whole, when("Bool", "aws:SecureTransport", "false"))
	p.add("TeamRead", policy.EffectAllow, p.teams(5), fieldRead, p.whole)
	if f.chance(2) {
		p.add("PipelineWrite", policy.EffectAllow, p.teams(1), fieldWrite, f.texts.list(p.bucket+"/"+f.word()+"/"+f.word()+"/*"))
	}
	if f.chance(3) {
		p.add("Administration", policy.EffectAllow, p.exactly("role/Admin"), fieldAll, p.whole)
	}
}

func (f *field) shared(p *fieldPolicy) {
	orgs := []string{p.org}
	for range f.IntN(3) {
		orgs = append(orgs, numbered("org-", f.IntN(fieldOrganizations)))
	}
	p.add("OrganizationRead", policy.EffectAllow, fieldAnyone, fieldGetList, p.whole, when("StringEquals", "cw:PrincipalOrgID", orgs...))
}

func (f *field) network(p *fieldPolicy) {
	var ranges []string
	for range f.between(2, 20) {
		ranges = append(ranges, fieldRange(f.generator))
	}
	p.add("OnlyFromOffice", policy.EffectDeny, fieldAnyone, fieldAll, p.whole, when("NotIpAddress", "aws:SourceIp", ranges...))
	p.add("TeamAccess", policy.EffectAllow, p.teams(3), []string{"s3:Get*", "s3:List*", "s3:PutObject"}, p.whole)
}

// fieldRange is one of 200 networks.
func fieldRange(g generator) string { return "10." + strconv.Itoa(g.IntN(200)) + ".0.0/16" }

func (f *field) home(p *fieldPolicy) {
	everybody := f.principals.list(policy.PrincipalPattern{Kind: policy.PrincipalOrganization, Org: p.org})
	p.add("HomeObjects", policy.EffectAllow, everybody, fieldHome, f.texts.list(p.bucket+"/home/${aws:username}/*"))
	p.add("HomeList", policy.EffectAllow, everybody, fieldList, p.whole[:1], when("StringLike", "s3:prefix", "", "home/", "home/${aws:username}/*"))
}

func (f *field) encrypted(p *fieldPolicy) {
	const encryption = "s3:x-amz-server-side-encryption"
	p.add("DenyOtherEncryption", policy.EffectDeny, fieldAnyone, fieldPut, p.objects, when("StringNotEqualsIfExists", encryption, "aws:kms", "AES256"))
	p.add("DenyNoEncryption", policy.EffectDeny, fieldAnyone, fieldPut, p.objects, when("Null", encryption, "true"))
	p.add("OwnerHasAll", policy.EffectAllow, p.teams(3), []string{"s3:PutObject", "s3:PutObjectAcl"}, p.objects, when("StringEquals", "s3:x-amz-acl", "bucket-owner-full-control"))
	p.add("TeamRead", policy.EffectAllow, p.teams(3), fieldRead, p.whole)
}

func (f *field) lockDown(p *fieldPolicy) {
	team := p.teams(3)
	if f.chance(2) {
		p.add("LockDown", policy.EffectDeny, append(p.exactly("role/Admin"), team...), fieldAll, p.whole)
		p.statements[0].NotPrincipal = true
	} else {
		arns := []string{"arn:aws:iam::" + p.org + ":role/Admin"}
		for _, t := range team {
			arns = append(arns, "arn:aws:iam::"+p.org+":"+t.Name)
		}
		p.add("LockDown", policy.EffectDeny, fieldAnyone, fieldAll, p.whole, when("ArnNotLike", "aws:PrincipalArn", arns...))
	}
	p.add("TeamAccess", policy.EffectAllow, team, fieldAll, p.whole)
}

func (f *field) tagged(p *fieldPolicy) {
	p.add("ReadReleased", policy.EffectAllow, p.teams(4), fieldGet, p.objects, when("StringEquals", "s3:ExistingObjectTag/class", "public", "released"))
	p.add("WriteTagged", policy.EffectAllow, p.teams(2), fieldPut, p.objects, when("StringEquals", "s3:RequestObjectTag/team", f.word(), f.word()+"-team"))
	p.add("NoSecrets", policy.EffectDeny, fieldAnyone, fieldGet, p.objects, when("StringEquals", "s3:ExistingObjectTag/class", "secret"))
}

func (f *field) long(p *fieldPolicy) {
	names := make([]string, 100)
	from := f.IntN(100_000)
	for i := range names {
		names[i] = user(from + i*13)
	}
	p.add("People", policy.EffectAllow, p.exactly(names...), fieldActions, p.whole)
}

// fieldActions are 30 actions, each written out.
var fieldActions = []string{
	"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectAcl", "s3:GetObjectTagging", "s3:GetObjectVersionTagging", "s3:GetObjectAttributes",
	"s3:GetObjectRetention", "s3:GetObjectLegalHold", "s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging", "s3:PutObjectVersionTagging",
	"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:DeleteObjectTagging", "s3:RestoreObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
	"s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation", "s3:GetBucketTagging", "s3:GetBucketVersioning",
	"s3:GetBucketAcl", "s3:GetBucketCORS", "s3:GetBucketWebsite", "s3:GetBucketNotification", "s3:GetBucketLogging", "s3:GetBucketPolicyStatus",
}

// ownName is the `aws:username` of a caller (specification 1.7); ok is false if
// there is none.
func ownName(p *policy.Principal, owner string) (name string, ok bool) {
	provider, name, _ := strings.Cut(p.IDs[0], "/")
	return name, provider != "role" && p.Org == owner
}
