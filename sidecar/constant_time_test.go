package sidecar

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// TestSecretsAreComparedInConstantTime: the secrets of doors, and what callers show,
// meet in Doors.admits and nowhere else, and there in subtle.ConstantTimeCompare
// alone, of every secret, whichever it is (specification 7, For all doors). What
// follows says where each of them may stand in the code.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var asked, compared, shown int
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		fault := func(n ast.Node, text string) { t.Errorf("%s: %s", set.Position(n.Pos()), text) }
		var path []ast.Node
		ast.Inspect(file, func(n ast.Node) bool {
			if n == nil {
				path = path[:len(path)-1]
				return true
			}
			path = append(path, n)
			parent := func(i int) ast.Node { return path[max(0, len(path)-1-i)] }
			var within string
			for _, p := range path {
				if f, ok := p.(*ast.FuncDecl); ok {
					within = f.Name.Name
				}
			}
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			switch s.Sel.Name {
			case "Secrets": // compared with nil, or asked for in admits
				if b, ok := parent(1).(*ast.BinaryExpr); ok && isNil(b.Y) {
					break
				}
				if c, ok := parent(1).(*ast.CallExpr); !ok || c.Fun != s || within != "admits" {
					fault(s, "the secrets are read outside admits")
				}
				asked++
			case "secret", "authToken", "authorization": // what a caller shows is handed on whole
				switch p := parent(1).(type) {
				case *ast.SelectorExpr:
					if p.Sel.Name != "take" && p.Sel.Name != "keep" {
						fault(s, "what a caller shows is read outside admits")
					}
				case *ast.CallExpr:
					if f, ok := p.Fun.(*ast.SelectorExpr); !ok || f.Sel.Name != "shows" && f.Sel.Name != "admits" && f.Sel.Name != "keep" {
						fault(s, "what a caller shows is handed to another than admits")
					}
					shown++
				default:
					fault(s, "what a caller shows is read outside admits")
				}
			case "value": // of a credential: only subtle may look at it
				of, ok := s.X.(*ast.Ident)
				if !ok || of.Name != "shown" || within != "admits" {
					if within == "admits" {
						fault(s, "admits reads another value")
					}
					break
				}
				if c, ok := parent(1).(*ast.CallExpr); within == "admits" && (!ok || text(c.Fun) != "subtle.ConstantTimeCompare") {
					fault(s, "what a caller shows is compared by another than subtle.ConstantTimeCompare")
				}
				if within == "admits" {
					compared++
				}
			}
			return true
		})
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "admits" {
				ast.Inspect(f, func(n ast.Node) bool {
					loop, ok := n.(*ast.RangeStmt)
					if !ok {
						return true
					}
					ast.Inspect(loop.Body, func(n ast.Node) bool {
						switch n.(type) {
						case *ast.ReturnStmt, *ast.BranchStmt, *ast.IfStmt, *ast.SwitchStmt, *ast.BinaryExpr, *ast.IndexExpr:
							fault(n, "the time that admits takes depends on which secret was shown")
						}
						return true
					})
					return true
				})
			}
		}
	}
	if asked != 1 || compared != 1 || shown < 4 {
		t.Errorf("secrets are asked for %d times and compared %d times, and %d calls hand on what was shown: the test looks for names that are gone", asked, compared, shown)
	}
}

func isNil(e ast.Expr) bool {
	name, ok := e.(*ast.Ident)
	return ok && name.Name == "nil"
}

// text is `package.Name`, "" of anything else.
func text(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); ok {
			return x.Name + "." + s.Sel.Name
		}
	}
	return ""
}
