package directory

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"postern/internal/policyjson"
	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

// raw is a Maker that takes every text for good.
type raw struct{}

func (raw) Parse(*policyjson.Parser, layout.Part, string, []byte) source.Parsed {
	return source.Parsed{}
}

func (raw) Compile(p layout.Part, _ string, _ []source.Parsed) (c source.Content, _ []policy.Diagnostic) {
	if p != layout.Buckets {
		c.More = &source.SetContent{}
	}
	return c, nil
}

// world is a policy directory, and what its looks left.
type world struct {
	t    *testing.T
	root string
	s    *Source
	orgs map[string]*source.Last
}

func newWorld(t *testing.T) *world {
	root := filepath.Join(t.TempDir(), "policies")
	// Long ago, so that a stamp is to be trusted.
	s, err := New(Config{Path: root, MaxFile: 1 << 10, MaxFiles: 100, Workers: 2, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Now().Add(time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, root, s, map[string]*source.Last{}}
}

func (w *world) write(path, text string) {
	w.t.Helper()
	at := filepath.Join(w.root, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o644)); err != nil {
		w.t.Fatal(err)
	}
}

// scan looks at a scope, as a loader would.
func (w *world) scan(sc *source.Scope) (*source.Found, error) {
	return w.s.Scan(context.Background(), &source.Query{Scope: sc, Names: maps.Keys(w.orgs), Loaded: true, Maker: raw{},
		Org:     func(name string) *source.Last { return w.orgs[name] },
		Rest:    func(string, source.Survey) bool { return true },
		Patient: func(string) bool { return false },
		Keep:    func(int) bool { return false }})
}

// look looks at everything, and takes what it found.
func (w *world) look() *source.Found {
	w.t.Helper()
	f, err := w.scan(&source.Scope{All: true})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, of := range f.Orgs {
		o := w.orgs[of.Name]
		if o == nil {
			o = &source.Last{Buckets: map[string]*source.Bucket{}}
			w.orgs[of.Name] = o
		}
		for p, x := range of.Units {
			u := o.Unit(layout.Part(p))
			if u.Seen, u.Complete = x.Seen, x.Complete; x.Good != nil {
				u.Good, u.Known = *x.Good, true
			}
		}
		for _, x := range of.Buckets.Found {
			if x.Gone {
				delete(o.Buckets, x.Name)
			} else {
				o.Buckets[x.Name] = &source.Bucket{Seen: x.Seen, Complete: x.Complete, Known: true, Good: x.Good}
			}
		}
	}
	w.s.Took(f)
	return f
}

// TestScan finds what is not as it was, and nothing else.
func TestScan(t *testing.T) {
	w := newWorld(t)
	w.write("o1/access-policies/a.json", "a")
	w.write("o1/buckets/b.json", "b")
	w.write("o1/buckets/c.json", "c")
	f := w.look()
	if len(f.Orgs) != 1 || !f.Orgs[0].Whole || len(f.Orgs[0].Buckets.Found) != 2 || f.Orgs[0].Units[layout.Policies].Good == nil {
		t.Fatalf("first: %+v", f.Orgs)
	}
	_, reads, _ := w.s.Done()
	if f = w.look(); f.Moved || len(f.Orgs[0].Buckets.Found) != 0 || !f.Orgs[0].Units[layout.Policies].Same {
		t.Errorf("unchanged: %+v", f.Orgs[0])
	}
	if _, now, _ := w.s.Done(); now != reads {
		t.Errorf("%d unchanged files were read", now-reads)
	}
	w.write("o1/buckets/b.json", "other")
	if err := os.Remove(filepath.Join(w.root, "o1/buckets/c.json")); err != nil {
		t.Fatal(err)
	}
	found := w.look().Orgs[0].Buckets.Found
	gone := map[string]bool{}
	for _, x := range found {
		gone[x.Name] = x.Gone
	}
	if len(found) != 2 || gone["b.json"] || !gone["c.json"] {
		t.Errorf("changed: %+v", found)
	}
}

// TestMoved tells a root that was re-pointed from one that was not.
func TestMoved(t *testing.T) {
	w := newWorld(t)
	at := filepath.Dir(w.root)
	for _, dir := range []string{"one", "two"} {
		if err := os.MkdirAll(filepath.Join(at, dir, "o1"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to string) {
		t.Helper()
		os.Remove(w.root)
		if err := os.Symlink(to, w.root); err != nil {
			t.Fatal(err)
		}
	}
	link("one")
	w.look()
	if f := w.look(); f.Moved || f.Repointed {
		t.Error("it did not move")
	}
	link("two")
	sc := &source.Scope{}
	sc.Add(layout.Place{Org: "o1", Part: layout.Folder})
	if _, err := w.scan(sc); !errors.Is(err, source.ErrChanged) {
		t.Errorf("a small look at a root that moved: %v", err)
	}
	if f := w.look(); !f.Moved || !f.Repointed {
		t.Error("it moved")
	}
}

// TestAbout routes an event's path to what it is about.
func TestAbout(t *testing.T) {
	w := newWorld(t)
	w.write("o1/buckets/b.json", "b")
	w.write("o1/access-policies/a.json", "a")
	w.look()
	real, err := filepath.EvalSymlinks(w.root)
	if err != nil {
		t.Fatal(err)
	}
	sc := &source.Scope{}
	w.s.About(sc, real+"/o1/buckets/b.json")
	w.s.About(sc, real+"/o1/access-policies/new.json")
	w.s.About(sc, real+"/o1/access-policies/.hidden")
	o := sc.Orgs["o1"]
	if sc.All || o == nil || o.Whole || !o.Units[layout.Policies] || o.Units[layout.IAM] || len(o.Files) != 1 {
		t.Errorf("scope %+v, %+v", sc, o)
	}
	w.s.About(sc, real)
	if !sc.All {
		t.Error("the root itself is not about everything")
	}
}

// A folder is in the directory by where it lies, whatever links lead there.
func TestContains(t *testing.T) {
	w := newWorld(t)
	w.write("o1/access-policies/a.json", "{}")
	beside := filepath.Join(filepath.Dir(w.root), "policies-and-more")
	link := filepath.Join(filepath.Dir(w.root), "link")
	if err := errors.Join(os.Mkdir(beside, 0o755), os.Symlink(filepath.Join(w.root, "o1"), link)); err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]bool{
		w.root: true, filepath.Join(w.root, "o1"): true, link: true, beside: false, filepath.Dir(w.root): false, filepath.Join(w.root, "none"): false,
	} {
		if got := w.s.Contains(folder); got != want {
			t.Errorf("%s is in it: %v", folder, got)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("a directory without a path")
	}
}
