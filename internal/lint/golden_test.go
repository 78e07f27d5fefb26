package lint

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"postern/internal/diagnostic"
	"postern/internal/policyjson"
	"postern/policy"
)

var update = flag.Bool("update", false, "write what is found into the golden files")

// A golden file of testdata is named after a code. It holds what has warnings of
// that code (`fires/`), what looks alike and has no warnings at all (`silent/`), and
// under `want` what is printed. The kind of a document is told by its name; the
// bucket is `b`. `orgs=A,B` in the comment are the organizations that have a folder,
// all with the list of buckets `buckets=A,B` if there is one.
type golden struct {
	path    string
	archive *txtar.Archive
	code    string
	orgs    []string
	buckets []string
}

func goldens(t *testing.T) (out []golden) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) < 10 {
		t.Fatalf("found %d golden files (%v)", len(paths), err)
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		g := golden{path: path, archive: a, code: strings.TrimSuffix(filepath.Base(path), ".txtar")}
		for _, m := range regexp.MustCompile(`\b(orgs|buckets)=(\S+)`).FindAllSubmatch(a.Comment, -1) {
			list := strings.Split(string(m[2]), ",")
			if string(m[1]) == "orgs" {
				g.orgs = list
			} else {
				g.buckets = list
			}
		}
		if n := len(a.Files); n < 3 || a.Files[n-1].Name != "want" {
			t.Fatalf("%s: want files that fire, files that are silent, and `want`", path)
		}
		out = append(out, g)
	}
	return out
}

// warnings reads a file of a golden case, which must have no error, and returns what
// the parser and the rules say of it.
func (g *golden) warnings(t *testing.T, name string, data []byte) []policy.Diagnostic {
	t.Helper()
	out := g.read(t, name, data)
	if policy.HasErrors(out) {
		t.Fatalf("%s: %v", g.path, out)
	}
	return out
}

// read reads a file, and returns what the parser and the rules say of it.
func (g *golden) read(t *testing.T, name string, data []byte) (out []policy.Diagnostic) {
	t.Helper()
	var f policyjson.File
	bucket := ""
	switch filepath.Base(name) {
	case "bucket.json":
		bucket = "b"
		f.Document, out = policyjson.ParseBucket(name, bucket, data, policyjson.Limits{})
	case "organization.json":
		f.Document, out = policyjson.ParseOrganization(name, data, policyjson.Limits{})
	case "access.json":
		f.Access, out = policyjson.ParseAccess(name, data, policyjson.Limits{})
	default:
		t.Fatalf("%s: no reader for %s", g.path, name)
	}
	if policy.HasErrors(out) {
		return out
	}
	d := new(Directory)
	if g.orgs != nil {
		var lists []string
		if g.buckets != nil {
			lists = append(lists, strings.Split(name, "/")[0]) // the organization, to the rules
		}
		d = NewDirectory(g.orgs, lists)
	}
	out = append(out, d.Warnings(name, bucket, data, f)...)
	return append(out, d.Whole(func(string) []byte { return data }, func(b string) bool { return slices.Contains(g.buckets, b) })...)
}

func TestGolden(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.code, func(t *testing.T) {
			var got bytes.Buffer
			fired := false
			for _, f := range g.archive.Files[:len(g.archive.Files)-1] {
				ds := g.warnings(t, f.Name, f.Data)
				if strings.HasPrefix(f.Name, "silent/") {
					for _, d := range ds {
						t.Errorf("%s has a warning: %s", f.Name, d)
					}
					continue
				}
				fired = true
				if !slices.ContainsFunc(ds, func(d policy.Diagnostic) bool { return d.Code.String() == g.code }) {
					t.Errorf("%s has no warning of %s", f.Name, g.code)
				}
				if err := diagnostic.Print(&got, ds, func(string) []byte { return f.Data }, diagnostic.Options{}); err != nil {
					t.Fatal(err)
				}
			}
			if !fired {
				t.Error("no file fires")
			}
			want := &g.archive.Files[len(g.archive.Files)-1]
			if *update {
				want.Data = got.Bytes()
				if err := os.WriteFile(g.path, txtar.Format(g.archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got.String() != string(want.Data) {
				t.Errorf("%s: got\n%s\nwant\n%s", g.path, got.Bytes(), want.Data)
			}
		})
	}
}

// TestEveryRuleHasACase: each code of specification 8.1 has a golden file.
func TestEveryRuleHasACase(t *testing.T) {
	have := map[string]bool{}
	for _, g := range goldens(t) {
		have[g.code] = true
	}
	for _, c := range policy.Codes() {
		if c >= policy.CodeUnknownConditionKey && !have[c.String()] {
			t.Errorf("no golden file is named %s.txtar", c)
		}
		delete(have, c.String())
	}
	for code := range have {
		t.Errorf("there is no code %s", code)
	}
}
