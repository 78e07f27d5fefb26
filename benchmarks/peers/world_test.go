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

// hot is how many distinct requests a benchmark goes round.
const hot = 4096

// A world is a workload in the form in which the engines are given it, its
// requests, and postern's answers, which are those by construction.
type world struct {
	workload   *policygen.Workload
	statements []statement
	snapshot   *index.Snapshot
	questions  []policygen.Question
	// actions are those that the requests ask for, sorted.
	actions []string
	// everyone tells that some statement holds for every caller.
	everyone bool
}

// A statement is what users and groups are made of: nothing else of
// specification 1 occurs in them, so that an engine without conditions,
// exclusions or inner wildcards can hold them exactly.
type statement struct {
	deny bool
	// ids are the identifiers that it names; nil means every caller.
	ids []string
	// patterns are its actions, of which `*` may match any run of characters.
	patterns []string
	// actions are those of world.actions that patterns match.
	actions []string
	// prefix is what the resource begins with: `bucket/level/level/`.
	prefix string
}

// newWorld makes a workload's world. It fails the test where a statement is
// none of those that the engines are given, and where postern's answer is not
// the one by construction.
func newWorld(tb testing.TB, shape func(n int, seed uint64) *policygen.Workload, n, requests int) *world {
	tb.Helper()
	w := &world{workload: shape(n, seed)}
	snapshot, faults := compile.Compiler{}.Directory(w.workload.Directory, 1)
	if len(faults) > 0 {
		tb.Fatal(faults)
	}
	w.snapshot = snapshot
	w.questions = w.workload.Requests(requests)
	var scratch index.Scratch
	actions := map[string]bool{}
	for i := range w.questions {
		q := &w.questions[i]
		if got := snapshot.Decide(&q.Request, &scratch).Outcome; got != q.Want {
			tb.Fatalf("%+v: postern says %v, by construction it is %v", q.Request, got, q.Want)
		}
		actions[q.Request.Action] = true
	}
	w.actions = slices.Sorted(maps.Keys(actions))
	for _, o := range w.workload.Directory.Organizations {
		for _, d := range o.Policies {
			for i := range d.Statements {
				w.add(tb, &d.Statements[i])
			}
		}
	}
	if len(w.statements) != n {
		tb.Fatalf("%d statements in the organization's policies, want %d", len(w.statements), n)
	}
	return w
}

// add takes a statement of the workload apart.
func (w *world) add(tb testing.TB, in *policy.Statement) {
	tb.Helper()
	if in.NotPrincipal || in.NotAction || in.NotResource || len(in.Conditions) > 0 || len(in.Resources) != 1 {
		tb.Fatalf("%+v: more than the engines are given", in)
	}
	prefix, last := strings.CutSuffix(in.Resources[0], "*")
	if !last || strings.ContainsAny(prefix, "*?") || strings.Count(prefix, "/") != 3 || !strings.HasSuffix(prefix, "/") {
		tb.Fatalf("resource %q is no prefix of two levels", in.Resources[0])
	}
	s := statement{deny: in.Effect == policy.EffectDeny, patterns: in.Actions, prefix: prefix}
	for _, p := range in.Principals {
		switch p.Kind {
		case policy.PrincipalExact:
			s.ids = append(s.ids, p.Name)
		case policy.PrincipalEveryone:
			w.everyone = true
		default:
			tb.Fatalf("principal %+v: more than the engines are given", p)
		}
	}
	if len(s.ids) > 0 && len(s.ids) != len(in.Principals) {
		tb.Fatalf("principals %+v: everyone and somebody", in.Principals)
	}
	s.ids = distinct(s.ids)
	for _, a := range w.actions {
		if slices.ContainsFunc(s.patterns, func(p string) bool { return matches(p, a) }) {
			s.actions = append(s.actions, a)
		}
	}
	w.statements = append(w.statements, s)
}

// distinct returns the distinct values in order, nil for none.
func distinct(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

// matches compares an action with a pattern that has at most one `*`.
func matches(pattern, action string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == action
	}
	return len(action) >= len(before)+len(after) && strings.HasPrefix(action, before) && strings.HasSuffix(action, after)
}

// split cuts a resource into bucket and key.
func split(resource string) (bucket, key string) {
	bucket, key, _ = strings.Cut(resource, "/")
	return bucket, key
}

// prefixes returns what a resource lies below: the beginnings that end in `/`.
func prefixes(resource string) []string {
	var out []string
	for i := range len(resource) {
		if resource[i] == '/' {
			out = append(out, resource[:i+1])
		}
	}
	return out
}
