package index_test

import (
	"slices"
	"strings"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/action"
	"postern/internal/reference"
	"postern/policy"
)

// TestNoNamePassesADeny walks the table of actions: of each name, a Deny of the
// action that it needs, or of one that it needs beside, denies it, in each layer
// that is asked, in the index and the reference (specification 1.2). A Deny of
// an operation's name denies nothing but that.
func TestNoNamePassesADeny(t *testing.T) {
	everyone := []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}
	// world has an Allow of everything, and a Deny of one action in one layer.
	world := func(denied, resource string, layer policy.Layer) *policy.Directory {
		document := func(name string, deny bool) *policy.Document {
			d := &policy.Document{Name: name, File: "o1/" + name + ".json", Statements: []policy.Statement{
				{Name: "allow", Effect: policy.EffectAllow, Principals: everyone, Actions: []string{"*"}, Resources: []string{"*"}},
			}}
			if deny {
				d.Statements = append(d.Statements, policy.Statement{
					Name: "deny", Effect: policy.EffectDeny, Principals: everyone, Actions: []string{denied}, Resources: []string{resource},
				})
			}
			return d
		}
		return &policy.Directory{
			Organizations: map[string]*policy.DirectoryOrganization{"o1": {Policies: []*policy.Document{document("all", layer == policy.LayerOrganization)}}},
			Buckets:       map[string]*policy.DirectoryBucket{"b": {Owner: "o1", Policy: document("b", layer == policy.LayerBucket)}},
		}
	}
	ask := func(d *policy.Directory, name string, resource policy.Resource) policy.Reason {
		t.Helper()
		r := &policy.Request{Principal: policy.Principal{Org: "o1", IDs: []string{"role/a"}}, Action: name, Resource: resource}
		s, ds := compile.Compiler{}.Directory(d, 1)
		if policy.HasErrors(ds) {
			t.Fatal(ds)
		}
		got := s.Decide(r, new(index.Scratch)).Reason
		if want := reference.New(d).Evaluate(r).Decision.Reason; got != want {
			t.Errorf("%s on %s: the index says %v, the reference %v", name, resource.ID, got, want)
		}
		return got
	}
	bucket := policy.Resource{Kind: policy.ResourceBucket, Type: "bucket", ID: "b"}
	object := policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: "b/k"}
	organization := policy.Resource{Kind: policy.ResourceOrganization, Type: "organization", ID: "*"}
	checked := 0
	for id := action.ID(0); int(id) < action.Count(); id++ {
		name, class := action.Name(id), action.ClassOfID(id)
		layers := map[policy.Layer]policy.Reason{policy.LayerOrganization: policy.OrganizationDeny}
		if !class.OrganizationOnly() {
			layers[policy.LayerBucket] = policy.BucketDeny
		}
		asked := []policy.Resource{bucket, object}
		if class.WholeOrganization() {
			asked = []policy.Resource{organization}
		}
		denied := append([]action.ID{id, action.Needed(id)}, action.Beside(id)...)
		for layer, want := range layers {
			for _, n := range denied {
				for _, resource := range asked {
					for _, spelled := range []string{name, strings.ToUpper(name)} {
						checked++
						if got := ask(world(action.Name(n), "*", layer), spelled, resource); got != want {
							t.Errorf("%s on %s with a Deny of %s in layer %v: %v, want %v", spelled, resource.ID, action.Name(n), layer, got, want)
						}
					}
				}
				// What is about objects meets their Denies on the bucket too.
				if action.KindOf(n) == action.OnObject {
					if got := ask(world(action.Name(n), "b/some/key", layer), name, bucket); got != want {
						t.Errorf("%s on the bucket with a Deny of %s on one of its objects: %v, want %v", name, action.Name(n), got, want)
					}
				}
			}
			needed := action.Name(action.Needed(id))
			if needed == name || slices.Contains(action.Also(action.Needed(id)), name) {
				continue
			}
			if got := ask(world(name, "*", layer), needed, asked[0]); got != policy.Allowed {
				t.Errorf("%s with a Deny of the operation %s: %v", needed, name, got)
			}
		}
	}
	if checked < 2*2*action.Count() {
		t.Errorf("%d requests for %d names", checked, action.Count())
	}
}

// TestNearestNamesTheRefused: where an action is allowed, and one that it needs
// beside it is not, the nearest Allow is told of that one, by its name.
func TestNearestNamesTheRefused(t *testing.T) {
	everyone := []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}
	n := 0
	for id := range action.Count() {
		own := action.ID(id)
		for i, refused := range action.Beside(own) {
			n++
			allowed := []string{action.Name(own)}
			for j, beside := range action.Beside(own) {
				if j != i {
					allowed = append(allowed, action.Name(beside))
				}
			}
			near := action.Name(refused)
			d := &policy.Directory{
				Organizations: map[string]*policy.DirectoryOrganization{"o1": {Policies: []*policy.Document{{Name: "p", File: "o1/p.json", Statements: []policy.Statement{
					{Name: "near", Effect: policy.EffectAllow, Principals: everyone, Actions: []string{near}, Resources: []string{"other", "other/*"}},
					{Name: "allowed", Effect: policy.EffectAllow, Principals: everyone, Actions: allowed, Resources: []string{"*"}},
				}}}}},
				Buckets: map[string]*policy.DirectoryBucket{"b": {Owner: "o1"}},
			}
			s, ds := compile.Compiler{}.Directory(d, 1)
			if policy.HasErrors(ds) {
				t.Fatal(ds)
			}
			r := &policy.Request{Principal: policy.Principal{Org: "o1", IDs: []string{"role/a"}}, Action: action.Name(own),
				Resource: policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: "b/k"}}
			if action.Name(own) == "s3:CreateSession" {
				r.Resource = policy.Resource{Kind: policy.ResourceBucket, Type: "bucket", ID: "b"}
			}
			e := s.Explain(r)
			if e.Nearest == nil || e.Nearest.Action != near || e.Nearest.Statement.Statement != "near" || !slices.Equal(e.Nearest.Failed, []string{"resource"}) {
				t.Errorf("%s without %s: %v, nearest %+v", action.Name(own), near, e.Decision.Reason, e.Nearest)
			}
			d.Organizations["o1"].Policies[0].Statements[1].Actions = []string{"s3:ListAllMyBuckets"}
			s, _ = compile.Compiler{}.Directory(d, 1)
			if e := s.Explain(r); e.Nearest == nil || e.Nearest.Action != "" {
				t.Errorf("%s itself: nearest %+v", action.Name(own), e.Nearest)
			}
		}
	}
	if n == 0 {
		t.Error("no action needs another")
	}
}
