package tree

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestLook looks at one name of each kind.
func TestLook(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.Mkdir(root+"/sub", 0o755), os.WriteFile(root+"/sub/f", []byte("x"), 0o644),
		os.Symlink("sub/f", root+"/in"), os.Symlink("..", root+"/out"), os.Symlink("nowhere", root+"/dangling"), os.Symlink("loop", root+"/loop"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]struct {
		kind    Kind
		problem string
	}{
		"none": {kind: Absent}, "sub": {kind: Folder}, "in": {kind: Regular},
		"out": {Broken, "leads out"}, "dangling": {Broken, "leads to nothing"}, "loop": {Broken, "loop"},
	} {
		if s := Look(root, root, name); s.Kind != want.kind || !strings.Contains(s.Problem, want.problem) {
			t.Errorf("%s: kind %v, %q; want %v, %q", name, s.Kind, s.Problem, want.kind, want.problem)
		}
	}
	in := Look(root, root, "in")
	if in.Real != root+"/sub/f" || !slices.Contains(in.Through, root+"/in") || !slices.Contains(in.Through, root+"/sub") {
		t.Errorf("a link to %s through %v", in.Real, in.Through)
	}
}

// TestRead reads a file as it was found, and no other one or state.
func TestRead(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, data string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("f", "content")
	h, err := os.OpenRoot(root)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	at := Look(root, root, "f")
	r := Reader{MaxFile: 16}
	if b, err := r.Read(h, "f", at); err != nil || string(b) != "content" || r.Reads.Load() != 1 {
		t.Errorf("read %q, %v after %d reads", b, err, r.Reads.Load())
	}
	r.OnRead = func(string) { write("f", "another") }
	if _, err := r.Read(h, "f", at); !errors.Is(err, ErrChanged) {
		t.Errorf("a file that changed while it was read: %v", err)
	}
	r.OnRead = nil
	write("f", strings.Repeat("x", 17))
	if _, err := r.Read(h, "f", Look(root, root, "f")); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a file past the bound: %v", err)
	}
}
