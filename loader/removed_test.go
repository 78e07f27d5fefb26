package loader

import (
	"fmt"
	"strings"
	"testing"
)

// "A bucket policy, or an organization, that is removed is logged at WARN with
// what decides now"
func TestRemovalsAreLogged(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(tr *testTree)
		want []string // the lines at WARN
	}{
		"listed": {func(tr *testTree) { tr.remove("o1/buckets/a.json") },
			[]string{"bucket a has no policy any more: its organization's policies alone decide (o1)"}},
		"not listed": {func(tr *testTree) { tr.remove("o1/buckets/z.json") },
			[]string{"bucket z has no policy any more: no organization claims it, so that requests which state its organization are decided by that organization's policies alone, and others are denied"}},
		"listed by two": {func(tr *testTree) { tr.write("o2/buckets.json", `{"buckets":["a"]}`); tr.remove("o1/buckets/a.json") },
			[]string{"is claimed by o2 too", "is claimed by o1 too", "bucket a has no policy any more: every request for it is denied, as o1 and o2 claim it", "is claimed by o2 too"}},
		"its list is broken": {func(tr *testTree) { tr.write("o1/buckets.json", "{"); tr.remove("o1/buckets/a.json") },
			[]string{"quarantined", "bucket a has no policy any more: its organization's policies alone decide (o1)"}},
		"moved": {func(tr *testTree) { tr.mkdir("o2/buckets"); tr.rename("o1/buckets/z.json", "o2/buckets/z.json") }, nil},
		"moved and broken": {func(tr *testTree) { tr.remove("o1/buckets/z.json"); tr.write("o2/buckets/z.json", "{") },
			[]string{"quarantined", "a broken bucket policy denies"}},
		"changed":            {func(tr *testTree) { tr.write("o1/buckets/z.json", allowBucket("z")) }, nil},
		"an organization":    {func(tr *testTree) { tr.remove("o2") }, []string{"organization o2 has no folder any more: its callers are denied"}},
		"one with buckets":   {func(tr *testTree) { tr.remove("o1") }, []string{"organization o1 has no folder any more: its callers are denied, and 4 buckets have no owner"}},
		"one that was moved": {func(tr *testTree) { tr.rename("o1", "o3") }, []string{"organization o1 has no folder any more: its callers are denied"}},
		"one that is back with fewer": {func(tr *testTree) {
			tr.rename("o1", "..o")
			tr.load()
			tr.remove("..o/buckets/a.json")
			tr.rename("..o", "o1")
		},
			[]string{"organization o1 has no folder any more: its callers are denied, and 4 buckets have no owner", "bucket a has no policy any more: its organization's policies alone decide (o1)"}},
		"SIGHUP": {func(tr *testTree) { tr.remove("o1/buckets"); tr.l.Rescan() },
			[]string{"bucket a has no policy any more: ", "bucket b has no policy any more: ", "bucket c has no policy any more: ", "bucket z has no policy any more: "}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := missing(t, "")
			tr.write("o1/buckets/z.json", denyAll("z"))
			tr.write("o1/buckets.json", `{"buckets":["a","b","c"]}`)
			tr.load()
			tr.log.Reset()
			c.do(tr)
			tr.load()
			var got []string
			for line := range strings.Lines(tr.log.String()) {
				if strings.Contains(line, "level=WARN") {
					got = append(got, line)
				}
			}
			if len(got) != len(c.want) {
				t.Fatalf("logged\n%s", strings.Join(got, ""))
			}
			for i, want := range c.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("logged %s\nwant %s", got[i], want)
				}
			}
		})
	}
}

// "many at once are capped"
func TestManyRemovalsAreCapped(t *testing.T) {
	tr := emptyTree(t)
	tr.write("o1/buckets/left.json", denyAll("left"))
	for i := range 50 {
		tr.write(fmt.Sprintf("o1/buckets/b%02d.json", i), denyAll(fmt.Sprintf("b%02d", i)))
		tr.mkdir(fmt.Sprintf("x%02d", i))
	}
	tr.start()
	tr.log.Reset()
	for i := range 50 {
		tr.remove(fmt.Sprintf("o1/buckets/b%02d.json", i))
		tr.remove(fmt.Sprintf("x%02d", i))
	}
	tr.load()
	log := tr.log.String()
	if n := strings.Count(log, "has no policy any more"); n != linesLogged || !strings.Contains(log, "and 30 more bucket policies were removed") {
		t.Errorf("%d lines of buckets\n%s", n, log)
	}
	if n := strings.Count(log, "has no folder any more"); n != linesLogged || !strings.Contains(log, "and 30 more organizations were removed") {
		t.Errorf("%d lines of organizations\n%s", n, log)
	}
}
