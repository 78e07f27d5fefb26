package loader

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern/index"
	"postern/loader/internal/digest"
	"postern/loader/internal/layout"
)

// digestOf is the digest of files by path and content, made anew; that it is what
// specification 3.4 says is tested beside it.
func digestOf(files map[string]string) string {
	var d digest.Digest
	for path, content := range files {
		parts, sum := strings.Split(path, "/"), layout.SumOf([]byte(content))
		part := layout.Part(slices.Index(layout.PartNames[:], parts[1]))
		d.Set(digest.NewFolder(parts[0], part), parts[len(parts)-1], &sum)
	}
	return d.Sum(1).String()
}

func (tr *testTree) digest() string { return tr.current.Load().Digest().String() }

func (tr *testTree) wantDigest(inForce map[string]string) {
	tr.t.Helper()
	if got, want := tr.digest(), digestOf(inForce); got != want {
		tr.t.Fatalf("digest %s, want %s of %d files\n%s", got, want, len(inForce), tr.describe())
	}
	if got := tr.l.Status().Digest.String(); got != tr.digest() {
		tr.t.Fatalf("the status says %s", got)
	}
}

// TestDigestOfRandomChanges changes a directory at random and computes the
// digest of what is in force anew after each look, and after restarts.
func TestDigestOfRandomChanges(t *testing.T) {
	tr := stateTree(t)
	tr.wantDigest(nil)
	units := []struct { // a file, the unit that it stands or falls with, and good content
		file, unit string
		good       func(n int) string
	}{}
	for _, org := range []string{"o1", "o-2", "o"} {
		add := func(file, unit string, good func(n int) string) {
			units = append(units, struct {
				file, unit string
				good       func(n int) string
			}{org + "/" + file, org + "/" + unit, good})
		}
		for _, name := range []string{"a", "a.b", "a-b"} {
			add("access-policies/"+name+".json", "access-policies", func(n int) string { return allowAll(name + fmt.Sprint(n)) })
			add("buckets/"+name+org+".json", "buckets/"+name+org+".json", func(n int) string { return denyAll(name+org) + strings.Repeat(" ", n) })
		}
		add("buckets.json", "buckets.json", func(n int) string { return `{"buckets":["x` + org + `"]}` + strings.Repeat("\n", n) })
		add("iam/g.json", "iam", func(n int) string { return fmt.Sprintf(iamGroup, fmt.Sprintf(`"u/%d"`, n)) })
	}
	there := map[string]string{}                     // files by path
	for _, org := range []string{"o1", "o-2", "o"} { // so that buckets/ never is empty, which may be a fault
		there[org+"/buckets/keep"+org+".json"] = denyAll("keep" + org)
		tr.write(org+"/buckets/keep"+org+".json", denyAll("keep"+org))
	}
	inForce := map[string]string{} // files of good units
	for step := range rounds(t, 250) {
		for range 1 + rand.IntN(3) {
			u := units[rand.IntN(len(units))]
			switch _, is := there[u.file]; {
			case rand.IntN(4) == 0 && is:
				tr.remove(u.file)
				delete(there, u.file)
			case rand.IntN(4) == 0:
				there[u.file] = "{"
				tr.write(u.file, "{")
			default:
				there[u.file] = u.good(rand.IntN(5))
				tr.write(u.file, there[u.file])
			}
		}
		tr.write("README.md", "passed over")
		tr.write("o1/buckets/.hidden.json", fmt.Sprint(step))
		if rand.IntN(10) == 0 {
			tr.start()
		} else {
			tr.load()
		}
		// A unit is in force if all of its files are good; else as it was.
		unitOf := func(path string) string {
			if strings.Contains(path, "/buckets") {
				return path
			}
			return filepath.Dir(path)
		}
		broken := map[string]bool{}
		for path, content := range there {
			if content == "{" {
				broken[unitOf(path)] = true
			}
		}
		for path := range inForce {
			if !broken[unitOf(path)] {
				delete(inForce, path)
			}
		}
		for path, content := range there {
			if !broken[unitOf(path)] {
				inForce[path] = content
			}
		}
		tr.wantDigest(inForce)
	}
	tr.remove("o1")
	for path := range inForce {
		if strings.HasPrefix(path, "o1/") {
			delete(inForce, path)
		}
	}
	tr.load()
	tr.wantDigest(inForce)
}

// "The same on every machine and after every restart with the same content",
// whatever the folders are called that links lead to, whatever the order of
// looks; and another for another content of a file that says the same.
func TestDigestIsThatOfPathsAndContent(t *testing.T) {
	files := map[string]string{"o1/access-policies/a.json": allowAll("a"), "o2/buckets/b.json": denyAll("b"), "o2/buckets.json": `{"buckets":["c"]}`}
	plain := emptyTree(t)
	for path, content := range files {
		plain.write(path, content)
	}
	plain.start()
	plain.wantDigest(files)

	linked := emptyTree(t)
	linked.start()
	for path, content := range files { // one look after each
		org, rest, _ := strings.Cut(path, "/")
		linked.write("..data/"+org+"-elsewhere/"+rest, content)
		linked.link("..data/"+org+"-elsewhere", org)
		linked.load()
	}
	linked.wantDigest(files)

	generation := plain.current.Load().Generation()
	files["o2/buckets.json"] += " "
	plain.write("o2/buckets.json", files["o2/buckets.json"])
	plain.load()
	plain.wantDigest(files)
	plain.wantGeneration(generation + 1)
}

// A snapshot keeps the digest that it was published with.
func TestDigestBelongsToTheSnapshot(t *testing.T) {
	tr := newTree(t, "o1/buckets/b.json", allowBucket("b"))
	old := tr.current.Load()
	before := tr.digest()
	tr.write("o1/buckets/b.json", denyAll("b"))
	tr.load()
	if tr.digest() == before || old.Digest().String() != before {
		t.Errorf("before %s, then %s; the old snapshot says %s", before, tr.digest(), old.Digest())
	}
	if e := old.Explain(get("o1", "b")); e.Digest != old.Digest() {
		t.Errorf("an explanation of the old snapshot says %s", e.Digest)
	}
	if !strings.Contains(tr.log.String(), "digest="+before) || !strings.Contains(tr.log.String(), "digest="+tr.digest()) {
		t.Errorf("the log of generations:\n%s", tr.log)
	}
	var again index.Current
	tr.config.Current, tr.config.Workers = &again, 1
	l, err := New(tr.config)
	if err == nil {
		err = l.Load(context.Background())
	}
	if err != nil || again.Load().Digest().String() != tr.digest() {
		t.Errorf("loaded by one worker: %v, %v", again.Load().Digest(), err)
	}
}
