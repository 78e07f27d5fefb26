package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern/internal/request"
	"postern/policy"
)

// TestPages runs every command of the pages for people, each page from an empty
// folder, and compares what it prints to the letter. `postern serve` is started
// and goes on; the server's address is the only thing that is replaced. With
// -update it writes the outputs into the pages.
func TestPages(t *testing.T) {
	for page, most := range map[string]int{"first-policy.md": 14, "enforcers.md": 10, "change.md": 14} {
		t.Run(page, func(t *testing.T) {
			name, err := filepath.Abs(filepath.Join(root, "docs", page))
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			parts, examples := parsePage(t, page, string(text))
			if len(examples) < 5 || len(examples) > most {
				t.Errorf("%s has %d commands", page, len(examples))
			}
			dir := t.TempDir()
			if strings.Contains(string(text), "cp -r examples ") {
				if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join(root, "examples"))); err != nil {
					t.Fatal(err)
				}
			}
			address := defaultAddress
			for i, e := range examples {
				if args, ok := strings.CutPrefix(e.command, "postern serve "); ok && e.output == "" {
					serve := exec.Command(binary, append([]string{"serve"}, strings.Fields(args)...)...)
					serve.Dir = dir
					s := launch(t, serve)
					s.ready()
					address = s.address
					continue
				}
				cmd := exec.Command("bash", "-c", strings.ReplaceAll(e.command, defaultAddress, address))
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"))
				var out bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &out
				cmd.Run() // a deny exits 1
				got := out.String()
				if got != "" && !strings.HasSuffix(got, "\n") {
					got += "\n"
				}
				if *update {
					examples[i].output = got
				} else if got != e.output {
					t.Errorf("%s:%d: %s\nprints\n%swant\n%s", page, e.line, e.command, got, e.output)
				}
			}
			if *update {
				if err := os.WriteFile(name, []byte(writePage(parts, examples)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// rows are the rows of the tables of a page whose header begins with a word,
// cell by cell.
func rows(t *testing.T, page, header string) (out [][]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for line := range strings.SplitSeq(string(text), "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		switch {
		case !strings.HasPrefix(line, "|"):
			inside = false
		case cells[0] == header:
			inside = true
		case inside && !strings.HasPrefix(line, "|---"):
			out = append(out, cells)
		}
	}
	return out
}

// TestReasonsPage: docs/reasons.md has every reason, in order, with the sentence
// of the code and what to do.
func TestReasonsPage(t *testing.T) {
	var got []string
	for _, row := range rows(t, "reasons.md", "reason") {
		if len(row) != 3 || len(row[2]) < 8 {
			t.Fatalf("a row %q", row)
		}
		got = append(got, row[0]+" "+row[1])
	}
	var want []string
	for _, r := range policy.Reasons() {
		if r.Sentence() == "" {
			t.Errorf("%s has no sentence", r)
		}
		want = append(want, "`"+r.String()+"` "+r.Sentence())
	}
	if !slices.Equal(got, want) {
		t.Errorf("docs/reasons.md has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestWarningsPage: docs/warnings.md has every code, in order, with what it is about
// and what to do.
func TestWarningsPage(t *testing.T) {
	var got, want []string
	for _, row := range rows(t, "warnings.md", "code") {
		if len(row) != 3 || len(row[2]) < 8 {
			t.Fatalf("a row %q", row)
		}
		got = append(got, row[0]+" "+row[1])
	}
	for _, c := range policy.Codes() {
		want = append(want, "`"+c.String()+"` "+c.About())
	}
	if !slices.Equal(got, want) {
		t.Errorf("docs/warnings.md has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestEnforcersPage: a context may state the keys that docs/enforcers.md asks
// for, and those of which it says so; the others that the server sets are a 400.
func TestEnforcersPage(t *testing.T) {
	states := func(key string) error {
		key = strings.NewReplacer("ORG", "acme", "CLAIM", "sub", "KEY", "team", ".X", ".level").Replace(key)
		return request.Check(&policy.Request{
			Principal: policy.Principal{Org: "acme", IDs: []string{"role/a"}}, Action: "s3:GetObject",
			Resource: policy.Resource{Type: "object", ID: "b/k"},
			Context:  []policy.Attribute{{Key: key, Values: []policy.Value{{Kind: policy.ValueString, Text: "0"}}}},
		})
	}
	sent, refused := 0, 0
	for _, row := range rows(t, "enforcers.md", "key") {
		for key := range strings.SplitSeq(row[0], ", ") {
			err := states(strings.Trim(key, "`"))
			if len(row) == 3 && row[2] == "400" {
				refused++
				if err == nil {
					t.Errorf("%s is stated without a 400", key)
				}
				continue
			}
			sent++
			if err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
	}
	if sent < 30 || refused < 10 {
		t.Errorf("%d keys that may be sent, %d that may not", sent, refused)
	}
}
