package main

import (
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"postern/policy"
)

// lintCases are the golden cases of internal/lint as policy directories, by code.
func lintCases(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "internal/lint/testdata/*.txtar"))
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d golden cases (%v)", len(paths), err)
	}
	dirs := map[string]string{}
	for _, p := range paths {
		a, err := txtar.ParseFile(p)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, m := range regexp.MustCompile(`\borgs=(\S+)`).FindAllSubmatch(a.Comment, -1) {
			for org := range strings.SplitSeq(string(m[1]), ",") {
				write(t, dir, org+"/access-policies/base.json", organizationPolicy("Allow"))
			}
		}
		for _, m := range regexp.MustCompile(`\bbuckets=(\S+)`).FindAllSubmatch(a.Comment, -1) {
			write(t, dir, "acme/buckets.json", `{"buckets": ["`+strings.ReplaceAll(string(m[1]), ",", `", "`)+`"]}`)
		}
		for _, f := range a.Files {
			if !strings.HasPrefix(f.Name, "fires/") {
				continue
			}
			place := map[string]string{"bucket.json": "acme/buckets/b.json", "organization.json": "acme/access-policies/o.json", "access.json": "acme/iam/a.json"}[path.Base(f.Name)]
			write(t, dir, place, string(f.Data))
		}
		dirs[strings.TrimSuffix(filepath.Base(p), ".txtar")] = dir
	}
	return dirs
}

// TestIgnore: the warnings of each golden case are shown with their code, and not
// with -ignore; all others stay.
func TestIgnore(t *testing.T) {
	for code, dir := range lintCases(t) {
		t.Run(code, func(t *testing.T) {
			count := func(args ...string) (codes map[string]int) {
				got := call("", nil, append([]string{"validate", "-json", dir}, args...)...)
				var list []struct{ Code, Message string }
				if err := json.Unmarshal([]byte(got.out), &list); err != nil || got.code != exitOK {
					t.Fatalf("exit %d, %v\n%s%s", got.code, err, got.out, got.errs)
				}
				codes = map[string]int{}
				for _, d := range list {
					codes[d.Code]++
				}
				return codes
			}
			all, rest := count(), count("-ignore", code)
			if all[code] == 0 || all[""] != 0 {
				t.Errorf("warnings: %v", all)
			}
			delete(all, code)
			if fmt.Sprint(all) != fmt.Sprint(rest) {
				t.Errorf("with -ignore %v, want %v", rest, all)
			}
			if got := call("", nil, "validate", dir); !strings.Contains(got.out, " ["+code+"]\n") {
				t.Errorf("no [%s] in\n%s", code, got.out)
			}
			if got := call("", nil, "validate", dir, "-strict"); got.code != exitDenied {
				t.Errorf("-strict: exit %d", got.code)
			}
			args := []string{"validate", dir, "-strict"}
			for _, c := range policy.Codes() {
				args = append(args, "-ignore", c.String())
			}
			if got := call("", nil, args...); got.code != exitOK || got.out != "no errors, no warnings\n" {
				t.Errorf("all ignored: exit %d\n%s", got.code, got.out)
			}
		})
	}
}

// TestIgnoreUnknown: a code that there is not is an error, which names the nearest.
func TestIgnoreUnknown(t *testing.T) {
	for code, want := range map[string]string{
		"operation-names": `did you mean "operation-name"?`,
		"nonsense":        "a warning ends in its own, in brackets",
		"":                "there is no such code",
	} {
		got := call("", nil, "validate", "-ignore", code, t.TempDir())
		if got.code != exitFailed || !strings.Contains(got.errs, want) {
			t.Errorf("%q: exit %d, %s", code, got.code, got.errs)
		}
	}
}

// TestValidateFormats: one finding in every format, and counted.
func TestValidateFormats(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/buckets/b.json", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"CW":"acme"},"Action":["s3:GetObject","s3:ListObjects"],"Resource":"*"}}`)
	const code = "[operation-name]"
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"text":    {nil, []string{code + "\n  1 | ", "\nno errors, 1 warning\n"}},
		"json":    {[]string{"-format", "json"}, []string{`"code": "operation-name"`, `"text": "\"s3:ListBucket\""`}},
		"github":  {[]string{"-format", "github"}, []string{"::warning file=" + dir + "/acme/buckets/b.json,line=1,col=106,title=", code}},
		"sarif":   {[]string{"-format", "sarif"}, []string{`"ruleId": "operation-name"`}},
		"summary": {[]string{"-summary"}, []string{"      1  " + code + "  " + policy.CodeOperationName.About() + "\nno errors, 1 warning\n"}},
		"both":    {[]string{"-summary", "-json"}, []string{`"operation-name": 1`}},
	} {
		got := call("", nil, append([]string{"validate", dir}, c.args...)...)
		for _, want := range c.want {
			if got.code != exitOK || !strings.Contains(got.out, want) {
				t.Errorf("%s: exit %d, no %q in\n%s%s", name, got.code, want, got.out, got.errs)
			}
		}
	}
	if got := call("", nil, "validate", dir, "-json", "-format", "sarif"); got.code != exitFailed || !strings.Contains(got.errs, "write one of them") {
		t.Errorf("two formats: %+v", got)
	}
}

// TestValidateMany: text shows the first thousand findings and counts the others by
// their codes; programs get all.
func TestValidateMany(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"CW":"acme"},"Resource":"*","Action":["s3:*"`)
	const n = 1234
	for range n {
		b.WriteString(`,"s3:PutBucketPolicy"`)
	}
	b.WriteString("]}]}")
	dir := write(t, t.TempDir(), "acme/buckets/b.json", b.String())
	got := call("", nil, "validate", dir)
	if want := fmt.Sprintf("\nand 234 warnings more\n   1234  [never-read-here]  %s\nno errors, 1234 warnings\n", policy.CodeNeverReadHere.About()); got.code != exitOK || !strings.HasSuffix(got.out, want) || strings.Count(got.out, "[never-read-here]\n") != 1000 {
		t.Errorf("exit %d, %d lines, end %q", got.code, strings.Count(got.out, "\n"), got.out[max(0, len(got.out)-300):])
	}
	var list []any
	if err := json.Unmarshal([]byte(call("", nil, "validate", dir, "-json").out), &list); err != nil || len(list) != n {
		t.Errorf("%d as JSON (%v)", len(list), err)
	}
}

// TestValidatePublic: -allow-public silences one bucket.
func TestValidatePublic(t *testing.T) {
	const open = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}}`
	dir := write(t, t.TempDir(), "acme/buckets/b.json", open, "acme/buckets/c.json", open)
	for want, args := range map[string][]string{
		"no errors, 2 warnings\n":  nil,
		"no errors, 1 warning\n":   {"-allow-public", "b"},
		"no errors, no warnings\n": {"-allow-public", "b", "-allow-public", "c"},
	} {
		if got := call("", nil, append([]string{"validate", dir}, args...)...); !strings.HasSuffix(got.out, want) {
			t.Errorf("%v:\n%s\nwant %s", args, got.out, want)
		}
	}
	// A Deny of the owner's to everyone closes both.
	write(t, dir, "acme/access-policies/d.json", `{"version":"v1alpha1","name":"d","statements":[{"name":"d","effect":"Deny","actions":["s3:GetObject*"],"resources":["*"],"principals":["*"]}]}`)
	if got := call("", nil, "validate", dir); got.out != "no errors, no warnings\n" {
		t.Errorf("with a Deny of the owner's:\n%s", got.out)
	}
}

// TestValidatePlatform: an organization of the platform needs no folder.
func TestValidatePlatform(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/buckets/b.json", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"CW":"arn:aws:iam::static:role/static/inventory"},"Action":"s3:PutObject","Resource":"*"}}`)
	if got := call("", nil, "validate", dir, "-platform-org", "static"); got.out != "no errors, no warnings\n" {
		t.Errorf("with the flag:\n%s", got.out)
	}
	if got := call("", nil, "validate", dir); !slices.Contains(strings.Fields(got.out), "[unknown-organization]") {
		t.Errorf("without the flag:\n%s", got.out)
	}
}

// TestServeLogsWarnings: serve logs what is surely not meant, with the place and the
// code, and serves.
func TestServeLogsWarnings(t *testing.T) {
	dir := write(t, t.TempDir(),
		"acme/access-policies/p.json", `{"version": "v1alpha1", "name": "p", "statements": [{"name": "s", "effect": "Allow", "actions": ["s3:GetObjcet"], "resources": ["*"], "principals": ["*"]}]}`,
		"acme/buckets/b.json", `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::other/*"}}`,
		"acme/iam/a.json", `{"apiVersion": "postern/v1", "kind": "AccessPolicy", "bindings": [{"roles": ["iam-viewer"], "members": ["group/nobody"]}]}`)
	s := start(t, "serve", "-policies", dir)
	s.ready()
	for place, code := range map[string]policy.Code{
		"acme/access-policies/p.json:1:": policy.CodeUnknownAction,
		"acme/buckets/b.json:1:":         policy.CodeNoSuchCaller,
		" acme/buckets/b.json:1:":        policy.CodeOtherBucket,
		"acme/iam/a.json:1:":             policy.CodeUnknownGroup,
	} {
		place = strings.TrimSpace(place)
		if !slices.ContainsFunc(strings.Split(s.log(), "\n"), func(line string) bool {
			return strings.Contains(line, place) && strings.Contains(line, "["+code.String()+"]")
		}) {
			t.Errorf("no line has %s and [%s]:\n%s", place, code, s.log())
		}
	}
	if code := s.stop(); code != exitOK {
		t.Errorf("exit %d", code)
	}
}
