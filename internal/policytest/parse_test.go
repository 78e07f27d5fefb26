package policytest

import (
	"fmt"
	"strings"
	"testing"
)

// whole is a file without mistakes; the mistakes of TestMistakes stand in place
// of a part of it.
const whole = `{
  "policies": "policies", "defaultOrg": "acme", "platformOrgs": ["cw"], "now": "2026-01-01T00:00:00Z",
  "tests": [
    {"name": "a", "request": {"action": {"name": "s3:GetObject"}, "context": {"k": "v"}}, "decision": false, "reason": "anonymous",
     "obligations": [], "determinedBy": [],
     "foreach": {"subject": [{"type": "role", "id": "A"}, {"type": "role", "id": "B"}], "resource": [{"type": "object", "id": "bucket/1"}]}}
  ]
}
`

func TestParse(t *testing.T) {
	f, ds := Parse("x.test.json", []byte(whole))
	if ds != nil {
		t.Fatal(ds)
	}
	if f.Policies != "policies" || f.DefaultOrg != "acme" || fmt.Sprint(f.PlatformOrgs) != "[cw]" || f.Now.Unix() != 1767225600 {
		t.Errorf("read %+v", f)
	}
	if len(f.Tests) != 1 || f.Tests[0].Len() != 2 || f.Tests[0].Position.Line != 4 {
		t.Fatalf("read the tests %+v", f.Tests)
	}
	body, _ := f.Tests[0].body(nil, 1)
	const want = `{"subject":{"type": "role", "id": "B"},"action":{"name": "s3:GetObject"},"resource":{"type": "object", "id": "bucket/1"},"context":{"k": "v"}}`
	if string(body) != want {
		t.Errorf("the second request is\n%s, want\n%s", body, want)
	}
}

// TestMistakes: each mistake is told where it stands, with what to write.
func TestMistakes(t *testing.T) {
	long := strings.Repeat(`{"type": "role", "id": "A"},`, 400) + `{"type": "role", "id": "A"}`
	for _, c := range []struct{ from, to, want string }{
		{`"policies": "policies", `, ``, `1:1: the file has no "policies"; write {"policies": "DIRECTORY", "tests": [...]}`},
		{`"defaultOrg"`, `"defaultOrgs"`, `2:27: the file has no member "defaultOrgs"; write "defaultOrg"`},
		{`"defaultOrg"`, `"xyz"`, `the file has no member "xyz"; its members are policies, defaultOrg, platformOrgs, now, tests`},
		{`"defaultOrg": "acme"`, `"defaultOrg": 1`, `2:41: defaultOrg is a number; write a string`},
		{`"defaultOrg": "acme"`, `"policies": "acme"`, `2:27: `},
		{`["cw"]`, `"cw"`, `platformOrgs is a string; write a list`},
		{`2026-01-01T00:00:00Z`, `2026`, `now is "2026"; write a time like "2026-01-01T00:00:00Z"`},
		{`"name": "a"`, `"name": ""`, `name is empty; write it, or leave it out`},
		{`"name": "a", `, ``, `4:5: the test has no "name"`},
		{`"decision": false, `, ``, `4:5: the test has no "decision"`},
		{`"decision": false`, `"decision": "deny"`, `decision is a string; write true or false`},
		{`"decision": false`, `"decision": true`, `the reason anonymous never goes with the decision true`},
		{`"anonymous"`, `"anonymos"`, `there is no reason "anonymos"; write "anonymous"`},
		{`"obligations": []`, `"obligations": [{"id": "max-open", "type": "max_open_seconds", "properties": {"seconds": 5}}]`, `a denial has no obligations`},
		{`"obligations": []`, `"obligations": [{"id": "max-open"}]`, `obligations is a list as an answer has it`},
		{`"obligations": []`, `"obligations": [{"id": "other"}]`, `id is "other"; the only one is "max-open"`},
		{`"obligations": []`, `"obligations": [{"properties": {"seconds": -1}}]`, `seconds is -1; write a whole number above 0`},
		{`"context"`, `"resource"`, `resource stands in request and in foreach`},
		{`"context"`, `"extra"`, `request has no member "extra"; its members are subject, action, resource, context`},
		{`[{"type": "object", "id": "bucket/1"}]`, `[]`, `foreach.resource is empty, so that the test asks nothing`},
		{`"type": "role", "id": "B"`, `"type": "role"`, `4:5: request[subject 2, resource 1]: subject.id`},
		{`"foreach": {"subject"`, `"foreach": {"subjects": [], "subject"`, `foreach has no member "subjects"; write "subject"`},
		{`{"type": "role", "id": "A"}, `, long + `, `, ``},
		{"]\n}\n", "]\n} x\n", `something follows the object`},
		{"]\n}\n", "]\n", `8:1: the text ends inside`},
	} {
		text := strings.Replace(whole, c.from, c.to, 1)
		if text == whole {
			t.Fatalf("the file has no %q", c.from)
		}
		f, ds := Parse("x.test.json", []byte(text))
		if c.want == "" {
			if f == nil {
				t.Errorf("%.40q for %q: %v", c.to, c.from, ds)
			}
			continue
		}
		told := fmt.Sprint(ds)
		if f != nil || !strings.Contains(told, c.want) {
			t.Errorf("%q for %q: told %s, want %s", c.to, c.from, told, c.want)
		}
	}
	many := strings.Replace(whole, `[{"type": "object", "id": "bucket/1"}]`, "["+strings.Repeat(`{"type": "object", "id": "bucket/1"},`, 60_000)+`{"type": "object", "id": "bucket/1"}]`, 1)
	if _, ds := Parse("x", []byte(many)); !strings.Contains(fmt.Sprint(ds), "foreach stands for 120002 requests, and a test for at most 100000") {
		t.Errorf("told %.200s", fmt.Sprint(ds))
	}
	if _, ds := Parse("x", []byte(`{"policies": "p", "tests": []}`)); !strings.Contains(fmt.Sprint(ds), "tests is empty") {
		t.Errorf("told %v", ds)
	}
	twice := strings.Replace(whole, "]}}\n", `]}}, {"name": "a", "request": {"subject": {"type": "role", "id": "A"}, "action": {"name": "s3:GetObject"}, "resource": {"type": "object", "id": "bucket/1"}}, "decision": false}`, 1)
	if _, ds := Parse("x", []byte(twice)); !strings.Contains(fmt.Sprint(ds), `another test is called "a"`) {
		t.Errorf("told %v", ds)
	}
}
