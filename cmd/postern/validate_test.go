package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestValidateExamples: the examples have no errors, and the warnings that source
// documents earn.
func TestValidateExamples(t *testing.T) {
	got := call("", nil, "validate", examplesDir)
	raw := filepath.Join(examplesDir, "initech/buckets/bucket-policy-raw-example.json")
	if got.code != exitOK || got.errs != "" || !strings.Contains(got.out, "\n"+raw+":13:7: warning: ") ||
		!strings.Contains(got.out, "[deny-without-allow]") || !strings.HasSuffix(got.out, "\nno errors, 5 warnings\n") {
		t.Errorf("exit %d\n%s%s", got.code, got.out, got.errs)
	}
	if !strings.Contains(got.out, "  13 |       \"resource\": [\n     |       ^\n") {
		t.Errorf("the line is not shown:\n%s", got.out)
	}
	if got := call("", nil, "validate", examplesDir, "-strict"); got.code != exitDenied {
		t.Errorf("-strict: exit %d", got.code)
	}
}

func TestValidateFiles(t *testing.T) {
	dir := write(t, t.TempDir(),
		"good.json", organizationPolicy("Allow"),
		"bad.json", "{\"version\":\"v1alpha1\",\"name\":\"p\",\"statements\":[\n  {\"name\":\"s\",\"effect\":\"allow\",\"actions\":[\"s3:*\"],\"resources\":[\"arn:aws:s3:::b\"],\"principals\":[\"*\"]}]}",
		"bucket.json", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}}`,
		"list.json", `{"buckets":["a"]}`,
		"big.json", strings.Repeat(" ", 2000)+organizationPolicy("Allow"))
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, c := range map[string]struct {
		args []string
		code int
		out  []string
	}{
		"good":        {[]string{at("good.json"), at("bucket.json"), at("list.json")}, 0, []string{"no errors, no warnings\n"}},
		"bad":         {[]string{at("good.json"), at("bad.json")}, 1, []string{at("bad.json") + ":2:24: ", "Allow", "arn:aws:s3:::", "2 errors, no warnings\n"}},
		"too large":   {[]string{at("big.json"), "-max-file", "2000"}, 1, []string{at("big.json") + ": the file has ", "-max-file allows 2000; raise it, or "}},
		"not there":   {[]string{at("good.json"), at("none.json")}, 2, []string{"no errors, no warnings in what could be read\n"}},
		"a directory": {[]string{at("good.json"), examplesDir}, 0, []string{"no errors, 5 warnings\n"}},
		"no file":     {[]string{os.DevNull}, 2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := call("", nil, append([]string{"validate"}, c.args...)...)
			if got.code != c.code {
				t.Errorf("exit %d, want %d\n%s%s", got.code, c.code, got.out, got.errs)
			}
			for _, want := range c.out {
				if !strings.Contains(got.out, want) {
					t.Errorf("no %q in\n%s", want, got.out)
				}
			}
			if (c.code == exitFailed) != (got.errs != "") {
				t.Errorf("standard error: %q", got.errs)
			}
		})
	}
	got := call("", nil, "validate", at("none.json"))
	if got.code != exitFailed || got.out != "" || !strings.Contains(got.errs, "none.json") {
		t.Errorf("nothing could be read: %+v", got)
	}
	got = call("", nil, "validate")
	if got.code != exitFailed || !strings.Contains(got.errs, "write postern validate DIR") {
		t.Errorf("nothing to validate: %+v", got)
	}
}

// TestValidateIAMFile: an iam file alone has the errors that no other file of
// its organization could mend, as the directory has them.
func TestValidateIAMFile(t *testing.T) {
	for name, c := range map[string]struct {
		body, want string
		code       int
	}{
		"group in itself":     {`"groups":{"g":{"members":["group/g"]}}`, `the group "g" is a member of itself`, 1},
		"cycle of roles":      {`"roles":{"a":{"include":["b"]},"b":{"include":["a"]}}`, `the role "a" includes itself`, 1},
		"set in itself":       {`"permissionSets":{"s":{"resourceType":"stack","include":["s"]}}`, `the permission set "s" includes itself`, 1},
		"set of another type": {`"permissionSets":{"s":{"resourceType":"stack","include":["e"]},"e":{"resourceType":"env","actions":["env:read"]}}`, `the permission set "e" is about resources of type "env"`, 1},
		"built-in role":       {`"roles":{"iam-viewer":{"rules":[{"actions":["iam:GetUser"],"resources":["*"]}]}}`, `the role "iam-viewer" is built in`, 1},
		"whole":               {`"groups":{"g":{"members":["a/b"]}}`, "no errors, no warnings\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, t.TempDir(), "acme/iam/x.json", `{"apiVersion":"postern/v1","kind":"AccessPolicy",`+c.body+`}`)
			file := filepath.Join(dir, "acme/iam/x.json")
			got := call("", nil, "validate", file)
			if got.code != c.code || !strings.Contains(got.out, c.want) || strings.Contains(got.out, "not checked") || got.errs != "" {
				t.Errorf("exit %d\n%s%s\nwant exit %d, %q", got.code, got.out, got.errs, c.code, c.want)
			}
			if whole := call("", nil, "validate", dir); whole != got {
				t.Errorf("the directory: exit %d\n%s%s\nthe file: exit %d\n%s%s", whole.code, whole.out, whole.errs, got.code, got.out, got.errs)
			}
		})
	}
	const unchecked = "2 references to what is not in the same file not checked; postern validate DIR"
	dir := write(t, t.TempDir(),
		"a.json", `{"apiVersion":"postern/v1","kind":"AccessPolicy","bindings":[{"roles":["x"],"members":["*"]}]}`,
		"b.json", `{"apiVersion":"postern/v1","kind":"AccessPolicy","bindings":[{"roles":["iam-viewer"],"members":["group/x"]}]}`)
	files := []string{filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json")}
	if got := call("", nil, "validate", files[0], files[1]); got.code != 0 || !strings.HasPrefix(got.out, unchecked) || !strings.HasSuffix(got.out, "\nno errors, no warnings\n") {
		t.Errorf("defined elsewhere: %+v", got)
	}
	if got := call("", nil, "validate", "-json", files[0], files[1]); got.code != 0 || got.out != "[]\n" || !strings.HasPrefix(got.errs, unchecked) {
		t.Errorf("defined elsewhere, as JSON: %+v", got)
	}
}

// TestValidateDirectory: errors of several units, each under a name that can
// be opened, errors between files among them.
func TestValidateDirectory(t *testing.T) {
	dir := write(t, t.TempDir(),
		"acme/access-policies/a.json", organizationPolicy("Allow"),
		"acme/access-policies/b.json", organizationPolicy("Deny"), // the same name
		"acme/buckets/x.json", `{"Version":"2012-10-17"}`,
		"acme/notes.txt", "")
	got := call("", nil, "validate", "-json", dir)
	var list []struct {
		Severity, File, Message string
		Line                    int
	}
	if err := json.Unmarshal([]byte(got.out), &list); err != nil {
		t.Fatalf("%v: %s", err, got.out)
	}
	want := map[string]string{"acme/access-policies/b.json": "error", "acme/buckets/x.json": "error", "acme/notes.txt": "warning"}
	for _, d := range list {
		rel, err := filepath.Rel(dir, d.File)
		if err != nil || want[rel] != d.Severity {
			t.Errorf("unexpected: %+v", d)
		}
		delete(want, rel)
		if rel == "acme/access-policies/b.json" && !strings.Contains(d.Message, "a.json") {
			t.Errorf("the other place is not named: %s", d.Message)
		}
	}
	if len(want) > 0 || got.code != exitDenied {
		t.Errorf("missing %v, exit %d", want, got.code)
	}
}

// TestValidateOneLevelTooDeep: a check that points at an organization's folder
// must not pass because it read nothing.
func TestValidateOneLevelTooDeep(t *testing.T) {
	for _, dir := range []string{filepath.Join(examplesDir, "acme"), filepath.Join(examplesDir, "acme/buckets")} {
		got := call("", nil, "validate", dir)
		if got.code != exitFailed || !strings.Contains(got.errs, "give the policy directory itself") {
			t.Errorf("%s: exit %d\n%s%s", dir, got.code, got.out, got.errs)
		}
	}
	if got := call("", nil, "validate", t.TempDir()); got.code != exitOK {
		t.Errorf("an empty directory: exit %d\n%s", got.code, got.errs)
	}
}

// TestValidateNoFile: what is wrong is shown where there is no policy file too,
// warnings beside it or not.
func TestValidateNoFile(t *testing.T) {
	dir := write(t, t.TempDir(), "o1/access-policies/sub/q.json", organizationPolicy("Allow"))
	for _, want := range []string{"1 error, no warnings\n", "1 error, 1 warning\n"} {
		got := call("", nil, "validate", dir)
		if got.code != exitDenied || got.errs != "" || !strings.Contains(got.out, filepath.Join(dir, "o1/access-policies/sub")+": a folder") || !strings.HasSuffix(got.out, want) {
			t.Errorf("exit %d\n%s%s\nwant %s", got.code, got.out, got.errs, want)
		}
		write(t, dir, "todo.txt", "")
	}
}
