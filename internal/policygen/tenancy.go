package policygen

import (
	"strconv"
	"strings"

	"postern/policy"
)

// tenancy builds workloads in which buckets have policies: organizations, each
// with ten statements about everything, statements that name a bucket, and
// buckets of its own.
type tenancy struct {
	*builder                           // statements that name a bucket, of all organizations
	organizations []string             // by number
	owner         []int32              // by bucket: the number of its organization
	wide          [][]policy.Statement // by organization
	policies      []*policy.Document   // by bucket
	roles         []policy.PrincipalPattern
	directory     *policy.Directory
	count         int // statements in all

	conditionLists arena[policy.Condition]
	lists          [][]string
}

// Buckets is the workload `buckets`: one organization policy of 10 statements,
// and b buckets with a policy of 5 to 20 statements each.
func Buckets(b int, seed uint64) *Workload {
	t := newTenancy(seed, 0, b)
	t.organization(acme, b)
	for range b {
		t.bucketPolicy(t.between(5, 20), false)
	}
	return t.workload("buckets")
}

// Conditions is the workload `conditions`: Buckets, and on every statement of
// a bucket 1 to 5 conditions over all families of operators.
func Conditions(b int, seed uint64) *Workload {
	t := newTenancy(seed, 0, b)
	t.organization(acme, b)
	for range b {
		t.bucketPolicy(t.between(5, 20), true)
	}
	return t.workload("conditions")
}

// Tenants is the workload `tenants`: organizations whose sizes follow a power
// law (the n-th largest has 1/n of the largest's share), buckets, and
// statements in all: 3 in 5 in the policies of buckets, the others in those of
// organizations, where all but 10 name a bucket. There are at least as many
// buckets as organizations, and more than 10 statements for each of both.
func Tenants(organizations, buckets, statements int, seed uint64) *Workload {
	inOrganizations := max(statements*2/5-10*organizations, 0)
	t := newTenancy(seed, inOrganizations, buckets)
	share := 0.0
	for i := range organizations {
		share += 1 / float64(i+1)
	}
	part := func(i, of int) int { return int(1 / float64(i+1) / share * float64(of)) }
	left := buckets - organizations // what rounding leaves goes to the largest
	for i := range organizations {
		left -= part(i, buckets-organizations)
	}
	for i := range organizations {
		own := 1 + part(i, buckets-organizations)
		if i == 0 {
			own += left
		}
		name := numbered("org-", i)
		firstBucket, firstStatement := len(t.owner), len(t.builder.statements)
		t.organization(name, own)
		for range part(i, inOrganizations) {
			t.named(firstBucket + t.IntN(own))
		}
		t.documents(name, firstStatement)
	}
	inBuckets := statements - t.count
	for i := range buckets {
		// Shares differ by bucket, and add up.
		n := inBuckets/(buckets-i) + t.between(-4, 4)
		n = min(max(n, 1), max(inBuckets-(buckets-i-1), 1))
		if i == buckets-1 {
			n = max(inBuckets, 1)
		}
		inBuckets -= n
		t.bucketPolicy(n, false)
	}
	return t.workload("tenants")
}

// newTenancy has room for that many statements that name a bucket, so that
// they never move.
func newTenancy(seed uint64, room, buckets int) *tenancy {
	t := &tenancy{
		builder: newBuilder(seed, room, buckets),
		directory: &policy.Directory{
			Organizations: map[string]*policy.DirectoryOrganization{},
			Buckets:       make(map[string]*policy.DirectoryBucket, buckets),
		},
	}
	t.lists = actionLists(t.generator, objectActions)
	return t
}

// organization adds one with the given number of buckets, and its ten
// statements about everything: callers with a role `team-...` may do
// everything, but for some Denies.
func (t *tenancy) organization(name string, buckets int) {
	everyone := []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}
	prefix := func(name string) []policy.PrincipalPattern {
		return []policy.PrincipalPattern{{Kind: policy.PrincipalPrefix, Name: name}}
	}
	exact := func(name string) []policy.PrincipalPattern {
		return []policy.PrincipalPattern{{Kind: policy.PrincipalExact, Name: name}}
	}
	wide := []policy.Statement{
		{Effect: policy.EffectAllow, Principals: prefix("role/team-"), Actions: []string{"s3:*"}, Resources: []string{"*"}},
		{Effect: policy.EffectAllow, Principals: everyone, Actions: []string{"s3:Get*", "s3:List*"}, Resources: []string{"shared-*"}},
		{Effect: policy.EffectAllow, Principals: prefix("saml/"), Actions: []string{"s3:GetObject"}, Resources: []string{"*"}},
		{Effect: policy.EffectAllow, Principals: exact("role/admin"), Actions: []string{"*"}, Resources: []string{"*"}},
		{Effect: policy.EffectAllow, Principals: everyone, Actions: []string{"s3:ListAllMyBuckets"}, Resources: []string{"*"}},
		{Effect: policy.EffectAllow, Principals: exact("role/keys"), Actions: []string{"cwobject:CreateAccessKey*"}, Resources: []string{"*"}},
		{Effect: policy.EffectDeny, Principals: everyone, Actions: []string{"s3:DeleteBucket"}, Resources: []string{"*"}},
		{Effect: policy.EffectDeny, Principals: exact("role/intern"), Actions: []string{"s3:Put*", "s3:Delete*"}, Resources: []string{"*"}},
		{Effect: policy.EffectDeny, Principals: everyone, Actions: []string{"s3:PutObjectAcl"}, Resources: []string{"*/public/*"}},
		{Effect: policy.EffectDeny, Principals: everyone, Actions: []string{"s3:*"}, Resources: []string{"quarantine-*"}},
	}
	for i := range wide {
		wide[i].Name, wide[i].Line = statementNames[i], i+2
	}
	number := int32(len(t.organizations))
	t.organizations = append(t.organizations, name)
	t.wide = append(t.wide, wide)
	t.count += len(wide)
	t.directory.Organizations[name] = &policy.DirectoryOrganization{Policies: []*policy.Document{{
		Kind: policy.KindOrganization, Name: "base", NameLine: 1, NameColumn: 2, File: name + "/access-policies/base.json", Statements: wide,
	}}}
	for range buckets {
		t.directory.Buckets[bucketName(len(t.owner))] = &policy.DirectoryBucket{Owner: name}
		t.owner = append(t.owner, number)
	}
	for len(t.roles) < 40 {
		t.roles = append(t.roles, policy.PrincipalPattern{Kind: policy.PrincipalExact, Name: role(len(t.roles))})
	}
}

// named adds a statement of an organization policy that names a bucket.
func (t *tenancy) named(bucket int) {
	t.add(t.somebody("", bucket), pick(t.generator, t.lists...), bucket, bucketName(bucket)+"/"+t.twoLevels()+"*")
	t.count++
}

// documents puts the statements from the given one on into files.
func (t *tenancy) documents(org string, from int) {
	o := t.directory.Organizations[org]
	o.Policies = append(o.Policies, organizationDocuments(org, t.builder.statements[from:])...)
}

// somebody makes 1 to 3 principals of the callers around a bucket.
func (t *tenancy) somebody(org string, bucket int) []policy.PrincipalPattern {
	var list [3]policy.PrincipalPattern
	n := t.between(1, 3)
	for i := range n {
		list[i] = policy.PrincipalPattern{Kind: policy.PrincipalExact, Org: org, Name: user(bucket*3 + t.IntN(30))}
		if t.chance(5) {
			list[i].Name = t.roles[t.IntN(len(t.roles))].Name
		}
	}
	return t.principals.list(list[:n]...)
}

// bucketPolicy adds the policy of the next bucket.
func (t *tenancy) bucketPolicy(n int, conditions bool) {
	bucket := len(t.policies)
	name, org := bucketName(bucket), t.organizations[t.owner[bucket]]
	statements := make([]policy.Statement, n)
	for i := range statements {
		s := &statements[i]
		s.Line = i + 2
		s.Effect = policy.EffectAllow
		if t.chance(8) {
			s.Effect = policy.EffectDeny
		}
		if t.chance(3) {
			s.Name = statementNames[i]
		}
		s.Principals = t.somebody(org, bucket)
		s.Actions = pick(t.generator, t.lists...)
		s.Resources = t.texts.list(name + "/" + t.twoLevels() + "*")
		if conditions {
			s.Conditions = t.conditions(i + 2)
		}
	}
	t.count += n
	d := &policy.Document{Kind: policy.KindBucket, File: org + "/buckets/" + name + ".json", Variables: true, Statements: statements}
	t.policies = append(t.policies, d)
	t.directory.Buckets[name].Policy = d
}

// workload ends the building.
func (t *tenancy) workload(name string) *Workload {
	of := t.byBucket()
	return &Workload{
		Name:       name,
		Directory:  t.directory,
		Statements: t.count,
		seed:       t.seed,
		relevant: func(r *policy.Request) [][]*policy.Statement {
			bucket := bucketNumber(r.Resource.ID)
			var organization, own []*policy.Statement
			wide := t.wide[t.owner[bucket]]
			for i := range wide {
				organization = append(organization, &wide[i])
			}
			for _, i := range of(bucket) {
				organization = append(organization, &t.builder.statements[i])
			}
			for i := range t.policies[bucket].Statements {
				own = append(own, &t.policies[bucket].Statements[i])
			}
			return [][]*policy.Statement{organization, own}
		},
		draw: t.draw,
	}
}

func (t *tenancy) draw(g generator, effect policy.Effect) *policy.Request {
	bucket := g.IntN(len(t.policies))
	s := &t.policies[bucket].Statements[g.IntN(len(t.policies[bucket].Statements))]
	if effect == policy.EffectDeny && len(t.denies) > 0 && g.chance(2) {
		s = &t.builder.statements[t.denies[g.IntN(len(t.denies))]]
	} else if s.Effect != effect && effect != policy.EffectNone {
		return nil
	}
	resource, key, _ := strings.Cut(s.Resources[0], "/")
	bucket = bucketNumber(resource)
	caller := pick(g, s.Principals...).Name
	r := objectRequest(t.organizations[t.owner[bucket]], nil, fillAction(g, pick(g, s.Actions...)), resource, fillKey(g, key))
	stranger := effect == policy.EffectNone && g.chance(2)
	if stranger {
		caller = user(len(t.policies)*4 + g.IntN(1000))
	}
	r.Principal.IDs = []string{caller, role(40 + g.IntN(100))}
	r.Context = t.context(g, s.Conditions, effect == policy.EffectNone && !stranger)
	if effect == policy.EffectNone && !stranger && s.Conditions == nil {
		r.Resource.ID = resource + "/" + g.key(strconv.Itoa(g.IntN(100))+"/")
	}
	return r
}
