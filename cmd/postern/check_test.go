package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	digest := digestOf(t, examplesDir)
	base := []string{"check", "-policies", examplesDir, "-org", "acme", "-principal", "role/Admin"}
	for name, c := range map[string]struct {
		args []string
		code int
		out  string
	}{
		"allow": {[]string{"-action", "s3:GetObject", "-resource", "training-data/k"}, 0, "Allow: allowed (layer bucket)\n"},
		"deny":  {[]string{"-action", "s3:DeleteObject", "-resource", "audit-logs/k"}, 1, "ExplicitDeny: organization_deny (layer organization)\n"},
		"explained deny": {[]string{"-action", "s3:DeleteObject", "-resource", "audit-logs/k", "-explain"}, 1,
			"ExplicitDeny: organization_deny (layer organization)\n" +
				"asked organization of acme: ExplicitDeny\n" +
				"decided by Deny \"nobody-deletes-audit-logs\" at acme/access-policies/keep-audit-logs.json:6\n" +
				"digest of the policies: " + digest + "\n"},
		"explained allow": {[]string{"-action", "s3:GetObject", "-resource", "training-data/k", "-explain"}, 0,
			"Allow: allowed (layer bucket)\n" +
				"asked organization of acme: Allow\n" +
				"asked bucket of acme: Allow\n" +
				"decided by Allow \"allow-full-s3-api-access-to-all\" at acme/access-policies/full-s3-api-access.json:6\n" +
				"decided by Allow \"OwnOrganization\" at acme/buckets/training-data.json:5\n" +
				"digest of the policies: " + digest + "\n"},
		"whole organization": {[]string{"-action", "cwobject:CreateAccessKey"}, 0, "Allow: allowed (layer organization)\n"},
		"nearest": {[]string{"-action", "cwobject:EnsureAccessPolicy", "-explain"}, 1,
			"ImplicitDeny: organization_no_match (layer organization)\n" +
				"asked organization of acme: ImplicitDeny\n" +
				"nearest is Allow \"allow-full-s3-api-access-to-all\" at acme/access-policies/full-s3-api-access.json:6; it fails on action\n" +
				"digest of the policies: " + digest + "\n"},
		"owner stated": {[]string{"-action", "s3:GetObject", "-resource", "elsewhere/k", "-resource-org", "acme"}, 0, "Allow: allowed (layer bucket)\n"},
		"json": {[]string{"-action", "s3:DeleteObject", "-resource", "audit-logs/k", "-json", "-explain"}, 1,
			`{"decision":false,"outcome":"ExplicitDeny","reason":"organization_deny","layer":"organization","generation":1,"digest":"` + digest + `",` +
				`"determining":[{"document":"keep-audit-logs","statement":"nobody-deletes-audit-logs","index":0,"file":"acme/access-policies/keep-audit-logs.json","line":6,"effect":"Deny","layer":"organization"}],` +
				`"steps":[{"layer":"organization","organization":"acme","outcome":"ExplicitDeny"}]}` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got := call("", nil, append(base[:len(base):len(base)], c.args...)...)
			if got.code != c.code || got.out != c.out || got.errs != "" {
				t.Errorf("exit %d, printed\n%s%s\nwant exit %d\n%s", got.code, got.out, got.errs, c.code, c.out)
			}
		})
	}
}

func TestCheckMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		errs string
	}{
		"no policies":       {[]string{"-principal", "role/A", "-action", "s3:GetObject"}, "-policies is missing"},
		"no action":         {[]string{"-policies", examplesDir, "-principal", "role/A"}, "write -action s3:GetObject"},
		"no principal":      {[]string{"-policies", examplesDir, "-action", "s3:GetObject"}, "write -principal provider/name"},
		"argument":          {[]string{"-policies", examplesDir, "b/k"}, "write -resource b/k"},
		"bare principal":    {[]string{"-policies", examplesDir, "-org", "acme", "-principal", "Admin", "-action", "s3:GetObject", "-resource", "b/k"}, "-principal: want provider/name"},
		"group as caller":   {[]string{"-policies", examplesDir, "-org", "acme", "-principal", "group/x", "-action", "s3:GetObject", "-resource", "b/k"}, "write -group NAME"},
		"no bucket":         {[]string{"-policies", examplesDir, "-org", "acme", "-principal", "role/A", "-action", "s3:GetObject"}, `-resource: "s3:GetObject" is asked on a bucket or an object; write -resource BUCKET or -resource BUCKET/KEY` + "\n"},
		"an ARN":            {[]string{"-policies", examplesDir, "-org", "acme", "-principal", "role/A", "-action", "s3:GetObject", "-resource", "arn:aws:s3:::d/k"}, `-resource: a resource here is BUCKET or BUCKET/KEY, without arn:aws:s3:::; write "d/k"` + "\n"},
		"a URL":             {[]string{"-policies", examplesDir, "-org", "acme", "-principal", "role/A", "-action", "s3:ListBucket", "-resource", "s3://d"}, `-resource: a resource here is BUCKET or BUCKET/KEY, without s3://; write "d"` + "\n"},
		"a bucket for all":  {[]string{"-policies", examplesDir, "-org", "acme", "-principal", "role/A", "-action", "s3:ListAllMyBuckets", "-resource", "stack:d"}, "is asked on the whole organization; write -resource '*', or leave it out\n"},
		"token and more":    {[]string{"-policies", examplesDir, "-org", "acme", "-principal", "token/t", "-group", "g", "-action", "read"}, "remove -group and the other -principal\n"},
		"more and token":    {[]string{"-policies", examplesDir, "-org", "acme", "-principal", "role/A", "-principal", "token/t", "-action", "read"}, "write -principal token/NAME and no other\n"},
		"context no value":  {[]string{"-policies", examplesDir, "-principal", "role/A", "-action", "s3:GetObject", "-resource", "b/k", "-context", "s3:prefix"}, "write -context s3:prefix=VALUE"},
		"server's key":      {[]string{"-policies", examplesDir, "-org", "acme", "-principal", "role/A", "-action", "s3:GetObject", "-resource", "b/k", "-context", "cw:PrincipalOrgID=acme"}, "-context cw:PrincipalOrgID: postern sets this key itself"},
		"request and flags": {[]string{"-policies", examplesDir, "-request", "-", "-org", "acme"}, "-request holds the whole request"},
		"request of none":   {[]string{"-policies", examplesDir, "-request", "no such file"}, "no such file"},
		"empty org":         {[]string{"-policies", examplesDir, "-org", "", "-principal", "role/A", "-action", "s3:GetObject", "-resource", "b/k"}, `invalid value "" for flag -org: `},
		"bad org":           {[]string{"-policies", examplesDir, "-org", "o 1", "-principal", "role/A", "-action", "s3:GetObject", "-resource", "b/k"}, `invalid value "o 1" for flag -org: `},
		"bad owner":         {[]string{"-policies", examplesDir, "-resource-org", "o/1", "-principal", "role/A", "-action", "s3:GetObject", "-resource", "b/k"}, `invalid value "o/1" for flag -resource-org: `},
		"bad default":       {[]string{"-policies", examplesDir, "-default-org", "a/b", "-principal", "role/A", "-action", "s3:GetObject", "-resource", "b/k"}, `invalid value "a/b" for flag -default-org: `},
		"no UTF-8":          {[]string{"-policies", examplesDir, "-org", "acme", "-principal", "role/A", "-action", "s3:GetObject", "-resource", "b/k", "-context", "k=\xff"}, "-context k: not valid UTF-8\n"},
		"no directory":      {[]string{"-policies", filepath.Join(t.TempDir(), "gone"), "-principal", "role/A", "-action", "s3:GetObject", "-resource", "b/k"}, "gone"},
	} {
		t.Run(name, func(t *testing.T) {
			got := call("", nil, append([]string{"check"}, c.args...)...)
			if got.code != exitFailed || got.out != "" || !strings.Contains(got.errs, c.errs) {
				t.Errorf("exit %d, out %q, errs %q; want exit 2 and %q", got.code, got.out, got.errs, c.errs)
			}
		})
	}
}

func TestCheckRequest(t *testing.T) {
	got := call(`{"subject":{"type":"role","id":"Admin","properties":{"org":"acme"}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"training-data/k"}}`,
		[]string{"POSTERN_POLICIES=" + examplesDir}, "check", "-request", "-", "-json")
	if want := `{"decision":true,"outcome":"Allow","reason":"allowed","layer":"bucket","generation":1}` + "\n"; got.code != 0 || got.out != want || got.errs != "" {
		t.Errorf("%+v, want %s", got, want)
	}
	file := filepath.Join(write(t, t.TempDir(), "r.json", `{"subject":{"type":"role"}}`), "r.json")
	got = call("", nil, "check", "-policies", examplesDir, "-request", file)
	if got.code != exitFailed || !strings.Contains(got.errs, "subject.id") {
		t.Errorf("%+v", got)
	}
	got = call(strings.Repeat(" ", maxInput+1), nil, "check", "-policies", examplesDir, "-request", "-")
	if got.code != exitFailed || !strings.Contains(got.errs, "more than") {
		t.Errorf("%+v", got)
	}
}

// TestCheckContext: a key that is given twice is a list.
func TestCheckContext(t *testing.T) {
	dir := write(t, t.TempDir(),
		"acme/access-policies/p.json", organizationPolicy("Allow"),
		"acme/buckets/b.json", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*",
			"Condition":{"ForAllValues:StringEquals":{"tag":["x","y"]},"Null":{"tag":"false"},"StringEquals":{"with":"a=b"}}}}`)
	for _, c := range []struct {
		tags []string
		code int
	}{{[]string{"tag=x"}, 0}, {[]string{"tag=x", "tag=y"}, 0}, {[]string{"tag=x", "tag=z"}, 1}, {nil, 1}} {
		args := []string{"check", "-policies", dir, "-org", "acme", "-principal", "role/A", "-action", "s3:GetObject", "-resource", "b/k", "-context", "with=a=b"}
		for _, tag := range c.tags {
			args = append(args, "-context", tag)
		}
		if got := call("", nil, args...); got.code != c.code {
			t.Errorf("%q: %+v, want exit %d", c.tags, got, c.code)
		}
	}
}

// TestCheckSaysWhatIsBroken: a deny for a broken file is no riddle.
func TestCheckSaysWhatIsBroken(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("allow"), "acme/buckets.json", `{"buckets":["b"]}`)
	got := call("", nil, "check", "-policies", dir, "-org", "acme", "-principal", "role/A", "-action", "s3:GetObject", "-resource", "b/k", "-json")
	var a answer
	if err := json.Unmarshal([]byte(got.out), &a); err != nil || a.Reason != "organization_unavailable" || got.code != exitDenied {
		t.Errorf("%+v, %v", got, err)
	}
	found := call("", nil, "search", "-policies", dir, "actions", "-org", "acme", "-principal", "role/A", "-resource", "b/k")
	for verb, errs := range map[string]string{"check": got.errs, "search": found.errs} {
		if !strings.Contains(errs, "acme/access-policies/p.json:1:") || !strings.Contains(errs, "\npostern "+verb+": 1 broken") || !strings.Contains(errs, "postern validate "+dir) {
			t.Errorf("%s: standard error: %s", verb, errs)
		}
	}
}

// TestIdleDefault: a -default-org that gives nobody an organization with
// policies is told, and so is what becomes of the request.
func TestIdleDefault(t *testing.T) {
	one := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"))
	two := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"), "beta/access-policies/p.json", organizationPolicy("Allow"))
	for name, c := range map[string]struct{ dir, org, says, reason string }{
		"in force":  {one, "acme", "", ""},
		"no folder": {one, "zz", "-default-org zz: no organization of that name has a folder, and others have: ", "anonymous"},
		"not alone": {two, "acme", "-default-org acme is not in force while other organizations have folders: ", "anonymous"},
		"nobody":    {t.TempDir(), "zz", "-default-org zz: no organization has a folder, ", "no_organization_policy"},
	} {
		t.Run(name, func(t *testing.T) {
			got := call("", nil, "check", "-policies", c.dir, "-default-org", c.org, "-principal", "role/A", "-action", "s3:GetObject", "-resource", "b/k")
			if c.says == "" {
				if got.code != exitOK || got.errs != "" {
					t.Errorf("%+v, want an allow and no word", got)
				}
				return
			}
			if got.code != exitDenied || !strings.HasPrefix(got.out, "ImplicitDeny: "+c.reason) || !strings.HasPrefix(got.errs, "postern check: "+c.says) {
				t.Errorf("%+v, want %s and %q", got, c.reason, c.says)
			}
			if got := call("", nil, "search", "-policies", c.dir, "-default-org", c.org, "actions", "-principal", "role/A", "-resource", "b/k"); !strings.HasPrefix(got.errs, "postern search: "+c.says) {
				t.Errorf("search: %+v", got)
			}
			s := start(t, "serve", "-policies", c.dir, "-default-org", c.org, "-allow-empty")
			s.await("it warns", func() bool { return strings.Contains(s.log(), `"level":"WARN","msg":"`+c.says) })
		})
	}
}
