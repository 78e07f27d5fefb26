package apply

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern/cmd/postern-sync/internal/revision"
)

// contents are the files of a revision: content by path.
type contents map[string]string

func (c contents) tree() *revision.Tree {
	files := map[string]revision.File{}
	for path, content := range c {
		files[path] = revision.File{Sum: revision.SumOf([]byte(content)), Size: int64(len(content))}
	}
	return revision.NewTree(files)
}

// position is that of the revision with these files.
func (c contents) position(n uint64) Position {
	t := c.tree()
	return Position{ID: revision.ID{Epoch: 1, Revision: n}, Message: revision.SumOf(fmt.Append(nil, n)), Digest: t.Digest(), Count: t.Len()}
}

// put stages and applies a revision.
func put(d *Directory, c contents, n uint64) error {
	for _, change := range c.tree().Difference(d.Tree()) {
		if !change.Removed {
			if err := d.Stage([]byte(c[change.Path])); err != nil {
				return err
			}
		}
	}
	return d.Apply(c.position(n), c.tree())
}

// seen is what a naive reader finds in a directory: files and folders, hidden names
// aside.
func seen(t *testing.T, dir string) contents {
	t.Helper()
	out := contents{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == dir:
			return nil
		case strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		path, _ := filepath.Rel(dir, name)
		if e.Type()&fs.ModeSymlink != 0 {
			out[path] = "a link"
			return nil
		}
		if e.IsDir() {
			out[path+"/"] = ""
			return nil
		}
		data, err := os.ReadFile(name)
		out[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// withFolders are the files of a revision and the folders that they lie in.
func (c contents) withFolders() contents {
	out := maps.Clone(c)
	for path := range c {
		for _, folder := range parents(path) {
			out[folder+"/"] = ""
		}
	}
	return out
}

func is(a, b contents) bool { return maps.Equal(a.withFolders(), b) }

// steps are pairs of revisions, of which the second follows the first.
var steps = map[string][2]contents{
	"first":            {{}, {"a/buckets/x.json": "1", "a/access-policies/p.json": "2", "b/iam/r.json": "3", "b/buckets.json": "4"}},
	"one replaced":     {{"a/buckets/x.json": "1", "a/buckets/y.json": "1"}, {"a/buckets/x.json": "2", "a/buckets/y.json": "1"}},
	"one new":          {{"a/buckets/x.json": "1"}, {"a/buckets/x.json": "1", "a/buckets/y.json": "1"}},
	"one in a folder":  {{"a/buckets/x.json": "1"}, {"a/buckets/x.json": "1", "a/iam/y.json": "1"}},
	"one removed":      {{"a/buckets/x.json": "1", "a/buckets/y.json": "1"}, {"a/buckets/x.json": "1"}},
	"last of a folder": {{"a/buckets/x.json": "1", "a/iam/y.json": "1"}, {"a/buckets/x.json": "1"}},
	"organization":     {{"a/buckets/x.json": "1", "b/iam/y.json": "1"}, {"a/buckets/x.json": "1"}},
	"everything":       {{"a/buckets/x.json": "1", "a/iam/y.json": "1"}, {}},
	"swapped":          {{"a/buckets/x.json": "1", "a/buckets/y.json": "2"}, {"a/buckets/x.json": "2", "a/buckets/y.json": "1"}},
	"twins":            {{"a/buckets/x.json": "1"}, {"a/buckets/x.json": "2", "a/buckets/y.json": "2", "b/buckets/z.json": "2"}},
	"nothing":          {{"a/buckets/x.json": "1"}, {"a/buckets/x.json": "1"}},
	"many": {{"a/buckets/x.json": "1"}, {"a/buckets/1.json": "1", "a/buckets/2.json": "2", "a/buckets/3.json": "3", "a/buckets/4.json": "4", "a/buckets/5.json": "5",
		"a/buckets/6.json": "6", "a/buckets/7.json": "7", "a/buckets/8.json": "8", "a/buckets/9.json": "9"}},
}

// holds are the single changes that need a hold.
var holds = []string{"one in a folder", "one removed", "last of a folder", "organization"}

func TestMain(m *testing.M) {
	noSync := func(*os.File) error { return nil } // thousands of them would take minutes
	syncFile, syncFiles = noSync, noSync
	os.Exit(m.Run())
}

var errCrash = errors.New("the process ends here")

// crashAt is a Step that fails at the n-th step, counted from 0, and notes all.
func crashAt(n int, log *[]string) func(string) error {
	i := 0
	return func(what string) error {
		*log = append(*log, what)
		if i++; i > n {
			return errCrash
		}
		return nil
	}
}

// TestCrash ends the process before each step of an apply, and again before each step of
// the recovery: whenever no .hold stands, the directory is one of the two revisions; a
// journal that was written makes the second win; and it is never gone back.
func TestCrash(t *testing.T) {
	crashes := 0
	for name, pair := range steps {
		t.Run(name, func(t *testing.T) {
			old, next := pair[0], pair[1]
			for n := 0; ; n++ {
				var log []string
				dir := atCrash(t, old, next, n, &log)
				crashes++
				won := look(t, dir, old, next, log)
				if len(log) <= n { // it came to its end
					if !is(next, seen(t, dir)) || exists(dir, journalName) || exists(dir, stageName) || exists(dir, holdName) {
						t.Fatalf("the end: %v", seen(t, dir))
					}
					if changes := len(next.tree().Difference(old.tree())); exists(dir, heldName) != (changes > 0) || changes > 1 != slices.Contains(log, "rename "+heldName) && !slices.Contains(holds, name) {
						t.Errorf("%d changes were made with the steps %q", changes, log)
					}
					break
				}
				for m := n % 2; ; m += 2 { // the recovery crashes too
					var relog []string
					again := copyOf(t, dir)
					d, err := Open(again, crashAt(m, &relog))
					if err == nil {
						d.Close()
					}
					what := append(append(slices.Clone(log), "--"), relog...)
					if rewon := look(t, again, old, next, what); won != rewon && exists(again, journalName) {
						t.Fatalf("%q: a journal came or went", what)
					}
					recovered(t, again, old, next, won, what)
					if len(relog) <= m {
						break
					}
				}
			}
		})
	}
	t.Logf("%d crashes", crashes)
}

// atCrash is a directory in which the process ended before step n of the apply.
func atCrash(t *testing.T, old, next contents, n int, log *[]string) string {
	t.Helper()
	dir := t.TempDir()
	d, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := put(d, old, 1); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(dir, heldName))
	d.Step = crashAt(n, log)
	if err := put(d, next, 2); err != nil && !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	return dir
}

// look holds a directory to the promise, and reports whether the next revision has won.
func look(t *testing.T, dir string, old, next contents, log []string) bool {
	t.Helper()
	found := seen(t, dir)
	if !exists(dir, holdName) && !is(old, found) && !is(next, found) {
		t.Fatalf("%q: no hold stands, and the directory has %v", log, found)
	}
	var p Position
	if data, err := os.ReadFile(filepath.Join(dir, appliedName)); err == nil && strings.Contains(string(data), `"revision":2`) {
		p.Revision = 2
	}
	return exists(dir, journalName) || p.Revision == 2
}

// recovered opens a directory after a crash, and wants the revision that won.
func recovered(t *testing.T, dir string, old, next contents, won bool, log []string) {
	t.Helper()
	d, err := Open(dir, nil)
	if err != nil {
		t.Fatalf("%q: %v", log, err)
	}
	defer d.Close()
	want, n := old, uint64(1)
	if won {
		want, n = next, 2
	}
	if found := seen(t, dir); !is(want, found) {
		t.Fatalf("%q: recovered to %v, want %v", log, found, want)
	}
	if d.Position().Revision != n || d.Tree().Digest() != want.tree().Digest() || exists(dir, holdName) || exists(dir, journalName) || exists(dir, stageName) {
		t.Fatalf("%q: recovered to position %+v", log, d.Position())
	}
	if err := d.Check(); err != nil {
		t.Fatal(err)
	}
}

func exists(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(out, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return out
}

// Whoever changes the directory by hand is told so, nothing is replaced or removed, and
// -adopt takes over what it may.
func TestStrays(t *testing.T) {
	first := contents{"a/buckets/x.json": "1", "a/buckets/y.json": "1", "b/iam/r.json": "1"}
	next := contents{"a/buckets/x.json": "2", "a/buckets/z.json": "2"}
	for what, c := range map[string]struct {
		do      func(dir string) error
		says    string
		applied bool // nothing that the next revision changes is touched
		foreign bool // -adopt cannot take it over
	}{
		"changed":   {func(dir string) error { return os.WriteFile(dir+"/a/buckets/x.json", []byte("3"), 0o644) }, "a/buckets/x.json has another content", false, false},
		"removed":   {func(dir string) error { return os.Remove(dir + "/a/buckets/y.json") }, "a/buckets/y.json is gone", false, false},
		"in place":  {func(dir string) error { return os.WriteFile(dir+"/a/buckets/z.json", []byte("3"), 0o644) }, "a/buckets/z.json is not from a revision", false, false},
		"beside":    {func(dir string) error { return os.WriteFile(dir+"/a/buckets/w.json", []byte("3"), 0o644) }, "a/buckets/w.json is not from a revision", true, false},
		"link":      {func(dir string) error { return os.Symlink("x.json", dir+"/a/buckets/w.json") }, "a/buckets/w.json is no plain file", true, true},
		"link org":  {func(dir string) error { return os.Symlink("a", dir+"/c") }, "c is a link", true, true},
		"link part": {func(dir string) error { return os.Symlink("buckets", dir+"/a/iam") }, "a/iam is no folder", true, true},
		"empty org": {func(dir string) error { return os.Mkdir(dir+"/c", 0o755) }, "c is a folder without policies", true, true},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			d, err := Open(dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { d.Close() }()
			if err := put(d, first, 1); err != nil {
				t.Fatal(err)
			}
			if err := d.Check(); err != nil {
				t.Fatal(err)
			}
			if err := c.do(dir); err != nil {
				t.Fatal(err)
			}
			before := seen(t, dir)
			if err := d.Check(); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("checked: %v, want %q", err, c.says)
			}
			if err := put(d, next, 2); (err == nil) != c.applied {
				t.Errorf("applied: %v", err)
			} else if err != nil && (!strings.Contains(err.Error(), c.says) || !maps.Equal(before, seen(t, dir))) {
				t.Errorf("%v, and it has %v", err, seen(t, dir))
			}
			d.Close()
			if d, err = Open(dir, nil); err != nil {
				t.Fatal(err)
			}
			if err := d.Adopt(); (err != nil) != c.foreign {
				t.Fatalf("adopted: %v", err)
			}
			if c.foreign {
				return
			}
			if err := put(d, next, 3); err != nil || !is(next, seen(t, dir)) {
				t.Errorf("%v, and it has %v", err, seen(t, dir))
			}
		})
	}
}

// A .hold of somebody else is respected; one lock keeps a second process out.
func TestForeignHoldAndLock(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := Open(dir, nil); err == nil || !strings.Contains(err.Error(), "another process keeps") {
		t.Errorf("opened twice: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, holdName), []byte("transaction of mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := contents{"a/buckets/x.json": "1"}
	if err := put(d, c, 1); !errors.Is(err, ErrHeld) || exists(dir, "a") {
		t.Errorf("applied under a hold: %v", err)
	}
	os.Remove(filepath.Join(dir, holdName))
	if err := put(d, c, 1); err != nil || !is(c, seen(t, dir)) {
		t.Errorf("after it: %v", err)
	}
}

// The index is written anew now and then, and a torn line at its end is cut off.
func TestIndex(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := contents{"a/buckets/x.json": ""}
	for n := range uint64(mostRecords + 20) {
		c["a/buckets/x.json"] = fmt.Sprint(n)
		if err := put(d, c, n+1); err != nil {
			t.Fatal(err)
		}
	}
	d.Close()
	name := filepath.Join(dir, indexName)
	data, err := os.ReadFile(name)
	if err != nil || strings.Count(string(data), "\n") > 30 {
		t.Errorf("%d lines, %v", strings.Count(string(data), "\n"), err)
	}
	for cut := range 12 {
		torn := append(slices.Clone(data), data[:cut*7]...)
		if cut > 0 {
			torn[len(torn)-1] = 'x'
		}
		if err := os.WriteFile(name, torn, 0o644); err != nil {
			t.Fatal(err)
		}
		d, err := Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if d.Tree().Digest() != c.tree().Digest() {
			t.Errorf("cut %d: another tree", cut)
		}
		d.Close()
		if after, _ := os.ReadFile(name); string(after) != string(data) {
			t.Errorf("cut %d: the torn line is there", cut)
		}
	}
}
