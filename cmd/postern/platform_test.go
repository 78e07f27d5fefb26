package main

import (
	"strings"
	"testing"
)

// TestPlatformOrganization: -platform-org is a flag of the commands that decide,
// may be repeated, and has an environment variable with one value a line; an
// explained answer says of the step that it counted as an Allow.
func TestPlatformOrganization(t *testing.T) {
	dir := write(t, t.TempDir(),
		"north/access-policies/p.json", organizationPolicy("Allow"),
		"north/buckets/depot.json", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"CW":"arn:aws:iam::static:role/reporter"},
			"Action":"s3:PutObject","Resource":"arn:aws:s3:::depot/reports/*"}}`)
	ask := []string{"-policies", dir, "-org", "static", "-principal", "role/reporter", "-action", "s3:PutObject", "-resource", "depot/reports/1"}
	const note = "(a platform organization without a folder: its own step counts as an Allow)"
	for name, c := range map[string]struct {
		env, args []string
		code      int
		has       string
	}{
		"without":  {nil, nil, exitDenied, "no_organization_policy"},
		"flag":     {nil, []string{"-platform-org", "static"}, exitOK, "asked organization of static: Allow " + note + "\n"},
		"repeated": {nil, []string{"-platform-org", "coreweave", "-platform-org", "static"}, exitOK, note},
		"variable": {[]string{"POSTERN_PLATFORM_ORG=coreweave\nstatic"}, nil, exitOK, note},
		"another":  {[]string{"POSTERN_PLATFORM_ORG=static"}, []string{"-platform-org", "coreweave"}, exitDenied, "no_organization_policy"},
		"JSON":     {nil, []string{"-platform-org", "static", "-json"}, exitOK, `"steps":[{"layer":"organization","organization":"static","outcome":"Allow","note":` + `"` + strings.Trim(note, "()") + `"},{"layer":"organization","organization":"north","outcome":"Allow"},{"layer":"bucket"`},
		"no name":  {nil, []string{"-platform-org", "a/b"}, exitFailed, `invalid value "a/b" for flag -platform-org: `},
	} {
		got := call("", c.env, append(append([]string{"check", "-explain"}, ask...), c.args...)...)
		if got.code != c.code || !strings.Contains(got.out+got.errs, c.has) {
			t.Errorf("%s: %+v, want exit %d and %q", name, got, c.code, c.has)
		}
	}
	search := []string{"search", "-policies", dir, "-org", "static", "-principal", "role/reporter", "-action", "s3:PutObject"}
	for _, c := range []struct {
		args []string
		has  string
	}{
		{[]string{"resources", "-type", "object", "-platform-org", "static", "-resource-org", "north"}, "depot/reports/*"},
	} {
		if got := call("", nil, append(search, c.args...)...); !strings.Contains(got.out, c.has) || got.errs != "" {
			t.Errorf("%q: %+v, want %q", c.args, got, c.has)
		}
	}
}
