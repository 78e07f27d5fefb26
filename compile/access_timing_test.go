package compile

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"postern/index"
	"postern/internal/policyjson"
	"postern/policy"
)

// platform is the shape of the workload `iam` (page 5): 500 roles, 5,000
// bindings, 20,000 members, tag selectors; and requests of its members.
func platform() ([]*policy.AccessDocument, []*policy.Request) {
	r := rand.New(rand.NewPCG(5, 5))
	objects := []string{"stack", "stack_deployment", "stack_tags", "environment", "environment_tag", "insights_account", "team", "agent_pool"}
	verbs := []string{"read", "write", "create", "delete", "update", "list", "open", "rotate", "export", "import"}
	teams := []string{"a", "b", "c", "d", "e", "f"}
	action := func() string { return objects[r.IntN(len(objects))] + ":" + verbs[r.IntN(len(verbs))] }
	resource := func() policy.ResourcePattern {
		p := policy.ResourcePattern{Type: []string{"stack", "environment"}[r.IntN(2)]}
		switch r.IntN(4) {
		case 0:
			p.Pattern = "*"
		case 1:
			p.Pattern = fmt.Sprintf("acme/p%d/*", r.IntN(200))
		default:
			p.Pattern = fmt.Sprintf("acme/p%d/s%d", r.IntN(200), r.IntN(20))
		}
		return p
	}
	d := &policy.AccessDocument{File: "acme/iam/all.json"}
	for i := range 500 {
		role := policy.Role{Name: fmt.Sprintf("role%d", i)}
		for range 1 + r.IntN(6) {
			rule := policy.Rule{Resources: []policy.ResourcePattern{resource()}}
			for range 1 + r.IntN(8) {
				rule.Actions = append(rule.Actions, action())
			}
			if r.IntN(2) == 0 {
				rule.Selector = &policy.Selector{Requirements: []policy.TagRequirement{
					{Key: "team", Operator: policy.TagIn, Values: []string{teams[r.IntN(6)], teams[r.IntN(6)]}},
					{Key: "env", Operator: policy.TagNotIn, Values: []string{"prod"}},
				}}
			}
			role.Rules = append(role.Rules, rule)
		}
		if i > 0 && r.IntN(5) == 0 {
			role.Include = []policy.Reference{{Name: fmt.Sprintf("role%d", r.IntN(i))}}
		}
		d.Roles = append(d.Roles, role)
	}
	for i := range 1000 {
		g := policy.Group{Name: fmt.Sprintf("g%d", i)}
		for range 40 {
			g.Members = append(g.Members, policy.Member{PrincipalPattern: policy.PrincipalPattern{Kind: policy.PrincipalExact, Name: fmt.Sprintf("pulumi/u%d", r.IntN(20_000))}})
		}
		if i > 0 && r.IntN(4) == 0 {
			g.Members = append(g.Members, policy.Member{PrincipalPattern: policy.PrincipalPattern{Kind: policy.PrincipalGroup, Name: fmt.Sprintf("g%d", r.IntN(i))}})
		}
		d.Groups = append(d.Groups, g)
	}
	for i := range 5000 {
		b := policy.Binding{ID: fmt.Sprintf("b%d", i), Effect: policy.EffectAllow, Roles: []policy.Reference{{Name: fmt.Sprintf("role%d", r.IntN(500))}}}
		if r.IntN(10) == 0 {
			b.Effect = policy.EffectDeny
			b.Resources = []policy.ResourcePattern{{Type: "stack", Pattern: fmt.Sprintf("acme/p%d*", r.IntN(20))}}
		}
		for range 1 + r.IntN(3) {
			m := policy.Member{PrincipalPattern: policy.PrincipalPattern{Kind: policy.PrincipalExact, Name: fmt.Sprintf("pulumi/u%d", r.IntN(20_000))}}
			if r.IntN(2) == 0 {
				m.PrincipalPattern = policy.PrincipalPattern{Kind: policy.PrincipalGroup, Name: fmt.Sprintf("g%d", r.IntN(1000))}
			}
			b.Members = append(b.Members, m)
		}
		d.Bindings = append(d.Bindings, b)
	}
	d.MemberRoles = []policy.Reference{{Name: "role0"}}
	d.Tokens = []policy.Token{
		{Name: "ci", Type: policy.TokenOrganization, Roles: []policy.Reference{{Name: "role1"}}},
		{Name: "team", Type: policy.TokenTeam, Group: policy.Reference{Name: "g1"}},
		{Name: "cli", Type: policy.TokenPersonal, User: policy.Reference{Name: "pulumi/u1"}},
	}
	var requests []*policy.Request
	for i := range 4096 {
		q := &policy.Request{
			Principal: policy.Principal{Org: "acme", IDs: []string{fmt.Sprintf("pulumi/u%d", r.IntN(20_000))}, Groups: []string{fmt.Sprintf("g%d", r.IntN(1000))}},
			Action:    action(),
			Resource:  policy.Resource{Kind: policy.ResourceTyped, Type: "stack", ID: fmt.Sprintf("acme/p%d/s%d", r.IntN(200), r.IntN(20)), TagsKnown: true},
		}
		if r.IntN(2) == 0 {
			q.Resource.Type = "environment"
		}
		q.Resource.Tags = []policy.Tag{{Key: "env", Value: "dev"}, {Key: "team", Value: teams[r.IntN(6)]}}
		if i%50 == 0 {
			q.Principal.IDs, q.Principal.Groups = []string{"token/" + []string{"ci", "team", "cli", "nobody"}[i/50%4]}, nil
		}
		requests = append(requests, q)
	}
	return []*policy.AccessDocument{d}, requests
}

func snapshotOf(t testing.TB, docs []*policy.AccessDocument) *index.Snapshot {
	m, ds := Compiler{BuiltIn: policyjson.BuiltIn()}.Access("acme", docs)
	if policy.HasErrors(ds) {
		t.Fatal(ds)
	}
	b := index.NewBuilder(nil)
	b.SetOrganization("acme", index.Organization{IAM: m})
	return b.Freeze(1)
}

// BenchmarkPlatform decides in an organization of a platform's size.
func BenchmarkPlatform(b *testing.B) {
	docs, requests := platform()
	s := snapshotOf(b, docs)
	b.Run("decide", func(b *testing.B) {
		var sc index.Scratch
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			s.Decide(requests[i%len(requests)], &sc)
		}
	})
	b.Run("compile", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			snapshotOf(b, docs)
		}
		b.ReportMetric(float64(s.Bytes()), "snapshot-bytes")
	})
	b.Run("one member more", func(b *testing.B) {
		c := Compiler{BuiltIn: policyjson.BuiltIn()}
		prev, _ := c.Access("acme", docs)
		more := *docs[0]
		more.Groups = append(more.Groups[:0:0], more.Groups...)
		more.Groups[0].Members = append(more.Groups[0].Members[:0:0], more.Groups[1].Members...)
		b.ReportAllocs()
		for b.Loop() {
			if m, _ := c.AccessAgain("acme", []*policy.AccessDocument{&more}, docs, prev); m.Grants() != prev.Grants() {
				b.Fatal("statements rebuilt")
			}
		}
	})
}

// TestPlatformReasons: the requests of the benchmark are decided in all ways.
func TestPlatformReasons(t *testing.T) {
	docs, requests := platform()
	s := snapshotOf(t, docs)
	reasons := map[policy.Reason]int{}
	var sc index.Scratch
	for _, r := range requests {
		reasons[s.Decide(r, &sc).Reason]++
	}
	for _, reason := range []policy.Reason{policy.Allowed, policy.IAMDeny, policy.IAMNoMatch, policy.Anonymous} {
		if reasons[reason] == 0 {
			t.Errorf("none is %v: %v", reason, reasons)
		}
	}
}
