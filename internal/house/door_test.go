package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestResponsesAreWrittenInOnePlace: of the sidecar's files only response.go
// touches a response, so that no answer escapes its form, its bounds or its
// count; and the files of a door know nothing of the HTTP library.
func TestResponsesAreWrittenInOnePlace(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "sidecar", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	writers, doors := 0, 0
	for _, name := range files {
		base := filepath.Base(name)
		if strings.HasSuffix(base, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		touches, isDoor := false, false
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				touches = touches || n.Sel.Name == "Response"
			case *ast.FuncDecl: // of the interface door
				isDoor = isDoor || n.Recv != nil && n.Name.Name == "ask"
			}
			return true
		})
		if touches {
			writers++
			if base != "response.go" {
				t.Errorf("%s touches a response; hand a reply to response.go", base)
			}
		}
		if isDoor {
			doors++
			for _, i := range f.Imports {
				if strings.Contains(i.Path.Value, "fasthttp") {
					t.Errorf("%s is a door's and imports %s: what a door needs of a request, the exchange has", base, i.Path.Value)
				}
			}
		}
	}
	if writers == 0 || doors < 3 {
		t.Errorf("found %d writers and %d doors: the look went wrong", writers, doors)
	}
}
