package house

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	citesSpecification = regexp.MustCompile(`[sS]pecification ([1-9][0-9]?)(\.[1-9][0-9]?)?`)
	citesAttack        = regexp.MustCompile(`[aA]ttack class ([1-9][0-9]?)`)
	citesIssue         = regexp.MustCompile(`\b[iI]ssue #?[0-9]+`)
	linksTo            = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)\s]*)?\)`)
)

// TestCitationsResolve: what comments, messages, cases and pages cite of the
// specification and of the attack classes is there, and so is every file that
// a page links to. Nothing cites an issue, which a reader need not have.
func TestCitationsResolve(t *testing.T) {
	known := citable(t)
	cited := map[string]int{}
	links := 0
	for _, name := range repositoryFiles(t) {
		if !slices.Contains([]string{".go", ".md", ".txtar", ".json"}, path.Ext(name)) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue // deleted, and not committed yet
		}
		text := string(data)
		if m := citesIssue.FindString(text); m != "" && name != "internal/house/citation_test.go" {
			t.Errorf("%s cites %q: say what is meant, or cite a page", name, m)
		}
		for _, c := range citations(text) {
			if cited[c]++; !known[c] {
				t.Errorf("%s cites %q, which the documents do not have", name, c)
			}
		}
		if path.Ext(name) != ".md" {
			continue
		}
		for _, m := range linksTo.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join(root, path.Dir(name), filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s links to %s, which is not there", name, m[1])
			}
		}
	}
	if len(cited) < 25 || links < 10 {
		t.Errorf("found %d citations and %d links: the search went wrong", len(cited), links)
	}
}

// citations are the pages, sections and attack classes that a text cites, each
// as often as it does.
func citations(text string) (out []string) {
	for _, m := range citesSpecification.FindAllStringSubmatch(text, -1) {
		out = append(out, "specification "+m[1]+m[2])
	}
	for _, m := range citesAttack.FindAllStringSubmatch(text, -1) {
		out = append(out, "attack class "+m[1])
	}
	return out
}

// citable are the citations that the documents answer.
func citable(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	pages, err := filepath.Glob(filepath.Join(root, "docs/specification/*.md"))
	if err != nil || len(pages) < 5 {
		t.Fatalf("found the pages %q (%v)", pages, err)
	}
	heading := regexp.MustCompile(`(?m)^## ([1-9][0-9]?\.[1-9][0-9]?) `)
	for _, page := range pages {
		number, _, _ := strings.Cut(filepath.Base(page), "-")
		known["specification "+number] = true
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range heading.FindAllStringSubmatch(string(data), -1) {
			known["specification "+m[1]] = true
		}
	}
	data, err := os.ReadFile(filepath.Join(root, "docs/attack-classes.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\| ([1-9][0-9]?) \|`).FindAllStringSubmatch(string(data), -1) {
		known["attack class "+m[1]] = true
	}
	return known
}

// TestPathsOfTheArchitecture: every file and folder that docs/architecture.md and
// CONTRIBUTING.md name is there, and so is the one that a change is to be made in.
func TestPathsOfTheArchitecture(t *testing.T) {
	path := regexp.MustCompile("`((?:[a-z.][\\w.-]*/)+[\\w.-]+)`")
	paths := 0
	for _, name := range []string{"docs/architecture.md", "CONTRIBUTING.md"} {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range path.FindAllStringSubmatch(string(data), -1) {
			paths++
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(m[1]))); err != nil && m[1] != "provider/name" {
				t.Errorf("%s names %s, which is not there", name, m[1])
			}
		}
	}
	if paths < 20 {
		t.Errorf("found %d paths: the search went wrong", paths)
	}
}

func TestCitationsAreFound(t *testing.T) {
	got := citations("see specification 1.7 and Specification 4, Bounds (attack class 21)")
	want := []string{"specification 1.7", "specification 4", "attack class 21"}
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
