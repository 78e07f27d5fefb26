package lint

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"postern/policy"
)

// TestPublished: policies of published kinds load, and have the warnings that a
// reviewer would thank for, and no others. Each archive lists them by file; how many
// load, and have which warnings, stands in docs/warnings.md.
func TestPublished(t *testing.T) {
	paths, err := filepath.Glob("testdata/published/*.txtar")
	if err != nil || len(paths) < 3 {
		t.Fatalf("%d archives (%v)", len(paths), err)
	}
	var table strings.Builder
	table.WriteString("| policies of the kinds in | number | load | without a warning |\n|---|---|---|---|\n")
	codes := map[string]int{}
	var files, loaded, silent int
	for _, p := range paths {
		a, err := txtar.ParseFile(p)
		if err != nil {
			t.Fatal(err)
		}
		g := golden{path: p, archive: a, orgs: []string{"acme", "initech"}}
		last := len(a.Files) - 1
		var got strings.Builder
		filesBefore, loadedBefore, silentBefore := files, loaded, silent
		for _, f := range a.Files[:last] {
			files++
			ds := g.read(t, f.Name, f.Data)
			if !policy.HasErrors(ds) {
				loaded++
			}
			if len(ds) == 0 {
				silent++
			}
			for _, d := range ds {
				code := "error"
				if d.Severity == policy.Warning {
					code = d.Code.String()
					codes[code]++
				}
				fmt.Fprintf(&got, "%s:%d: %s\n", path.Dir(f.Name), d.Position.Line, code)
			}
		}
		fmt.Fprintf(&table, "| %s | %d | %d | %d |\n", published[filepath.Base(p)], files-filesBefore, loaded-loadedBefore, silent-silentBefore)
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
	fmt.Fprintf(&table, "| all | %d | %d | %d |\n", files, loaded, silent)
	list := slices.SortedFunc(maps.Keys(codes), func(a, b string) int {
		return cmp.Or(cmp.Compare(codes[b], codes[a]), cmp.Compare(a, b))
	})
	for i, c := range list {
		list[i] = fmt.Sprintf("%d `%s`", codes[c], c)
	}
	fmt.Fprintf(&table, "\nTheir warnings: %s.\n", strings.Join(list, ", "))
	documented, err := os.ReadFile("../../docs/warnings.md")
	if err != nil || !strings.Contains(string(documented), table.String()) {
		t.Errorf("docs/warnings.md does not have (%v)\n%s", err, table.String())
	}
}

// published says of each archive where policies of its kinds are published.
var published = map[string]string{
	"coreweave.txtar":  "CoreWeave's documentation, provider and architectures",
	"modules.txtar":    "three public Terraform modules",
	"user-guide.txtar": "the user guide of Amazon S3",
}
