package loader

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern/loader/internal/layout"
	"postern/policy"
)

// TestEventsSayAll does random operations, looks at no more than what their
// events name, and then at everything: that must find nothing new. So an event
// looks at enough, and no state is lost between the two kinds of look.
func TestEventsSayAll(t *testing.T) {
	runs := 25
	if testing.Short() {
		runs = 10
	}
	partial := 0
	for seed := range runs {
		r := rand.New(rand.NewPCG(uint64(seed), 9))
		tr := newTree(t, "o1/access-policies/a.json", allowAll("a"), "o1/buckets/b1.json", allowBucket("b1"), "o1/buckets/b2.json", denyAll("b2"),
			"o2/access-policies/a.json", allowAll("a"), "..s/p", denyAll("b1"), "..s/d/a.json", allowAll("a"))
		var done []string
		for range 40 {
			var events []string
			for range 1 + r.IntN(3) {
				events = append(events, tr.random(r, &done)...)
			}
			looks := tr.dir().Looks.Load()
			tr.event(events...)
			if tr.dir().Looks.Load() > looks {
				partial++
			}
			before, generation := tr.describe(), tr.current.Load().Generation()
			warnings := tr.l.Status().WarningCount
			tr.load()
			if got := tr.current.Load().Generation(); got != generation || tr.describe() != before || tr.l.Status().WarningCount != warnings {
				t.Fatalf("seed %d: a look at everything found more than the events %v said: generation %d to %d\nbefore\n%safter\n%s(%d, %d warnings)\ndone\n%s",
					seed, events, generation, got, before, tr.describe(), warnings, tr.l.Status().WarningCount, strings.Join(done, "\n"))
			}
		}
		tr.consistent()
	}
	if partial < runs {
		t.Errorf("only %d looks looked at anything", partial)
	}
}

// random does one operation and returns the paths that have events, as the
// watcher would report them: by real paths.
func (tr *testTree) random(r *rand.Rand, done *[]string) []string {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	file := func() string {
		return pick("o1/access-policies/a.json", "o1/access-policies/b.json", "o1/buckets/b1.json", "o1/buckets/b2.json", "o1/buckets/b3.json",
			"o1/buckets.json", "o1/iam/x.json", "o2/buckets/b1.json", "o2/buckets.json", "o1/notes", "o1/buckets/notes", "README", "..s/p", "..s/d/a.json", "o3/buckets/b4.json")
	}
	dir := func() string {
		return pick("o1", "o2", "o3", "o1/buckets", "o1/access-policies", "o2/buckets", "..s", "o1/iam", "o1/buckets/sub")
	}
	note := func(format string, args ...any) { *done = append(*done, fmt.Sprintf(format, args...)) }
	// real is the path that the watcher would name.
	real := func(p string) string {
		d, err := filepath.EvalSymlinks(filepath.Dir(tr.path(p)))
		if err != nil {
			return p
		}
		rel, err := filepath.Rel(tr.root, filepath.Join(d, filepath.Base(p)))
		if err != nil {
			return p
		}
		return rel
	}
	// made makes the folders above p, and says which.
	made := func(p string) (out []string) {
		for d := filepath.Dir(p); d != "."; d = filepath.Dir(d) {
			if _, err := os.Stat(tr.path(d)); err != nil {
				out = append(out, real(d))
			}
		}
		if os.MkdirAll(filepath.Dir(tr.path(p)), 0o755) != nil {
			return nil
		}
		return out
	}
	switch r.IntN(8) {
	case 0, 1, 2:
		p := file()
		c := pick(allowAll("a"), denyBucket("b", "b1"))
		switch {
		case r.IntN(4) == 0:
			c = "{"
		case strings.Contains(p, "/buckets/") || p == "..s/p":
			c = pick(allowBucket("b1"), denyAll("b1"))
		case strings.HasSuffix(p, "buckets.json"):
			c = pick(`{"buckets":["b1"]}`, `{"buckets":["b4","b2"]}`)
		}
		events := append(made(p), real(p))
		note("write %s: %v", p, os.WriteFile(tr.path(p), []byte(c), 0o644))
		if target, err := filepath.EvalSymlinks(tr.path(p)); err == nil {
			if rel, err := filepath.Rel(tr.root, target); err == nil {
				events = append(events, rel)
			}
		}
		return events
	case 3:
		p := file()
		e := real(p)
		note("remove %s: %v", p, os.Remove(tr.path(p)))
		return []string{e}
	case 4:
		p := dir()
		e := real(p)
		note("rm -r %s: %v", p, os.RemoveAll(tr.path(p)))
		return []string{e} // what lay in it does not count: the folder is gone
	case 5:
		p := dir()
		events := append(made(p), real(p))
		note("mkdir %s: %v", p, os.MkdirAll(tr.path(p), 0o755))
		return events
	case 6:
		p := pick(file(), dir())
		events := append(made(p), real(p))
		if fi, err := os.Lstat(tr.path(p)); err == nil && fi.IsDir() {
			os.RemoveAll(tr.path(p))
		}
		os.Remove(tr.path(p))
		target := tr.path(pick("..s/p", "..s/d", "o1", "o1/buckets", "o1/buckets/b1.json", "nowhere", "o2"))
		note("link %s to %s: %v", p, target, os.Symlink(target, tr.path(p)))
		return events
	default:
		a, b := dir(), dir()
		events := append(made(b), real(a), real(b))
		note("move %s to %s: %v", a, b, os.Rename(tr.path(a), tr.path(b)))
		return events
	}
}

// consistent checks the counters and caches of the model against a count.
func (tr *testTree) consistent() {
	tr.t.Helper()
	l := tr.l
	var statements [policy.LayerCount]int
	claimed := map[string]int{}
	for _, o := range l.orgs {
		statements[policy.LayerOrganization] += o.Unit(layout.Policies).Good.Statements()
		statements[policy.LayerIAM] += o.Unit(layout.IAM).Good.Statements()
		n, mine := 0, map[string]bool{}
		for name := range o.listed {
			mine[name] = true
		}
		for file, b := range o.Buckets {
			n += b.Good.Statements()
			if b.Claims() {
				mine[layout.BucketOf(file)] = true
			}
		}
		if n != o.bucketStatements || len(mine) != o.claimed {
			tr.t.Errorf("%s: %d statements, counted %d; %d buckets, counted %d", o.name, o.bucketStatements, n, o.claimed, len(mine))
		}
		statements[policy.LayerBucket] += n
		for name := range mine {
			claimed[name]++
			if !slices.Contains(l.claims.of(name), o) {
				tr.t.Errorf("%s claims %s, and is not among the claimants", o.name, name)
			}
		}
	}
	if statements != l.statements {
		tr.t.Errorf("statements %v, counted %v", l.statements, statements)
	}
	for name, n := range claimed {
		if len(l.claims.of(name)) != n {
			tr.t.Errorf("%s has %d claimants, counted %d", name, len(l.claims.of(name)), n)
		}
	}
	if len(claimed) != len(l.claims.one) {
		tr.t.Errorf("%d buckets, counted %d", len(l.claims.one), len(claimed))
	}
}
