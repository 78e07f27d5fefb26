package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestReplay plays the golden cases of testdata/replay: files under policies/, a log,
// the arguments, and what is printed as text and as JSON. With -update it writes the
// outputs.
func TestReplay(t *testing.T) {
	paths, err := filepath.Glob("testdata/replay/*.txtar")
	if err != nil || len(paths) < 8 {
		t.Fatalf("%d cases (%v)", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			var args []string
			var log, wantText, wantJSON string
			var input []txtar.File
			for _, f := range a.Files {
				switch f.Name {
				case "args":
					args = strings.Fields(string(f.Data))
				case "log":
					log = string(f.Data)
					write(t, dir, f.Name, log)
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
			run := func(in, name string, more ...string) (string, int) {
				got := call(in, nil, append(append([]string{"replay", name, "-policies", filepath.Join(dir, "policies")}, args...), more...)...)
				return strings.ReplaceAll(got.out+got.errs, dir+string(filepath.Separator), ""), got.code
			}
			text, code := run("", filepath.Join(dir, "log"))
			asJSON, _ := run("", filepath.Join(dir, "log"), "-json")
			text += "exit " + string(rune('0'+code)) + "\n"
			if code != exitFailed {
				fits(t, "../../docs/replay.schema.json", asJSON)
				if again, _ := run(log, "-", "-json"); again != asJSON {
					t.Errorf("the standard input is replayed to\n%s\nand the file to\n%s", again, asJSON)
				}
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
