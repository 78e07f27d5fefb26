package main

import (
	"context"
	"strings"
	"testing"
)

// The help of each command has examples that are understood: with a flag that does not
// exist behind theirs, that one alone is refused.
func TestExamples(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	for command, text := range examples {
		var out, errs strings.Builder
		if code := run(context.Background(), []string{command, "-help"}, none, &out, &errs); code != exitOK || !strings.HasSuffix(out.String(), "\nExamples:\n"+text) {
			t.Errorf("%s -help: exit %d\n%s%s", command, code, out.String(), errs.String())
		}
		for line := range strings.Lines(text) {
			words := strings.Fields(line)
			if len(words) < 2 || words[0] != "postern-sync" || words[1] != command {
				t.Fatalf("%s: an example is %q", command, line)
			}
			words = append(words[1:], "-no-such-flag")
			if command == "keygen" { // whose name comes behind its flags
				words = []string{command, "-no-such-flag", words[1]}
			}
			errs.Reset()
			if code := run(context.Background(), words, none, &out, &errs); code != exitFailed || !strings.Contains(errs.String(), "not defined: -no-such-flag") {
				t.Errorf("%s: exit %d, %s", line, code, errs.String())
			}
		}
		if !strings.Contains(usage, "\n  "+command+" ") {
			t.Errorf("postern-sync -help does not name %s", command)
		}
	}
	if len(examples) != 6 {
		t.Errorf("%d commands have examples", len(examples))
	}
}
