package fuzz

import (
	"os"
	"path/filepath"
	"testing"

	"postern/index"
	"postern/internal/conformance"
	"postern/loader"
	"postern/policy"
)

// TestCorpusThroughLoader runs the corpus on what the loader makes of each
// world's files in a directory, at a cold start: what the corpus says is
// broken, in a file or between files, denies what its unit could speak of.
func TestCorpusThroughLoader(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the corpus through the loader: TestCorpusOnIndex asks the same of the index")
	}
	conformance.Run(t, func(t *testing.T, w *conformance.World) conformance.Evaluate {
		root := t.TempDir()
		for name, content := range w.Files {
			file := filepath.Join(root, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var current index.Current
		l, err := loader.New(loader.Config{Root: root, DefaultOrganization: w.DefaultOrganization, PlatformOrganizations: w.PlatformOrganizations, Current: &current, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := current.Load()
		var sc index.Scratch
		return func(r *policy.Request) policy.Explanation {
			decided, explained := s.Decide(r, &sc), s.Explain(r)
			if decided != explained.Decision {
				t.Errorf("Decide says %+v, Explain %+v", decided, explained.Decision)
			}
			return explained
		}
	})
}
