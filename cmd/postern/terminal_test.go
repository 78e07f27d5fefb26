package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// TestNothingReachesTheTerminalRaw: names of files and texts inside them may
// hold control characters, which could move the cursor, forge a line or reverse
// one. No command prints them to people as they are.
func TestNothingReachesTheTerminalRaw(t *testing.T) {
	const evil = "a\x1b[31m\nb\rc\u202ed\x07"
	dir := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const named = `a\u001b[31m\nb\rc\u202ed\u0007`
	write("o1/access-policies/"+evil+".json", `{"version": "v1alpha1", "name": "`+named+`", "statements": [
		{"name": "`+named+`", "effect": "Allow", "actions": ["s3:*"], "resources": ["x`+named+`*"], "principals": ["role/x`+named+`", "role/A"]}]}`)
	write("o1/buckets/"+evil+".json", "{")
	write("o1/iam/"+evil+".json", "{")
	write("o1/"+evil, "x")
	base := []string{"-policies", dir, "-org", "o1", "-principal", "role/A"}
	commands := map[string][]string{
		"check":          append([]string{"check", "-action", "s3:GetObject", "-resource", "b/k"}, base...),
		"check allowed":  append([]string{"check", "-explain", "-action", "s3:GetObject", "-resource-org", "o1", "-resource", "x" + evil + "/k"}, base...),
		"check denied":   append([]string{"check", "-explain", "-action", "s3:GetObject", "-resource-org", "o1", "-resource", "y/k"}, base...),
		"search":         {"search", "-policies", dir, "subjects", "-org", "o1", "-type", "role", "-action", "s3:GetObject", "-resource-org", "o1", "-resource", "x" + evil + "/k"},
		"validate":       {"validate", dir},
		"validate file":  {"validate", filepath.Join(dir, "o1/buckets", evil+".json")},
		"missing folder": {"check", "-policies", dir + evil, "-org", "o1", "-principal", "role/A", "-action", "s3:GetObject", "-resource", "b/k"},
		"missing file":   {"validate", dir + evil},
		"request":        {"check", "-policies", dir, "-request", evil},
		"command":        {evil},
		"flag":           {"check", "-" + evil},
	}
	for name, args := range commands {
		t.Run(name, func(t *testing.T) {
			got := call("", nil, args...)
			if got.out+got.errs == "" {
				t.Fatal("nothing was printed, so nothing was tested")
			}
			for _, text := range []string{got.out, got.errs} {
				if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
					t.Errorf("a raw character at byte %d of %q", i, text)
				}
				for line := range strings.Lines(text) {
					if strings.HasPrefix(line, "b") {
						t.Errorf("a name began a line: %q", text)
					}
				}
			}
		})
	}
}
