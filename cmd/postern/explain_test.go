package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// explainDir has one statement for everything that an explanation tells of.
func explainDir(t *testing.T) string {
	return write(t, t.TempDir(),
		"corp/access-policies/p.json", `{"version":"v1alpha1","name":"p","statements":[
{"name":"all","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["*"]}]}`,
		"corp/buckets/office.json", `{"Version":"2012-10-17","Statement":[{"Sid":"office","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{
"IpAddress":{"aws:SourceIp":["10.0.0.0/8","2001:db8::/32"]},"Bool":{"aws:SecureTransport":"true"},"NumericLessThanIfExists":{"s3:max-keys":"10"},
"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"},"ForAnyValue:StringLike":{"team":["a*","b${*}"]},"StringEquals":{"cw:PrincipalOrgID":"other"}}}]}`,
		"corp/buckets/home.json", `{"Version":"2012-10-17","Statement":[{"Sid":"home","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::home/${aws:PrincipalTag/user}/*"}]}`,
		"corp/buckets/list.json", `{"Version":"2012-10-17","Statement":[{"Sid":"list","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"s3:prefix":"${aws:PrincipalTag/user}/*"}}}]}`,
		"corp/buckets/shelf.json", `{"Version":"2012-10-17","Statement":[{"Sid":"shelf","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}},
{"Sid":"attributes","Effect":"Allow","Principal":"*","Action":"s3:GetObjectAttributes","Resource":"*"}]}`,
		"corp/buckets/many.json", `{"Version":"2012-10-17","Statement":[{"Sid":"many","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"k":["`+strings.Repeat("v", 300)+`","2","3","4","5","6","7","8","9","10"]}}}]}`,
		"corp/iam/p.json", `{"apiVersion":"postern/v1","kind":"AccessPolicy","metadata":{"name":"m"},
"bindings":[{"id":"tagged","actions":["stack:read"],"resources":["stack:*"],"members":["*"],"selector":{"matchTags":{"env":"dev"},"matchExpressions":[{"key":"owner","operator":"Exists"}]}}]}`,
		"partner/access-policies/p.json", `{"version":"v1alpha1","name":"p","statements":[
{"name":"all","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["*"]}]}`)
}

// TestNearestTellsWhy: of the nearest Allow the operator, the key, what the
// policy wants and what the request has are told.
func TestNearestTellsWhy(t *testing.T) {
	dir := explainDir(t)
	for name, c := range map[string]struct {
		args string
		want []string
	}{
		"absent keys": {"-action s3:GetObject -resource office/k", []string{
			`it fails on condition`,
			`  IpAddress aws:SourceIp wants "10.0.0.0/8" or "2001:db8::/32", and the request has none`,
			`  Bool aws:SecureTransport wants "true", and the request has none`,
			`  ForAnyValue:StringLike team wants "a*" or "b${*}", and the request has none`,
			`  StringEquals aws:PrincipalOrgID wants "other", and the request has "corp"`,
			`  DateLessThan aws:CurrentTime wants "2020-01-01T00:00:00Z", and the request has "2`,
		}},
		"values": {"-action s3:GetObject -resource office/k -context aws:SourceIp=192.0.2.1 -context s3:max-keys=11 -context team=x -context team=y", []string{
			`wants "10.0.0.0/8" or "2001:db8::/32", and the request has "192.0.2.1"`,
			`  NumericLessThanIfExists s3:max-keys wants "10", and the request has "11"`,
			`and the request has "x", "y"`,
		}},
		"unreadable":            {"-action s3:GetObject -resource office/k -context aws:SourceIp=foo", []string{`and the request has "foo", which it cannot read`}},
		"a variable":            {"-action s3:GetObject -resource home/jean/k", []string{"it fails on resource\n  ${aws:PrincipalTag/user} has no value in the request"}},
		"a variable in a value": {"-action s3:ListBucket -resource list -context s3:prefix=a/", []string{`wants "${aws:PrincipalTag/user}/*", and the request has "a/"` + "\n  ${aws:PrincipalTag/user} has no value in the request"}},
		"a variable with a value": {"-action s3:ListBucket -resource list -context s3:prefix=a/ -context aws:PrincipalTag/user=b", []string{
			`wants "${aws:PrincipalTag/user}/*", and the request has "a/"` + "\ndigest"}},
		"an action beside": {"-action s3:GetObjectAttributes -resource shelf/k", []string{"the action asked needs s3:GetObject too, which no Allow gives here\n" + `nearest is Allow "shelf"`, "it fails on condition\n"}},
		"bounds":           {"-action s3:GetObject -resource many/k", []string{`wants "` + strings.Repeat("v", 253) + `..." or "2" or "3" or "4" or "5" or "6" or "7" or "8" or "...", and`}},
		"a selector":       {"-action stack:read -resource stack:a", []string{`  In tags.env wants "dev", and the request has what it cannot read`, "  Exists tags.owner"}},
		"the sentence":     {"-action s3:GetObject -resource none/k", []string{"that is: No folder has the bucket, and the request does not state whose it is.\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := call("", nil, append([]string{"check", "-policies", dir, "-org", "corp", "-principal", "role/a", "-explain"}, strings.Fields(c.args)...)...)
			for _, want := range c.want {
				if got.code != exitDenied || !strings.Contains(got.out, want) {
					t.Errorf("exit %d, %s\n%swant %q", got.code, got.errs, got.out, want)
				}
			}
		})
	}
}

// TestHints: a denial that comes from a likely mistake says so, and one that
// does not, and an allow, say nothing.
func TestHints(t *testing.T) {
	dir := explainDir(t)
	body := func(subject, action, resource string) string {
		return fmt.Sprintf(`{"subject":{"type":"role","id":"a","properties":%s},"action":{"name":%q},"resource":%s}`, subject, action, resource)
	}
	const key, corp = `{"type":"object","id":"plain/k","properties":{"org":"corp"}}`, `{"org":"corp"}`
	for name, c := range map[string]struct {
		body string
		want []string
	}{
		"an organization without folder":  {body(`{"org":"crp"}`, "s3:GetObject", key), []string{`there is no organization "crp", which is stated in subject.properties.org (-org); the nearest is "corp"; there are corp, partner`}},
		"one that is like none":           {body(`{"org":"initech"}`, "s3:GetObject", key), []string{`there is no organization "initech", which is stated in subject.properties.org (-org); there are corp, partner`}},
		"an owner without folder":         {body(corp, "s3:GetObject", `{"type":"object","id":"plain/k","properties":{"org":"prtner"}}`), []string{`there is no organization "prtner", which is stated in resource.properties.org (-resource-org); the nearest is "partner"`}},
		"owner_unknown":                   {body(corp, "s3:GetObject", `{"type":"object","id":"offce/k"}`), []string{`no folder has the bucket "offce"; state its organization in resource.properties.org (-resource-org), or list it in buckets.json of its organization; the nearest bucket is "office"`}},
		"owner_mismatch":                  {body(corp, "s3:GetObject", `{"type":"object","id":"office/k","properties":{"org":"partner"}}`), []string{`the bucket "office" belongs to the organization "corp" by the directory, and the request states "partner"`}},
		"a tenant's boundary":             {body(corp, "cwobject:CreateAccessKey", `{"type":"organization","id":"partner"}`), []string{`the caller's organization is "corp", and the request is about one of "partner"`}},
		"organization for org":            {body(`{"organization":"corp"}`, "s3:GetObject", key), []string{`subject.properties has "organization", which is a condition key and no more; write it as subject.properties.org`, "the caller has no organization"}},
		"Organisation for org":            {body(`{"Organisation":"corp"}`, "s3:GetObject", key), []string{`"Organisation"`, "the caller has no organization"}},
		"owner, principal, group":         {body(`{"owner":"corp","principal":"saml/x","group":["g"]}`, "s3:GetObject", key), []string{`"owner"`, `"principal", which is a condition key and no more; write it as subject.properties.principals`, `subject.properties.groups`, "no organization"}},
		"organization of the resource":    {body(corp, "s3:GetObject", `{"type":"object","id":"plain/k","properties":{"organization":"corp"}}`), []string{`resource.properties has "organization"`, "no folder has the bucket"}},
		"an action without service":       {body(corp, "GetObject", key), []string{`the action "GetObject" has no service, and so belongs to the iam layer; write "s3:GetObject"`}},
		"an unknown action":               {body(corp, "s3:GetObjct", `{"type":"object","id":"office/k"}`), []string{`no table knows the action "s3:GetObjct"; the nearest is "s3:GetObject"`}},
		"an unknown action of iam":        {body(corp, "stack:raed", `{"type":"stack","id":"a"}`), []string{`the action "stack:raed"; the nearest is "stack:read"`}},
		"a token that is unknown":         {`{"subject":{"type":"token","id":"x","properties":{"org":"corp"}},"action":{"name":"s3:GetObject"},"resource":` + key + `}`, []string{`no file in iam/ of the organization "corp" defines "token/x", or it has expired`}},
		"nothing is mistaken":             {body(corp, "s3:GetObject", `{"type":"object","id":"office/k"}`), nil},
		"an allow":                        {body(`{"org":"corp","organization":"x"}`, "s3:GetObject", key), nil},
		"a property beside the right one": {body(`{"org":"corp","owner":"x"}`, "s3:GetObject", `{"type":"object","id":"office/k"}`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, explain := range []string{"-explain=false", "-explain"} {
				got := call(c.body, nil, "check", "-policies", dir, "-request", "-", "-json", explain)
				var a struct{ Hint []string }
				if err := json.Unmarshal([]byte(got.out), &a); err != nil || got.errs != "" || len(a.Hint) != len(c.want) {
					t.Fatalf("%v: %+v, want %q", err, got, c.want)
				}
				text := call(c.body, nil, "check", "-policies", dir, "-request", "-", explain)
				for i, want := range c.want {
					if !strings.Contains(a.Hint[i], want) {
						t.Errorf("hint %q, want %q", a.Hint[i], want)
					}
					if !strings.Contains(text.out, "hint: "+a.Hint[i]+"\n") {
						t.Errorf("the text has no %q: %s", a.Hint[i], text.out)
					}
				}
			}
		})
	}
	platform := []string{"check", "-policies", dir, "-platform-org", "static", "-org", "static", "-principal", "role/a", "-action", "s3:GetObject", "-resource", "office/k"}
	if got := call("", nil, platform...); got.code != exitDenied || strings.Contains(got.out, "hint") {
		t.Errorf("a platform organization: %+v", got)
	}
	for args, want := range map[string]string{
		"-action GetObject -resource ml-data/x":       `-action: "GetObject" has no service, and so is asked on type:id; write "s3:GetObject"`,
		"-action getobject -resource s3://ml-data/x":  `write "s3:GetObject"`,
		"-action GetObject -resource arn:aws:s3:::ml": `write "s3:GetObject"`,
		"-action frobnicate -resource ml-data/x":      `want type:id`,
	} {
		got := call("", nil, append([]string{"check", "-policies", dir, "-org", "corp", "-principal", "role/a"}, strings.Fields(args)...)...)
		if got.code != exitFailed || !strings.Contains(got.errs, want) {
			t.Errorf("%s: %+v, want %q", args, got, want)
		}
	}
}

// TestDoorsExplainAlike: postern check -explain -json and the HTTP API give the
// same grounds, and a plain answer has no hint.
func TestDoorsExplainAlike(t *testing.T) {
	dir := explainDir(t)
	s := start(t, "serve", "-policies", dir)
	ask := func(body, explain string) map[string]any {
		r, err := http.NewRequest("POST", "http://"+s.address+"/access/v1/evaluation", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Postern-Explain", explain)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		data, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != 200 {
			t.Fatalf("%d %s %v", answer.StatusCode, data, err)
		}
		var out struct{ Context map[string]any }
		if err := json.Unmarshal(data, &out); err != nil {
			t.Fatal(err)
		}
		return out.Context
	}
	const subject = `{"subject":{"type":"role","id":"a","properties":{"org":"%s"}},"action":{"name":"%s"},"resource":{"type":"%s","id":"%s"},"context":{%s}}`
	for _, body := range []string{
		fmt.Sprintf(subject, "corp", "s3:GetObject", "object", "office/k", `"aws:SourceIp":"foo","team":["x","y"],"aws:SecureTransport":{},"aws:CurrentTime":"2026-01-01T00:00:00Z"`),
		fmt.Sprintf(subject, "corp", "s3:GetObject", "object", "office/k", `"aws:CurrentTime":"2026-01-01T00:00:00Z"`),
		fmt.Sprintf(subject, "corp", "s3:GetObject", "object", "home/k", ``),
		fmt.Sprintf(subject, "corp", "s3:GetObject", "object", "none/k", ``),
		fmt.Sprintf(subject, "crp", "s3:GetObject", "object", "office/k", ``),
		fmt.Sprintf(subject, "corp", "stack:read", "stack", "x", ``),
		fmt.Sprintf(subject, "corp", "s3:PutBucketPolicy", "bucket", "office", ``),
	} {
		door := ask(body, "true")
		checked := call(body, nil, "check", "-policies", dir, "-request", "-", "-json", "-explain")
		decoder := json.NewDecoder(bytes.NewReader([]byte(checked.out)))
		var command map[string]any
		if err := decoder.Decode(&command); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"reason", "determining", "steps", "nearest", "hint", "digest"} {
			if !reflect.DeepEqual(door[key], command[key]) {
				t.Errorf("%s\n%s: HTTP %v, check %v", body, key, door[key], command[key])
			}
		}
		if plain := ask(body, "false"); plain["hint"] != nil || plain["nearest"] != nil {
			t.Errorf("a plain answer: %v", plain)
		}
	}
}
