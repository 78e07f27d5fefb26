package policygen

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"postern/internal/reference"
	"postern/policy"
)

// shapes are the workloads, each at a small size.
var shapes = []struct {
	name       string
	make       func(seed uint64) *Workload
	statements int // 0: not fixed
}{
	{"users", func(seed uint64) *Workload { return Users(1000, seed) }, 1000},
	{"users", func(seed uint64) *Workload { return Users(10, seed) }, 10},
	{"groups", func(seed uint64) *Workload { return Groups(1000, seed) }, 1000},
	{"groups", func(seed uint64) *Workload { return Groups(10, seed) }, 10},
	{"orgwide", func(seed uint64) *Workload { return Orgwide(1000, seed) }, 1000},
	{"orgwide", func(seed uint64) *Workload { return Orgwide(10, seed) }, 10},
	{"wildcards", func(seed uint64) *Workload { return Wildcards(1000, seed) }, 1000},
	{"wildcards", func(seed uint64) *Workload { return Wildcards(10, seed) }, 10},
	{"buckets", func(seed uint64) *Workload { return Buckets(30, seed) }, 0},
	{"buckets", func(seed uint64) *Workload { return Buckets(2, seed) }, 0},
	{"conditions", func(seed uint64) *Workload { return Conditions(30, seed) }, 0},
	{"tenants", func(seed uint64) *Workload { return Tenants(20, 100, 2000, seed) }, 2000},
	{"field", func(seed uint64) *Workload { return Field(200, seed) }, 0},
	{"field", func(seed uint64) *Workload { return Field(20, seed) }, 0},
	{"field-tenants", func(seed uint64) *Workload { return FieldTenants(300, seed) }, 0},
	{"iam", func(seed uint64) *Workload { return Iam(1000, seed) }, 1000},
	{"iam", func(seed uint64) *Workload { return Iam(0, seed) }, 50},
}

// TestWorkloads: the mixture holds by the reference, requests are distinct,
// keys are of 20 to 200 bytes, the number of statements is what was asked for.
func TestWorkloads(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out whether the reference agrees with what the workloads say of themselves")
	}
	for _, shape := range shapes {
		w := shape.make(1)
		if w.Name != shape.name {
			t.Errorf("%s is called %s", shape.name, w.Name)
		}
		statements := 0
		documents(w.Directory, func(d *policy.Document) { statements += len(d.Statements) })
		accessDocuments(w.Directory, func(d *policy.AccessDocument) { statements += len(d.Bindings) })
		if w.Statements != statements || shape.statements != 0 && statements != shape.statements {
			t.Errorf("%s: %d statements, said %d, asked for %d", w.Name, statements, w.Statements, shape.statements)
		}
		const k = 400
		questions := w.Requests(k)
		e := reference.New(w.Directory)
		outcomes := map[policy.Outcome]int{}
		seen := map[string]bool{}
		longest, shortest := 0, 1000
		for i := range questions {
			r := &questions[i].Request
			got := e.Evaluate(r).Decision
			if got.Outcome != questions[i].Want {
				t.Fatalf("%s: request %d %+v: %s, want %s", w.Name, i, r, got.Reason, questions[i].Want)
			}
			outcomes[got.Outcome]++
			seen[strings.Join(r.Principal.IDs, " ")+" "+r.Action+" "+r.Resource.ID] = true
			_, key, _ := strings.Cut(r.Resource.ID, "/")
			if !strings.Contains(r.Resource.ID, "/") {
				continue // a bucket
			}
			longest, shortest = max(longest, len(key)), min(shortest, len(key))
		}
		if outcomes[policy.Allow] != k/2 || outcomes[policy.ExplicitDeny] != k/4 || outcomes[policy.ImplicitDeny] != k/4 {
			t.Errorf("%s: outcomes %v", w.Name, outcomes)
		}
		if len(seen) != k {
			t.Errorf("%s: %d distinct requests of %d", w.Name, len(seen), k)
		}
		if shortest < 20 || longest > 200 || longest < 120 {
			t.Errorf("%s: keys of %d to %d bytes", w.Name, shortest, longest)
		}
	}
}

func TestWorkloadsSameSeed(t *testing.T) {
	for _, shape := range shapes {
		a, b, c := shape.make(1), shape.make(1), shape.make(2)
		if !reflect.DeepEqual(a.Directory, b.Directory) || !reflect.DeepEqual(a.Requests(50), b.Requests(50)) {
			t.Errorf("%s: one seed makes two workloads", shape.name)
		}
		if reflect.DeepEqual(a.Directory, c.Directory) || reflect.DeepEqual(a.Requests(50), c.Requests(50)) {
			t.Errorf("%s: two seeds make one workload", shape.name)
		}
	}
}

// TestShapes holds each workload to its line in specification 5.
func TestShapes(t *testing.T) {
	const n = 5000
	count := func(w *Workload, is func(s *policy.Statement) bool) float64 {
		found, all := 0, 0
		documents(w.Directory, func(d *policy.Document) {
			for i := range d.Statements {
				all++
				if is(&d.Statements[i]) {
					found++
				}
			}
		})
		return float64(found) / float64(all)
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if got < want*0.9-0.001 || got > want*1.1 {
			t.Errorf("%s: %.3f of the statements, want %.3f", what, got, want)
		}
	}
	denies := func(s *policy.Statement) bool { return s.Effect == policy.EffectDeny }
	everyone := func(s *policy.Statement) bool { return s.Principals[0].Kind == policy.PrincipalEveryone }
	near("users, Denies", count(Users(n, 3), denies), 0.1)
	near("groups, *", count(Groups(n, 3), everyone), 0.2)
	near("orgwide, naming a bucket", count(Orgwide(n, 3), func(s *policy.Statement) bool {
		return strings.Contains(strings.TrimPrefix(s.Resources[0], "*/"), "/") && s.Resources[0][0] != '*'
	}), 0)
	near("wildcards, *", count(Wildcards(n, 3), everyone), 0.5)
	near("wildcards, * in the middle", count(Wildcards(n, 3), func(s *policy.Statement) bool {
		return strings.Count(s.Resources[0], "*") == 2
	}), 0.1)

	buckets := Buckets(200, 3)
	for name, b := range buckets.Directory.Buckets {
		if k := len(b.Policy.Statements); k < 5 || k > 20 {
			t.Errorf("buckets: %s has %d statements", name, k)
		}
	}
	if o := buckets.Directory.Organizations[acme].Policies; len(o) != 1 || len(o[0].Statements) != 10 {
		t.Errorf("buckets: %d organization policies", len(o))
	}
	families := map[policy.Family]bool{}
	near("conditions, with 1 to 5", count(Conditions(200, 3), func(s *policy.Statement) bool {
		for _, c := range s.Conditions {
			families[c.Operator.Test.Family()] = true
		}
		return len(s.Conditions) >= 1 && len(s.Conditions) <= 5
	}), 1)
	if len(families) != 8 {
		t.Errorf("conditions: families %v", families)
	}

	d := Iam(n, 3).Directory.Organizations[acme].Access[0]
	members, denied, narrowed, selected, rules, groupsOf := 0, 0, 0, 0, 0, map[string]int{}
	for _, g := range d.Groups {
		members += len(g.Members)
		for _, m := range g.Members {
			groupsOf[m.Name]++
		}
	}
	for _, b := range d.Bindings {
		if b.Effect == policy.EffectDeny {
			denied++
		}
		if b.Resources != nil {
			narrowed++
		}
	}
	for _, r := range d.Roles {
		rules += len(r.Rules)
		for _, rule := range r.Rules {
			if rule.Selector != nil {
				selected++
			}
		}
	}
	most := 0
	for _, n := range groupsOf {
		most = max(most, n)
	}
	if len(d.Roles) != 500 || len(d.Bindings) != 5000 || members != 20000 || len(d.Groups) != 1000 || most != 20 {
		t.Errorf("iam: %d roles, %d bindings, %d members of %d groups, a user in %d", len(d.Roles), len(d.Bindings), members, len(d.Groups), most)
	}
	near("iam, Denies", float64(denied)/n, 0.1)
	near("iam, narrowed", float64(narrowed)/n, 0.25)
	near("iam, selectors", float64(selected)/float64(rules), 0.5)

	tenants := Tenants(100, 2000, 20000, 3)
	if len(tenants.Directory.Organizations) != 100 || len(tenants.Directory.Buckets) != 2000 || tenants.Statements != 20000 {
		t.Errorf("tenants: %d organizations, %d buckets, %d statements", len(tenants.Directory.Organizations), len(tenants.Directory.Buckets), tenants.Statements)
	}
	owned := map[string]int{}
	for _, b := range tenants.Directory.Buckets {
		owned[b.Owner]++
	}
	var sizes []int
	for _, size := range owned {
		sizes = append(sizes, size)
	}
	slices.Sort(sizes)
	slices.Reverse(sizes)
	if len(sizes) != 100 || sizes[0] < 300 || sizes[9] > sizes[0]/7 {
		t.Errorf("tenants: sizes %v", sizes[:10])
	}
}
