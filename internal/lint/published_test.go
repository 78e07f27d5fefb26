package lint

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestPublished: policies of published kinds have the warnings that a reviewer would
// thank for, and no others. Each archive lists them by file.
func TestPublished(t *testing.T) {
	paths, err := filepath.Glob("testdata/published/*.txtar")
	if err != nil || len(paths) < 2 {
		t.Fatalf("%d archives (%v)", len(paths), err)
	}
	files, silent := 0, 0
	for _, p := range paths {
		a, err := txtar.ParseFile(p)
		if err != nil {
			t.Fatal(err)
		}
		g := golden{path: p, archive: a, orgs: []string{"acme", "initech"}}
		last := len(a.Files) - 1
		var got strings.Builder
		for _, f := range a.Files[:last] {
			files++
			ds := g.warnings(t, f.Name, f.Data)
			if len(ds) == 0 {
				silent++
			}
			for _, d := range ds {
				fmt.Fprintf(&got, "%s:%d: %s\n", path.Dir(f.Name), d.Position.Line, d.Code)
			}
		}
		want := &a.Files[last]
		if *update {
			want.Data = []byte(got.String())
			if err := os.WriteFile(p, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want.Name != "want" || got.String() != string(want.Data) {
			t.Errorf("%s: got\n%s\nwant\n%s", p, got.String(), want.Data)
		}
	}
	t.Logf("%d of %d policies have no warning", silent, files)
}
