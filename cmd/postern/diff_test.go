package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"postern/internal/request"
)

// TestDiff plays the golden cases of testdata/diff: files under old/ and new/,
// the arguments, and what is printed as text and as JSON. With -update it writes
// the outputs.
func TestDiff(t *testing.T) {
	paths, err := filepath.Glob("testdata/diff/*.txtar")
	if err != nil || len(paths) < 5 {
		t.Fatalf("%d cases (%v)", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			args := []string{"-now", "2026-01-01T00:00:00Z"}
			var wantText, wantJSON string
			var input []txtar.File
			for _, f := range a.Files {
				switch f.Name {
				case "args":
					args = append(args, strings.Fields(string(f.Data))...)
				case "text":
					wantText = string(f.Data)
					continue
				case "json":
					wantJSON = string(f.Data)
					continue
				default:
					write(t, dir, f.Name, string(f.Data))
				}
				input = append(input, f)
			}
			for _, side := range []string{"old", "new"} {
				if err := os.MkdirAll(filepath.Join(dir, side), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			run := func(more ...string) (string, int) {
				got := call("", nil, append(append([]string{"diff", filepath.Join(dir, "old"), filepath.Join(dir, "new")}, args...), more...)...)
				return strings.ReplaceAll(got.out+got.errs, dir+string(filepath.Separator), ""), got.code
			}
			text, code := run()
			asJSON, _ := run("-json")
			text += "exit " + string(rune('0'+code)) + "\n"
			if code != exitFailed {
				witnessesAreRequests(t, asJSON)
				fits(t, "../../docs/diff.schema.json", asJSON)
			}
			if *update {
				a.Files = append(input, txtar.File{Name: "text", Data: []byte(text)}, txtar.File{Name: "json", Data: []byte(asJSON)})
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if text != wantText {
				t.Errorf("printed\n%s\nwant\n%s", text, wantText)
			}
			if asJSON != wantJSON {
				t.Errorf("printed\n%s\nwant\n%s", asJSON, wantJSON)
			}
		})
	}
}

// witnessesAreRequests sees that the door reads every witness.
func witnessesAreRequests(t *testing.T, printed string) {
	t.Helper()
	var d map[string][]struct{ Witness json.RawMessage }
	if err := json.Unmarshal([]byte(printed), &d); err != nil {
		t.Fatalf("%v in %s", err, printed)
	}
	for _, list := range d {
		for _, c := range list {
			if c.Witness == nil {
				continue
			}
			if _, err := new(request.Decoder).Evaluation(c.Witness, 0); err != nil {
				t.Errorf("the witness %s is no request: %v", c.Witness, err)
			}
		}
	}
}
