package main

import (
	"flag"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shellOutput runs a script in a real shell.
func shellOutput(t *testing.T, shell string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(shell)
	if err != nil {
		if shell == "bash" {
			t.Fatal(err)
		}
		t.Skipf("no %s here; .ci/run has it", shell)
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", shell, err, out)
	}
	return string(out)
}

// TestCompletionOfBash: bash itself completes commands, flags, and words of flags.
func TestCompletionOfBash(t *testing.T) {
	script := write(t, t.TempDir(), "c.bash", call("", nil, "completion", "bash").out) + "/c.bash"
	for line, want := range map[string]string{
		"postern ser":                   "serve",
		"postern serve -pol":            "-policies",
		"postern serve -explain o":      "on off",
		"postern schema bucket":         "bucket-policy buckets",
		"postern search -policies x su": "subjects",
		"postern serve -policies x":     "", // bash's own files
		"postern help comp":             "completion",
	} {
		words := strings.Fields(line)
		args := append([]string{"--norc", "-c", `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _postern; echo "${COMPREPLY[@]}"`, "bash", script}, words...)
		if got := strings.TrimSpace(shellOutput(t, "bash", args...)); got != want {
			t.Errorf("%s: bash completes %q, want %q", line, got, want)
		}
	}
}

// TestCompletionOfOtherShells: zsh and fish read their scripts, and fish
// completes by it.
func TestCompletionOfOtherShells(t *testing.T) {
	for _, shell := range []string{"zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			script := filepath.Join(write(t, t.TempDir(), "c", call("", nil, "completion", shell).out), "c")
			shellOutput(t, shell, "-n", script)
			if shell == "fish" {
				t.Setenv("HOME", t.TempDir())
				got := shellOutput(t, shell, "-N", "-c", "source "+script+"; complete -C 'postern serve -explain o'")
				if !slices.Contains(strings.Fields(got), "off") {
					t.Errorf("fish completes %q", got)
				}
			}
		})
	}
}

// TestEveryFlagIsCompletedAndInTheManual: the flags that commands parse are those
// of the scripts and of the manual page.
func TestEveryFlagIsCompletedAndInTheManual(t *testing.T) {
	page := call("", nil, "man").out
	n := 0
	for _, c := range commands() {
		fs := c.flagsOf()
		if fs == nil {
			t.Fatalf("%s has no help", c.name)
		}
		fs.VisitAll(func(f *flag.Flag) {
			n++
			if !strings.Contains(page, "\n.B "+roff("-"+f.Name)) {
				t.Errorf("the manual lacks -%s of %s", f.Name, c.name)
			}
			for _, shell := range operands("completion") {
				want := map[string]string{"bash": "-" + f.Name + " ", "zsh": "'*-" + f.Name + "[", "fish": " -o " + f.Name + " "}[shell]
				if !strings.Contains(call("", nil, "completion", shell).out, want) {
					t.Errorf("%s lacks -%s of %s", shell, f.Name, c.name)
				}
			}
		})
	}
	if n < 50 {
		t.Errorf("only %d flags", n)
	}
	for line := range strings.Lines(page) {
		if macro, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " "); strings.HasPrefix(line, ".") && !slices.Contains([]string{".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".nf", ".fi"}, macro) {
			t.Errorf("the manual has the request %q", line)
		}
	}
}
