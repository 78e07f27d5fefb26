package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fuzzList is the list of fuzz targets that CI runs: a line is a package's
// folder and the target's name.
const fuzzList = root + "/.ci/fuzz-targets"

// TestFuzzTargetsAreListed: `go test -fuzz` with a name that does not exist
// exits 0, so that a renamed target would silently be fuzzed no more.
func TestFuzzTargetsAreListed(t *testing.T) {
	text, err := os.ReadFile(fuzzList)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if fields := strings.Fields(line); len(fields) != 2 {
			t.Errorf("%s: %q is not a folder and a target", fuzzList, line)
		} else if listed[fields[0]+" "+fields[1]] {
			t.Errorf("%s: %q stands there twice", fuzzList, line)
		} else {
			listed[fields[0]+" "+fields[1]] = true
		}
	}
	found := fuzzTargets(t, root)
	if len(found) == 0 {
		t.Error("the tree has no fuzz target: the walk went wrong")
	}
	for target := range found {
		if !listed[target] {
			t.Errorf("add to %s: %s", fuzzList, target)
		}
	}
	for target := range listed {
		if !found[target] {
			t.Errorf("%s names %q, which the tree does not have", fuzzList, target)
		}
	}
	if t.Failed() {
		t.Logf("the tree has %q", slices.Sorted(maps.Keys(found)))
	}
}

// fuzzTargets returns "folder FuzzName" for each fuzz target below dir.
func fuzzTargets(t *testing.T, dir string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, filepath.Dir(name))
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") && takesF(f.Type) {
				found[filepath.ToSlash(rel)+" "+f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// takesF reports that a function takes a *testing.F and nothing else.
func takesF(f *ast.FuncType) bool {
	if f.Params.NumFields() != 1 {
		return false
	}
	star, ok := f.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	sel, ok := star.X.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "F"
}

func TestFuzzTargetsAreFound(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "deep", "er"), 0o755); err != nil {
		t.Fatal(err)
	}
	source := "package p\nimport \"testing\"\nfunc FuzzReal(f *testing.F) {}\nfunc FuzzHelper(t *testing.T) {}\nfunc Fuzz() {}\n"
	if err := os.WriteFile(filepath.Join(dir, "deep", "er", "x_test.go"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	got := slices.Collect(maps.Keys(fuzzTargets(t, dir)))
	if len(got) != 1 || got[0] != "deep/er FuzzReal" {
		t.Errorf("found %q", got)
	}
}

// maxFile is the largest file that the repository may hold, in bytes.
const maxFile = 1 << 20

// TestNoHugeFile looks at what git has or would take: built binaries that
// .gitignore names do not count.
func TestNoHugeFile(t *testing.T) {
	names := repositoryFiles(t)
	if len(names) < 20 {
		t.Fatalf("git names %d files only", len(names))
	}
	for _, name := range names {
		info, err := os.Lstat(filepath.Join(root, name))
		if err != nil {
			continue // deleted, and not committed yet
		}
		if info.Size() > maxFile {
			t.Errorf("%s has %d bytes, and a file may have %d: generate it, or leave it out", name, info.Size(), maxFile)
		}
	}
}

// repositoryFiles are the files that git has or would take, below root. Where
// the tree is no git repository (a source archive), it is every file but
// hidden folders'.
func repositoryFiles(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	if out, err := cmd.Output(); err == nil {
		return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
	}
	var names []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && d.Name() == ".git" {
				return filepath.SkipDir
			}
			return err
		}
		rel, err := filepath.Rel(root, name)
		names = append(names, rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestMapIsWhole: the table of README.md says of every folder of the
// repository's root what it is for, and of none that is gone.
func TestMapIsWhole(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Where things are\n")
	section, _, ended := strings.Cut(section, "\n## ")
	if !ok || !ended {
		t.Fatal("README.md has no section Where things are")
	}
	folder := regexp.MustCompile("`([^`/]+)[^`]*`")
	told := map[string]bool{}
	for line := range strings.SplitSeq(section, "\n") {
		if row, ok := strings.CutPrefix(line, "| `"); ok {
			cell, _, _ := strings.Cut(row, " | ")
			for _, m := range folder.FindAllStringSubmatch("`"+cell, -1) {
				told[m[1]] = true
			}
		}
	}
	there := map[string]bool{}
	for _, name := range repositoryFiles(t) {
		if folder, _, below := strings.Cut(name, "/"); below && !there[folder] {
			if there[folder] = true; !told[folder] {
				t.Errorf("the folder %s has no row in README.md, Where things are", folder)
			}
		}
	}
	for folder := range told {
		if !there[folder] {
			t.Errorf("README.md has a row for %s, which is gone", folder)
		}
	}
}
