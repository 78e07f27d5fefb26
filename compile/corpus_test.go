package compile_test

import (
	"testing"

	"postern/compile"
	"postern/internal/conformance"
	"postern/policy"
)

// TestCorpusRefused: what the corpus says is broken between the files of an
// iam/, the compiler refuses with an error that has a place; every other iam/ of
// the corpus it takes.
func TestCorpusRefused(t *testing.T) {
	refused, taken := 0, 0
	seen := map[*conformance.World]bool{}
	for _, c := range conformance.Load(t) {
		w := c.World
		if seen[w] {
			continue
		}
		seen[w] = true
		compiler := compile.Compiler{BuiltIn: w.Directory.BuiltIn}
		for org, docs := range w.Refused {
			refused++
			iam, ds := compiler.Access(org, docs)
			if iam != nil || !policy.HasErrors(ds) {
				t.Errorf("%s: the iam/ of %s is taken\n%s", c.At, org, w.Files[docs[0].File])
			}
			for _, d := range ds {
				if w.Files[d.Position.File] == nil || d.Position.Line < 1 || d.Position.Column < 1 {
					t.Errorf("%s: no place: %s", c.At, d)
				}
			}
		}
		for org, o := range w.Directory.Organizations {
			if len(o.Access) == 0 {
				continue
			}
			taken++
			if iam, ds := compiler.Access(org, o.Access); iam == nil || policy.HasErrors(ds) {
				t.Errorf("%s: the iam/ of %s is refused: %v", c.At, org, ds)
			}
		}
	}
	if refused == 0 || taken == 0 {
		t.Errorf("%d iam/ to refuse, %d to take", refused, taken)
	}
}
