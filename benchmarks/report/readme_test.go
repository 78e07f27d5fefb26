package main

import (
	"os"
	"strings"
	"testing"
)

// TestReadmeFigures: every row of README's table is found in a run of everything, so
// that none goes missing when a mark's rows get other names, and in a run of
// nothing none is made up.
func TestReadmeFigures(t *testing.T) {
	full := &document{results: everything(), marks: marks(everything(), []string{allocationsTest})}
	for line := range strings.Lines(full.Figures()) {
		if strings.Contains(line, "not measured") && !strings.Contains(line, "Cerbos") && !strings.Contains(line, "OPA") {
			t.Errorf("a run of everything has no figure for %s", line)
		}
	}
	empty := &document{results: results{}, marks: marks(results{}, nil)}
	figures := 0
	for line := range strings.Lines(empty.Figures()) {
		if !strings.Contains(line, "not measured") {
			figures++
		}
	}
	if figures != 3 { // the head, the line below it, and what no stage measures
		t.Errorf("a run of nothing has figures:\n%s", empty.Figures())
	}
}

// TestReplaceFigures replaces the table of the project's README and nothing
// else.
func TestReplaceFigures(t *testing.T) {
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	got, err := replaceFigures(page, "| new |\n")
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(got), "| new |\n")
	plot := strings.Index(before, fieldPlot)
	if plot < 0 {
		t.Fatalf("the plot that leads is not there: %s", before)
	}
	if !found || !strings.HasPrefix(string(page), before[:plot]) || !strings.HasSuffix(string(page), after) || strings.Contains(before[strings.Index(before, "## Figures"):], "\n|") || strings.HasPrefix(after, "|") {
		t.Errorf("%s", got)
	}
	for _, none := range []string{"", "# A page\n", "# A page\n\n## Figures\n\nNone.\n"} {
		if _, err := replaceFigures([]byte(none), "| new |\n"); err == nil {
			t.Errorf("%q has a table", none)
		}
	}
}
