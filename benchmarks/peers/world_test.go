package peers

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/policygen"
	"postern/policy"
)

// seed is that of every workload here.
const seed = 20261121

// A world is a workload in the form in which the engines are given it, its
// requests, and postern's answers, which are those by construction.
type world struct {
	directory  *policy.Directory
	statements []statement
	snapshot   *index.Snapshot
	questions  []policygen.Question
	// single is set where every caller has one identifier, and every statement
	// names some.
	single bool
	// actions are those that the requests ask for and those that statements
	// name without a wildcard, sorted: what an engine without wildcards in
	// actions has to tell apart.
	actions []string
}

// A statement is what the workloads users and groups are made of: nothing else
// of specification 1 occurs in them, so that an engine without conditions,
// exclusions or inner wildcards can hold them exactly.
type statement struct {
	deny bool
	// ids are the identifiers that it names, no two equal; none means every
	// caller.
	ids []string
	// patterns are its actions, of which a `*` matches any run of characters.
	patterns []string
	// actions are those of world.actions that patterns match, sorted.
	actions []string
	// prefix is what its resource begins with: `bucket/level/level/`.
	prefix string
}

// bucket is the one that a statement is about.
func (s *statement) bucket() string { return bucketOf(s.prefix) }

// newWorld makes a workload's world. It fails the test where a statement is
// more than the engines are given, and where postern's answer is not the one
// by construction.
func newWorld(tb testing.TB, shape string, n, requests int) *world {
	tb.Helper()
	workload := shapes[shape](n, seed)
	w := &world{directory: workload.Directory, single: true, questions: workload.Requests(requests)}
	var faults []policy.Diagnostic
	if w.snapshot, faults = (compile.Compiler{}).Directory(workload.Directory, 1); len(faults) > 0 {
		tb.Fatal(faults)
	}
	decide := postern(tb, w)
	actions := map[string]bool{}
	for i := range w.questions {
		q := &w.questions[i]
		if got := decide(i); got != q.Want {
			tb.Fatalf("%+v: postern says %v, by construction it is %v", q.Request, got, q.Want)
		}
		actions[q.Request.Action] = true
		w.single = w.single && len(q.Request.Principal.IDs) == 1
	}
	for _, d := range workload.Directory.Organizations["acme"].Policies {
		for i := range d.Statements {
			w.statements = append(w.statements, apart(tb, &d.Statements[i]))
			for _, p := range d.Statements[i].Actions {
				if !strings.Contains(p, "*") {
					actions[p] = true
				}
			}
		}
	}
	if len(w.statements) != n {
		tb.Fatalf("%d statements in the organization's policies, want %d", len(w.statements), n)
	}
	w.actions = slices.Sorted(maps.Keys(actions))
	for i := range w.statements {
		s := &w.statements[i]
		w.single = w.single && len(s.ids) > 0
		for _, a := range w.actions {
			if slices.ContainsFunc(s.patterns, func(p string) bool { return matches(p, a) }) {
				s.actions = append(s.actions, a)
			}
		}
	}
	return w
}

// apart takes a statement of a workload apart.
func apart(tb testing.TB, in *policy.Statement) statement {
	tb.Helper()
	if in.NotPrincipal || in.NotAction || in.NotResource || len(in.Conditions) > 0 || len(in.Resources) != 1 {
		tb.Fatalf("%+v: more than the engines are given", in)
	}
	prefix, ends := strings.CutSuffix(in.Resources[0], "*")
	if !ends || strings.ContainsAny(prefix, "*?") || strings.Count(prefix, "/") != 3 || !strings.HasSuffix(prefix, "/") {
		tb.Fatalf("resource %q is no prefix of two levels", in.Resources[0])
	}
	s := statement{deny: in.Effect == policy.EffectDeny, prefix: prefix, patterns: in.Actions}
	for _, p := range in.Principals {
		switch {
		case p.Kind == policy.PrincipalExact:
			s.ids = append(s.ids, p.Name)
		case p.Kind != policy.PrincipalEveryone || len(in.Principals) > 1:
			tb.Fatalf("principals %+v: more than the engines are given", in.Principals)
		}
	}
	slices.Sort(s.ids)
	s.ids = slices.Compact(s.ids)
	return s
}

// matches compares an action with a pattern that has at most one `*`.
func matches(pattern, action string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == action
	}
	return len(action) >= len(before)+len(after) && strings.HasPrefix(action, before) && strings.HasSuffix(action, after)
}

// bucketOf is the bucket of a resource.
func bucketOf(resource string) string {
	bucket, _, _ := strings.Cut(resource, "/")
	return bucket
}

// byBucket sorts a world's statements by the bucket that each is about.
func byBucket(w *world) map[string][]*statement {
	out := map[string][]*statement{}
	for i := range w.statements {
		s := &w.statements[i]
		out[s.bucket()] = append(out[s.bucket()], s)
	}
	return out
}

// everyone is the identifier that stands for every caller.
const everyone = "*"

// callers are the identifiers of each request's caller; with everyone among
// them, unless all statements name somebody.
func (w *world) callers() [][]string {
	out := make([][]string, len(w.questions))
	for i := range out {
		out[i] = w.questions[i].Request.Principal.IDs
		if !w.single {
			out[i] = append(slices.Clone(out[i]), everyone)
		}
	}
	return out
}
