package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommentsBeginWithTheirName: the comment of a function, and of a type,
// constant or variable that is declared by itself, begins with the name of it,
// so that its first sentence has a subject.
func TestCommentsBeginWithTheirName(t *testing.T) {
	comments := 0
	for _, name := range repositoryFiles(t) {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue // deleted, and not committed yet
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, name, data, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range documented(f) {
			if comments++; !c.begins() {
				t.Errorf("%s: the comment of %s begins with %q; begin with its name", fset.Position(c.doc.Pos()), c.name, strings.SplitN(c.doc.Text(), "\n", 2)[0])
			}
		}
	}
	if comments < 1000 {
		t.Errorf("found %d comments: the search went wrong", comments)
	}
}

// commented is a declaration with a comment.
type commented struct {
	name string
	doc  *ast.CommentGroup
}

// begins reports whether the comment begins with the name, or with it behind an
// article.
func (c commented) begins() bool {
	text := c.doc.Text()
	for _, article := range []string{"A ", "An ", "The "} {
		text = strings.TrimPrefix(text, article)
	}
	rest, ok := strings.CutPrefix(text, c.name)
	return ok && (rest == "" || strings.ContainsRune(" ,:'\n", rune(rest[0])))
}

// documented are the declarations of a file that have a comment and one name, or
// several in one line, of which the comment begins with the first.
func documented(f *ast.File) (out []commented) {
	add := func(name string, doc *ast.CommentGroup) {
		if doc.Text() != "" && name != "init" && name != "_" {
			out = append(out, commented{name, doc})
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			add(d.Name.Name, d.Doc)
		case *ast.GenDecl:
			if len(d.Specs) != 1 || d.Lparen.IsValid() {
				continue
			}
			switch s := d.Specs[0].(type) {
			case *ast.TypeSpec:
				add(s.Name.Name, d.Doc)
			case *ast.ValueSpec:
				add(s.Names[0].Name, d.Doc)
			}
		}
	}
	return out
}

func TestCommentsAreJudged(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "", `package p

// one is right.
func one() {}

// The two of them.
var two, three = 2, 3

// fourth is another word.
type four int

// Whatever this is.
const five = 5

// A group needs no name.
const (
	six = 6
)

func seven() {}
`, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var right, wrong []string
	for _, c := range documented(f) {
		if c.begins() {
			right = append(right, c.name)
		} else {
			wrong = append(wrong, c.name)
		}
	}
	if strings.Join(right, " ") != "one two" || strings.Join(wrong, " ") != "four five" {
		t.Errorf("right: %q, wrong: %q", right, wrong)
	}
}
