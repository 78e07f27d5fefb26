package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTest runs files of tests against the example policies: exit code and
// output of each way they can end (specification 8.2).
func TestTest(t *testing.T) {
	policies, err := filepath.Abs(examplesDir)
	if err != nil {
		t.Fatal(err)
	}
	broken := t.TempDir()
	write(t, broken, "acme/access-policies/a.json", `{`)
	const ask = `"request": {"subject": {"type": "role", "id": "Admin", "properties": {"org": "acme"}}, "action": {"name": "s3:DeleteObject"}}`
	file := func(policies, decision string) string {
		return fmt.Sprintf(`{"policies": %q, "tests": [
  {"name": "logs", "decision": %s, %s, "foreach": {"resource": [{"type": "object", "id": "audit-logs/a"}, {"type": "object", "id": "audit-logs/b"}]}}]}`, policies, decision, ask)
	}
	for _, c := range []struct {
		name, content string
		args          []string
		code          int
		out, errs     string
	}{
		{"holds", file(policies, "false"), nil, 0, "ok    FILE: 2 requests\n", ""},
		{"holds, all told", file(policies, "false"), []string{"-v"}, 0,
			"--- ok: logs[audit-logs/a] (organization_deny)\n--- ok: logs[audit-logs/b] (organization_deny)\nok    FILE: 2 requests\n", ""},
		{"fails", file(policies, "true"), []string{"-run", "/b"}, 1,
			"--- FAIL: logs[audit-logs/b] (FILE:2)\n" +
				"    wanted the decision true, and it is false\n" +
				"    ExplicitDeny: organization_deny (layer organization)\n" +
				"    asked organization of acme: ExplicitDeny\n" +
				"    decided by Deny \"nobody-deletes-audit-logs\" at acme/access-policies/keep-audit-logs.json:6\n" +
				"    digest of the policies: " + digestOf(t, examplesDir) + "\n" +
				"FAIL  FILE: 1 of 1 request failed\n", ""},
		{"nothing asked", file(policies, "true"), []string{"-run", "nothing"}, 2, "ok    FILE: no requests\n", "no request has a name that matches -run \"nothing\""},
		{"bad expression", file(policies, "true"), []string{"-run", "("}, 2, "", "-run: error parsing regexp"},
		{"a mistake", `{"policies": "p", "test": []}`, nil, 2, "", `FILE:1:19: the file has no member "test"; write "tests"`},
		{"no policies there", file("nowhere", "true"), nil, 2, "", "FILE: the policies: "},
		{"broken policies", file(broken, "false"), nil, 2, "", "so that its tests were not run; postern validate " + broken},
		{"bad organization", strings.Replace(file(policies, "false"), `"tests"`, `"defaultOrg": "a/b", "tests"`, 1), nil, 2, "", `"a/b": no organization can have that name`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "below/.tests/x.test.json", c.content)
			name := filepath.Join(dir, "below/.tests/x.test.json")
			got := call("", nil, append([]string{"test", dir}, c.args...)...)
			if out := strings.ReplaceAll(got.out, name, "FILE"); got.code != c.code || out != c.out ||
				!strings.Contains(strings.ReplaceAll(got.errs, name, "FILE"), c.errs) || (got.errs == "") != (c.errs == "") {
				t.Errorf("exit %d, printed\n%s%s\nwant exit %d\n%s%s", got.code, out, got.errs, c.code, c.out, c.errs)
			}
		})
	}
	for arg, want := range map[string]string{t.TempDir(): "has no *.test.json", "nowhere": "no such file", "": "nothing to test"} {
		args := []string{"test"}
		if arg != "" {
			args = append(args, arg)
		}
		if got := call("", nil, args...); got.code != 2 || !strings.Contains(got.errs, want) {
			t.Errorf("test %q: exit %d, %s; want %s", arg, got.code, got.errs, want)
		}
	}
}

// TestTestJSON: -json tells all tests, those that hold too, with the answer.
func TestTestJSON(t *testing.T) {
	got := call("", nil, "test", "-json", root+"/examples")
	var report struct {
		Passed, Failed int
		Files          []struct {
			File, Policies, Digest string
			Passed, Failed         int
			Tests                  []struct {
				Name   string
				Line   int
				Passed bool
				Answer struct {
					Decision bool
					Reason   string
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(got.out), &report); err != nil || got.code != 0 {
		t.Fatalf("exit %d, %v: %s%s", got.code, err, got.out, got.errs)
	}
	if len(report.Files) < 2 || report.Failed > 0 || report.Passed < 20 {
		t.Fatalf("%s", got.out)
	}
	passed := 0
	for _, f := range report.Files {
		if f.Digest != digestOf(t, f.Policies) || f.Passed != len(f.Tests) {
			t.Errorf("%+v", f)
		}
		for _, c := range f.Tests {
			if !c.Passed || c.Line == 0 || c.Name == "" || c.Answer.Reason == "" {
				t.Errorf("%s: %+v", f.File, c)
			}
			passed++
		}
	}
	if passed != report.Passed {
		t.Errorf("%d tests told, %d passed", passed, report.Passed)
	}
}

// TestTestCoverage: -coverage tells the statements and bindings that no test
// determined.
func TestTestCoverage(t *testing.T) {
	got := call("", nil, "test", "-coverage", "-run", "audit|alice", root+"/examples")
	for _, want := range []string{
		"coverage of " + root + "/examples/policies: 1 of ",
		"  not Allow \"OwnOrganization\" at acme/buckets/training-data.json:5\n",
		"coverage of " + root + "/examples/platform: 2 of ",
	} {
		if !strings.Contains(got.out, want) || got.code != 0 {
			t.Errorf("exit %d, no %q in\n%s%s", got.code, want, got.out, got.errs)
		}
	}
	if strings.Contains(got.out, "not Deny \"nobody-deletes-audit-logs\"") {
		t.Errorf("what determined is told as untested:\n%s", got.out)
	}
	got = call("", nil, "test", "-coverage", "-json", root+"/examples/policies.test.json")
	var report struct {
		Coverage []struct {
			Policies               string
			Statements, Determined int
			Untested               []struct{ File, Layer string }
		}
	}
	if err := json.Unmarshal([]byte(got.out), &report); err != nil || len(report.Coverage) != 1 {
		t.Fatalf("%v: %s", err, got.out)
	}
	if c := report.Coverage[0]; c.Determined < 4 || c.Statements != c.Determined+len(c.Untested) || c.Untested[0].File == "" {
		t.Errorf("%+v", c)
	}
}

// TestTestsBesidePolicies: a file of tests below POLICIES/.tests is no policy.
func TestTestsBesidePolicies(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(examplesDir)); err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(root + "/examples/policies.test.json")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, ".tests/all.test.json", strings.Replace(string(tests), `"policies": "policies"`, `"policies": ".."`, 1))
	asked := call("", nil, "check", "-policies", dir, "-org", "acme", "-principal", "role/A", "-action", "s3:GetObject", "-resource", "my-bucket/k", "-explain", "-json")
	if want := digestOf(t, examplesDir); !strings.Contains(asked.out, want) {
		t.Errorf("the digest without tests is %s; with them: %s%s", want, asked.out, asked.errs)
	}
	if got := call("", nil, "test", dir); got.code != 0 {
		t.Errorf("exit %d: %s%s", got.code, got.out, got.errs)
	}
}
