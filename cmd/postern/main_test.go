package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write golden files anew")

// root is the repository's root, seen from this package.
const root = "../.."

// binary is the real postern, built once for all tests.
var binary string

var buildFlags = []string{"build"}

// childBinary is the environment variable that says where the binary is to a
// test that runs in a process of its own.
const childBinary = "POSTERN_TEST_BINARY"

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(func() int {
		if binary = os.Getenv(childBinary); binary != "" {
			return m.Run()
		}
		dir, err := os.MkdirTemp("", "postern")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "postern")
		if out, err := exec.Command("go", append(buildFlags, "-o", binary, ".")...).CombinedOutput(); err != nil {
			os.Stderr.Write(out)
			return 1
		}
		return m.Run()
	}())
}

// result is what a command did.
type result struct {
	code      int
	out, errs string
}

// call runs a command line in this process, with env as its environment:
// NAME=VALUE.
func call(stdin string, env []string, args ...string) result {
	var out, errs bytes.Buffer
	look := func(name string) (string, bool) {
		for _, e := range env {
			if v, ok := strings.CutPrefix(e, name+"="); ok {
				return v, true
			}
		}
		return "", false
	}
	code := run(args, look, strings.NewReader(stdin), &out, &errs)
	return result{code, out.String(), errs.String()}
}

// write makes the files of a directory: name, content, name, content...
func write(t *testing.T, dir string, files ...string) string {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		out  string // a part of standard output
		errs string // a part of standard error
	}{
		{"", 2, "", "Usage: postern COMMAND"},
		{"help", 0, "Examples:\n  postern serve", ""},
		{"-help", 0, "postern validate", ""},
		{"help serve", 0, "-allow-remote", ""},
		{"serve -help", 0, "curl -s 127.0.0.1:8180/access/v1/evaluation", ""},
		{"check -help", 0, "Examples:\n  postern check", ""},
		{"validate -help", 0, "Examples:\n  postern validate", ""},
		{"version -help", 0, "Usage: postern version", ""},
		{"version", 0, "commit ", ""},
		{"-version", 0, "commit ", ""},
		{"schema -help", 0, "postern schema bucket-policy", ""},
		{"schema buckets", 0, "https://json-schema.org/draft/2020-12/schema", ""},
		{"schema", 2, "", "takes one kind of document; write organization-policy, bucket-policy, buckets, access-policy, test"},
		{"schema iam", 2, "", `there is no kind of document "iam"`},
		{"completion", 2, "", "takes the name of one shell; write bash, zsh or fish"},
		{"completion csh", 2, "", `there is no completion for "csh"`},
		{"man page", 2, "", "takes no arguments"},
		{"version now", 2, "", `takes no arguments, but got "now"`},
		{"sevre", 2, "", `unknown command "sevre"; write one of serve, check, search, test, validate, diff, replay, ready, explore, schema, completion, man, version`},
		{"serve", 2, "", "-policies is missing; write -policies DIR, or set POSTERN_POLICIES"},
		{"serve examples/policies", 2, "", "did you mean -policies examples/policies?"},
		{"serve -polices x", 2, "", "flag provided but not defined: -polices"},
		{"serve -policies x -explain maybe", 2, "", "write on or off"},
		{"serve -policies x -max-body 0", 2, "", "like 16MiB"},
		{"serve -policies x -rescan 0s", 2, "", "write one above 0, like 60s"},
		{"serve -policies x -reread -1h", 2, "", "write one above 0, like 1h"},
		{"serve -policies x -max-connections 0", 2, "", "write a number above 0"},
		{"serve -policies examples -listen 0.0.0.0:0", 2, "", "Write -listen 127.0.0.1:0, or add -allow-remote"},
		{"serve -policies examples -listen :8180", 2, "", "is every address of this machine"},
		{"serve -policies examples -listen 8180", 2, "", "write HOST:PORT, like 127.0.0.1:8180"},
		{"serve -policies examples -listen none", 2, "", "-listen none needs -socket PATH"},
	} {
		t.Run(c.args, func(t *testing.T) {
			got := call("", nil, strings.Fields(c.args)...)
			if got.code != c.code || !strings.Contains(got.out, c.out) || !strings.Contains(got.errs, c.errs) {
				t.Errorf("exit %d, out %q, errs %q; want exit %d, %q, %q", got.code, got.out, got.errs, c.code, c.out, c.errs)
			}
			if c.code == 0 && got.errs != "" {
				t.Errorf("standard error has %q", got.errs)
			}
			if c.code == 2 && got.out != "" {
				t.Errorf("standard output has %q", got.out)
			}
		})
	}
}
