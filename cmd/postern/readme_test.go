package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A block of a page is a fenced block of console: commands behind "$ ",
// each with the output that it prints.
type example struct {
	command, output string
	line            int
}

// TestREADME runs every command of README.md as a new user would, from the
// repository's root, and compares what it prints to the letter. The policy files
// that it shows lie where it says, in a home folder of the test's own. The
// server's address is the only thing that is replaced: its port may be taken.
// With -update it writes the outputs into README.md.
func TestREADME(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("the README's commands need curl:", err)
	}
	const name = root + "/README.md"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	parts, examples := parsePage(t, "README.md", string(text))
	if len(examples) < 8 {
		t.Fatalf("README.md has %d commands only", len(examples))
	}
	const serveCommand = "go run ./cmd/postern serve -policies examples/policies"
	const testCommand = "go test ./..."
	if examples[0].command != serveCommand || examples[1].command != testCommand {
		t.Fatalf("the first two commands are %q and %q, and have to be %q and %q", examples[0].command, examples[1].command, serveCommand, testCommand)
	}
	if examples[0].output != "" || examples[1].output != "" {
		t.Fatal("the first two commands cannot be shown with output: it is never the same twice")
	}
	home := newHome(t)
	files := policyFiles(t, "README.md", string(text))
	if len(files) < 2 {
		t.Fatalf("README.md has %d policy files to copy, and there are two grammars", len(files))
	}
	for _, f := range files {
		at := filepath.Join(home.dir, strings.TrimPrefix(f.path, "~/"))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(f.content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, "serve", "-policies", root+"/examples/policies")
	for i, e := range examples[2:] {
		if strings.Contains(e.command, "postern serve") || strings.Contains(e.command, "go test") {
			t.Errorf("README.md:%d: %s: only the first two commands may be this", e.line, e.command)
			continue
		}
		cmd := exec.Command("bash", "-c", strings.ReplaceAll(e.command, defaultAddress, s.address))
		cmd.Dir, cmd.Env = root, home.environ
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		cmd.Run() // a deny exits 1, and `go run` says so in the output
		got := strings.ReplaceAll(out.String(), s.address, defaultAddress)
		if got != "" && !strings.HasSuffix(got, "\n") {
			got += "\n" // curl's output ends where the answer does
		}
		if *update {
			examples[i+2].output = got
		} else if got != e.output {
			t.Errorf("README.md:%d: %s\nprints\n%swant\n%s", e.line, e.command, got, e.output)
		}
	}
	if *update {
		if err := os.WriteFile(name, []byte(writePage(parts, examples)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// home is a home folder, and the environment of commands whose home it is. They
// share what Go has downloaded and built for the user who runs the test.
type home struct {
	dir     string
	environ []string
}

func newHome(t *testing.T) home {
	t.Helper()
	h := home{dir: t.TempDir()}
	h.environ = append(os.Environ(), "HOME="+h.dir)
	for _, name := range []string{"GOENV", "GOPATH", "GOMODCACHE", "GOCACHE"} {
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		h.environ = append(h.environ, name+"="+strings.TrimSpace(string(value)))
	}
	return h
}

// A policyFile is a block of json of a page: the paragraph above it ends in its
// path, as `~/policies/PATH`:.
type policyFile struct{ path, content string }

func policyFiles(t *testing.T, name, text string) (files []policyFile) {
	t.Helper()
	const fence = "```"
	for before, rest, ok := strings.Cut(text, fence+"json\n"); ok; before, rest, ok = strings.Cut(rest, fence+"json\n") {
		before = strings.TrimRight(before, "\n")
		path, ended := strings.CutSuffix(before[strings.LastIndex(before, "\n")+1:], "`:")
		path = path[strings.LastIndex(path, "`")+1:]
		if !ended || !strings.HasPrefix(path, "~/policies/") {
			t.Fatalf("%s: a block of json without its path, `~/policies/PATH`:, at the end of the paragraph above it; found %q", name, path)
		}
		content, after, closed := strings.Cut(rest, fence+"\n")
		if !closed {
			t.Fatalf("%s: the block of %s has no end", name, path)
		}
		files, rest = append(files, policyFile{path, content}), after
	}
	return files
}

const defaultAddress = "127.0.0.1:8180"

// parsePage returns the text between outputs (each part ends with a command
// line or with the end of the text) and the commands, in order. A fenced block
// that a reader would take for commands must be of console.
func parsePage(t *testing.T, name, text string) (parts []string, examples []example) {
	t.Helper()
	var part strings.Builder
	inside, console := false, false
	n := 0
	for line := range strings.SplitAfterSeq(text, "\n") {
		n++
		if language, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "```"); ok {
			switch {
			case inside:
				inside, console = false, false
			case language == "console":
				inside, console = true, true
			case language == "yaml" || language == "json" || language == "nginx":
				inside = true
			default:
				t.Fatalf("%s:%d: a block of %q: write console for commands, yaml, json or nginx for files", name, n, language)
			}
			part.WriteString(line)
			continue
		}
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case console && isCommand:
			part.WriteString(line)
			parts = append(parts, part.String())
			part.Reset()
			examples = append(examples, example{strings.TrimSuffix(command, "\n"), "", n})
		case console && part.Len() == 0:
			examples[len(examples)-1].output += line
		case console:
			t.Fatalf("%s:%d: output without a command", name, n)
		default:
			part.WriteString(line)
		}
	}
	return append(parts, part.String()), examples
}

func writePage(parts []string, examples []example) string {
	var b strings.Builder
	for i, e := range examples {
		b.WriteString(parts[i])
		b.WriteString(e.output)
	}
	b.WriteString(parts[len(parts)-1])
	return b.String()
}

func TestParsePage(t *testing.T) {
	text := "a\n```console\n$ one\nout 1\nout 2\n$ two\n```\nb\n```yaml\n$ no command\n```\n```console\n$ three\nout 3\n```\nc\n"
	parts, examples := parsePage(t, "the page", text)
	want := []example{{"one", "out 1\nout 2\n", 3}, {"two", "", 6}, {"three", "out 3\n", 13}}
	if len(examples) != len(want) {
		t.Fatalf("got %+v", examples)
	}
	for i := range want {
		if examples[i] != want[i] {
			t.Errorf("got %+v, want %+v", examples[i], want[i])
		}
	}
	if got := writePage(parts, examples); got != text {
		t.Errorf("written again:\n%s", got)
	}
}
