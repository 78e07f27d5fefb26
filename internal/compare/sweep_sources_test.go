package compare

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"postern/internal/conformance"
	"postern/internal/policygen"
	"postern/internal/policyjson"
	"postern/internal/reference"
	"postern/policy"
)

// A sweepSource makes directories, each with requests that fit it.
type sweepSource struct {
	name string
	make func(r *rand.Rand) (*policy.Directory, []*policy.Request)
}

// sweepSources are all workloads at small sizes, the small worlds, and the policies
// of examples, of published guides and modules, and of the corpus.
func sweepSources(t *testing.T) []sweepSource {
	t.Helper()
	workload := func(name string, make func(seed uint64) *policygen.Workload, requests int) sweepSource {
		return sweepSource{name, func(r *rand.Rand) (*policy.Directory, []*policy.Request) {
			w := make(r.Uint64())
			var out []*policy.Request
			for _, q := range w.Requests(requests) {
				out = append(out, &q.Request)
			}
			return w.Directory, out
		}}
	}
	sources := []sweepSource{
		{"small", policygen.SmallFrom},
		{"small-iam", policygen.SmallAccessFrom},
		{"tree", func(r *rand.Rand) (*policy.Directory, []*policy.Request) {
			return policygen.SmallTreeFrom(r, policy.EffectAllow+policy.Effect(r.IntN(2)), 60)
		}},
		workload("users", func(seed uint64) *policygen.Workload { return policygen.Users(30, seed) }, 40),
		workload("groups", func(seed uint64) *policygen.Workload { return policygen.Groups(30, seed) }, 40),
		workload("orgwide", func(seed uint64) *policygen.Workload { return policygen.Orgwide(15, seed) }, 40),
		workload("wildcards", func(seed uint64) *policygen.Workload { return policygen.Wildcards(30, seed) }, 40),
		workload("buckets", func(seed uint64) *policygen.Workload { return policygen.Buckets(10, seed) }, 40),
		workload("conditions", func(seed uint64) *policygen.Workload { return policygen.Conditions(10, seed) }, 40),
		workload("tenants", func(seed uint64) *policygen.Workload { return policygen.Tenants(3, 10, 250, seed) }, 40),
		workload("field", func(seed uint64) *policygen.Workload { return policygen.Field(20, seed) }, 40),
		workload("field-tenants", func(seed uint64) *policygen.Workload { return policygen.FieldTenants(30, seed) }, 40),
		workload("iam", func(seed uint64) *policygen.Workload { return policygen.Iam(50, seed) }, 40),
	}
	examples := []*policy.Directory{folder(t, "../../examples/policies"), folder(t, "../../examples/platform"), folder(t, "../../examples/authzen")}
	sources = append(sources,
		sweepSource{"examples", func(r *rand.Rand) (*policy.Directory, []*policy.Request) { return examples[r.IntN(3)], nil }},
		published(t), operators(t), corpus(t))
	return sources
}

// folder reads a policy directory of examples.
func folder(t *testing.T, root string) *policy.Directory {
	t.Helper()
	d := &policy.Directory{Organizations: map[string]*policy.DirectoryOrganization{}, Buckets: map[string]*policy.DirectoryBucket{}, BuiltIn: policyjson.BuiltIn()}
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return err
		}
		org, rest, _ := strings.Cut(path, "/")
		if d.Organizations[org] == nil {
			d.Organizations[org] = &policy.DirectoryOrganization{}
		}
		f := parsed(t, path, string(data))
		switch kind, name, _ := strings.Cut(rest, "/"); {
		case f.Access != nil:
			d.Organizations[org].Access = append(d.Organizations[org].Access, f.Access)
		case kind == "buckets":
			d.Buckets[strings.TrimSuffix(name, ".json")] = &policy.DirectoryBucket{Owner: org, Policy: f.Document}
		case f.Document != nil:
			d.Organizations[org].Policies = append(d.Organizations[org].Policies, f.Document)
		default:
			for _, b := range f.Buckets {
				if d.Buckets[b] == nil {
					d.Buckets[b] = &policy.DirectoryBucket{Owner: org}
				}
			}
		}
		return nil
	})
	if err != nil || len(d.Organizations) == 0 {
		t.Fatalf("%s: %d organizations (%v)", root, len(d.Organizations), err)
	}
	return d
}

// published has a bucket `b` of acme's with the policy of a guide or module.
func published(t *testing.T) sweepSource {
	t.Helper()
	var documents []*policy.Document
	paths, err := filepath.Glob("../lint/testdata/published/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no published policies (%v)", err)
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if !strings.HasSuffix(f.Name, "/bucket.json") {
				continue
			}
			if doc, ds := policyjson.ParseBucket("acme/buckets/b.json", "b", f.Data, policyjson.Limits{}); !policy.HasErrors(ds) {
				documents = append(documents, doc)
			}
		}
	}
	if len(documents) < 10 {
		t.Fatalf("%d published policies", len(documents))
	}
	all := parsed(t, "acme/access-policies/all.json", `{"version": "v1alpha1", "name": "p", "statements": [
		{"name": "s", "effect": "Allow", "actions": ["*"], "resources": ["*"], "principals": ["*"]}]}`).Document
	others := *all
	others.File = "initech/access-policies/all.json"
	return sweepSource{"published", func(r *rand.Rand) (*policy.Directory, []*policy.Request) {
		return &policy.Directory{
			Organizations: map[string]*policy.DirectoryOrganization{"acme": {Policies: []*policy.Document{all}}, "initech": {Policies: []*policy.Document{&others}}},
			Buckets:       map[string]*policy.DirectoryBucket{"b": {Owner: "acme", Policy: documents[r.IntN(len(documents))]}},
		}, nil
	}}
}

// operators has a bucket `b` of o1's whose policy has an Allow and a few statements
// with conditions, of each operator and each key that the server sets.
func operators(t *testing.T) sweepSource {
	t.Helper()
	const all = `{"version": "v1alpha1", "name": "p", "statements": [{"name": "s", "effect": "Allow", "actions": ["*"], "resources": ["*"], "principals": ["*"]}]}`
	d := directory(t, map[string]string{"o1/access-policies/p": all, "o2/access-policies/p": all,
		"o1/buckets/b": `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}`})
	values := map[policy.Family][]string{
		policy.FamilyString: {"a", "b", "a*"}, policy.FamilyNumeric: {"1", "10"}, policy.FamilyDate: {"2026-01-01T00:00:00Z", "1767225601"}, policy.FamilyBool: {"true", "false"},
		policy.FamilyBinary: {"YQ==", "Yg=="}, policy.FamilyIP: {"10.0.0.0/8", "10.0.0.1"}, policy.FamilyArn: {"arn:aws:s3:::b*", "arn:aws:iam::o1:role/?"}, policy.FamilyNull: {"true", "false"},
	}
	return sweepSource{"operators", func(r *rand.Rand) (*policy.Directory, []*policy.Request) {
		return edited(d, func(doc *policy.Document) {
			if doc.Kind != policy.KindBucket {
				return
			}
			for range 2 + r.IntN(3) {
				s := doc.Statements[0]
				s.Effect += policy.Effect(r.IntN(2))
				for range 1 + r.IntN(2) {
					c := twistConditions[r.IntN(len(twistConditions))]
					condition := policy.Condition{Operator: policy.Operator{Test: c.test}, Key: c.key, Values: []string{c.value}}
					if r.IntN(2) == 0 {
						test := policy.Tests()[r.IntN(policy.TestCount-1)]
						list := values[test.Family()]
						condition = policy.Condition{Operator: policy.Operator{Test: test}, Key: []string{"k", "k2"}[r.IntN(2)], Values: []string{list[r.IntN(len(list))]}}
						if test != policy.Null {
							condition.Operator.Qualifier, condition.Operator.IfExists = policy.Qualifier(r.IntN(3)), r.IntN(3) == 0
						}
					}
					if !slices.ContainsFunc(s.Conditions, func(o policy.Condition) bool { return o.Operator == condition.Operator && o.Key == condition.Key }) {
						s.Conditions = append(s.Conditions, condition)
					}
				}
				doc.Statements = append(doc.Statements, s)
			}
			if r.IntN(2) == 0 {
				doc.Statements = doc.Statements[1:]
			}
		}), nil
	}}
}

// corpus has the worlds of the corpus with its requests, but for those that are long
// on purpose.
func corpus(t *testing.T) sweepSource {
	t.Helper()
	type world struct {
		d        *policy.Directory
		requests []*policy.Request
	}
	var worlds []*world
	t.Run("the corpus", func(t *testing.T) {
		conformance.Run(t, func(_ *testing.T, w *conformance.World) conformance.Evaluate {
			size, longest := 0, 0
			policygen.Edit(w.Directory, func(doc *policy.Document) {
				size += len(doc.Statements)
				for _, s := range doc.Statements {
					for _, p := range append(s.Resources, s.Actions...) {
						longest = max(longest, len(p))
					}
					longest = max(longest, len(s.Principals)*4)
					for _, c := range s.Conditions {
						longest = max(longest, len(c.Values)*4)
						for _, v := range c.Values {
							longest = max(longest, len(v))
						}
					}
				}
			})
			evaluate := reference.New(w.Directory).Evaluate
			if size > 60 || longest > 120 {
				return evaluate
			}
			got := &world{d: w.Directory}
			worlds = append(worlds, got)
			return func(q *policy.Request) policy.Explanation {
				if len(q.Resource.ID) < 200 && len(q.Context) < 20 {
					got.requests = append(got.requests, kept(q))
				}
				return evaluate(q)
			}
		})
	})
	return sweepSource{"corpus", func(r *rand.Rand) (*policy.Directory, []*policy.Request) {
		w := worlds[r.IntN(len(worlds))]
		return w.d, w.requests
	}}
}

// kept is a copy of a request that its reader may use again.
func kept(q *policy.Request) *policy.Request {
	return asStated(deepCopyOf(q))
}
