package request

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"postern/policy"
)

// evaluation puts a body together; a part that is "" is left out.
func evaluation(subject, action, resource, context string) string {
	var members []string
	for _, m := range [][2]string{{"subject", subject}, {"action", action}, {"resource", resource}, {"context", context}} {
		if m[1] != "" {
			members = append(members, `"`+m[0]+`":`+m[1])
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

const (
	jean   = `{"type":"saml","id":"jean"}`
	get    = `{"name":"s3:GetObject"}`
	object = `{"type":"object","id":"b/k"}`
)

func str(s string) policy.Value { return policy.Value{Kind: policy.ValueString, Text: s} }
func num(s string) policy.Value { return policy.Value{Kind: policy.ValueNumber, Text: s} }
func bit(s string) policy.Value { return policy.Value{Kind: policy.ValueBool, Text: s} }
func attr(key string, values ...policy.Value) policy.Attribute {
	return policy.Attribute{Key: key, Values: values}
}
func unreadable(key string) policy.Attribute { return policy.Attribute{Key: key, Unreadable: true} }

// same compares requests, a nil list being an empty one.
func same(a, b any) bool { return flat(a) == flat(b) }

// flat writes v as JSON: names and values in the tests hold no `null`.
func flat(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	if string(b) == "null" {
		return "[]"
	}
	return strings.ReplaceAll(string(b), ":null", ":[]")
}

func TestDecodedRequest(t *testing.T) {
	var d Decoder
	body := `{"trace": [1, {"deep": null}], "action": {"name": "s3:PutObject", "properties": {"soft": true, "type": "x"}, "note": 1},
		"resource": {"type": "object", "id": "b/k\u002f\ud83d\ude00//../x", "properties": {"org": "o1", "uid": "77", "tags": {"env": "prod", "t\u0065am": "a"},
			"status": "active", "groups": 1, "Size": [1, 2.50], "nothing": null}},
		"context": {"aws:SourceIp": "10.0.0.1", "n": 1e3, "list": ["a", 2, false], "gone": null, "empty": [], "o": {"a": [{}]},
			"mixed": ["a", null], "nested": [["a"]], "objects": [{"a": 1}, "b"]},
		"subject": {"type": "saml", "id": "jean/x", "properties": {"org": "o1", "principals": ["role/Admin", "coreweave/u\u0031"], "groups": ["g1", ""],
			"claims": {"iss": "https://i", "a": {"b": ["x", "y"], "c": {"d": null}}, "kubernetes.io": {"pod.name": "p", "": 1, "q\"q": {"x": 1}}, "n": 5, "z": []},
			"level": "senior", "Type": "ignored", "uid": "9"}}}`
	r, err := d.Evaluation([]byte(body), now)
	if err != nil {
		t.Fatal(err)
	}
	want := &policy.Request{
		Principal: policy.Principal{
			Org: "o1", IDs: []string{"saml/jean/x", "role/Admin", "coreweave/u1"}, Groups: []string{"g1", ""}, ClaimsStated: true,
			Claims: []policy.Attribute{attr("iss", str("https://i")), unreadable("a"), attr("a.b", str("x"), str("y")), unreadable("a.c"),
				unreadable(`"kubernetes.io"`), attr(`"kubernetes.io"."pod.name"`, str("p")), attr("n", num("5")), attr("z")},
			Properties: []policy.Attribute{attr("level", str("senior")), attr("uid", str("9"))},
		},
		Action: "s3:PutObject", ActionProperties: []policy.Attribute{attr("soft", bit("true"))},
		Resource: policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: "b/k/😀//../x", Org: "o1", UID: "77", TagsKnown: true,
			Tags:       []policy.Tag{{Key: "env", Value: "prod"}, {Key: "team", Value: "a"}},
			Properties: []policy.Attribute{attr("status", str("active")), attr("Size", num("1"), num("2.50"))}},
		Context: []policy.Attribute{attr("aws:SourceIp", str("10.0.0.1")), attr("n", num("1e3")), attr("list", str("a"), num("2"), bit("false")),
			attr("empty"), unreadable("o"), unreadable("mixed"), unreadable("nested"), unreadable("objects")},
		Now: now,
	}
	if !same(r, want) {
		t.Errorf("got  %+v\nwant %+v", flat(r), flat(want))
	}

	// A second, smaller request sees nothing of the first.
	r, err = d.Evaluation([]byte(evaluation(jean, `{"name":"read"}`, `{"type":"record","id":"1"}`, "")), now+1)
	if err != nil {
		t.Fatal(err)
	}
	want = &policy.Request{Principal: policy.Principal{IDs: []string{"saml/jean"}}, Action: "read",
		Resource: policy.Resource{Kind: policy.ResourceTyped, Type: "record", ID: "1"}, Now: now + 1}
	if !same(r, want) {
		t.Errorf("got  %+v\nwant %+v", flat(r), flat(want))
	}
}

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		action, typ, id string
		want            policy.ResourceKind
	}{
		{"s3:GetObject", "object", "b/k", policy.ResourceObject},
		{"S3:getobject", "bucket", "b", policy.ResourceBucket},
		{"s3:Unheard", "object", "b//", policy.ResourceObject},
		{"s3:ListAllMyBuckets", "organization", "*", policy.ResourceOrganization},
		{"s3:ListBuckets", "organization", "o1", policy.ResourceOrganization},
		{"CWobject:EnsureAccessPolicy", "organization", "o1", policy.ResourceOrganization},
		{"stack:read", "stack", "acme/payments", policy.ResourceTyped},
		{"read", "bucket", "any/thing", policy.ResourceTyped},
		{"iam:ListUsers", "object", "nothing", policy.ResourceTyped},
		{"iam:ListUsers", "organization", "*", policy.ResourceOrganization},
	} {
		var d Decoder
		body := evaluation(jean, `{"name":"`+c.action+`"}`, `{"type":"`+c.typ+`","id":"`+c.id+`"}`, "")
		r, err := d.Evaluation([]byte(body), now)
		if err != nil || r.Resource.Kind != c.want {
			t.Errorf("%s on %s %s: %v, %v", c.action, c.typ, c.id, r, err)
		}
		other := policy.Request{Principal: policy.Principal{IDs: []string{"saml/jean"}}, Action: c.action, Resource: policy.Resource{Type: c.typ, ID: c.id}}
		if err := Check(&other); err != nil || other.Resource.Kind != c.want {
			t.Errorf("Check: %s on %s %s: %d, %v", c.action, c.typ, c.id, other.Resource.Kind, err)
		}
	}
}

// long is a text of n bytes.
func long(n int) string { return strings.Repeat("x", n) }

// list is a JSON list of n times the element.
func list(n int, element string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
}

// members is a JSON object of n members with different keys.
func members(n int, value string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(",\"k" + strconv.Itoa(i) + "\":" + value)
	}
	return "{" + strings.TrimPrefix(b.String(), ",") + "}"
}

func props(p string) string  { return `{"type":"saml","id":"jean","properties":` + p + `}` }
func rprops(p string) string { return `{"type":"object","id":"b/k","properties":` + p + `}` }

// refused are the bodies of single evaluations that are bad requests, with
// what the message has to say: the place, and what to write instead.
var refused = []struct{ name, body, want string }{
	{"empty", "", "the body is empty; write"},
	{"blank", " \n", "the text ends"},
	{"not JSON", "subject=1", "byte 0: no JSON value"},
	{"byte-order mark", "\xef\xbb\xbf" + evaluation(jean, get, object, ""), "byte 0: no JSON value"},
	{"not an object", `[]`, "not a JSON object; write {"},
	{"null", `null`, "not a JSON object"},
	{"trailing data", evaluation(jean, get, object, "") + "{}", "byte 112: something follows"},
	{"cut off", `{"subject":{"type":"saml"`, "byte 25: the text ends inside"},
	{"key cut off", `{"subject":1,"x`, "byte 13: this string has no closing quote"},
	{"no key", `{"subject":1, 5:6}`, "byte 14: want a key in double quotes"},
	{"no colon", `{"subject" 1}`, "byte 11: want `:` after the key"},
	{"no comma", `{"subject":1 "x":2}`, "byte 13: want `,` or `}`"},
	{"comma at the end", `{"subject":1,}`, "byte 13: remove the comma"},
	{"invalid UTF-8", `{"subject":{"type":"saml","id":"` + "\xff" + `"}}`, "byte 32: invalid UTF-8"},
	{"overlong UTF-8", `{"x":"` + "\xc0\xaf" + `"}`, "byte 6: invalid UTF-8"},
	{"lone surrogate", `{"x":"\ud800"}`, "byte 6: half of a surrogate pair"},
	{"control character", "{\"x\":\"\x00\"}", "byte 6: a control character"},
	{"duplicate key", `{"subject":1,"subject":2}`, `byte 13: "subject": this key stands twice`},
	{"duplicate key, escaped", `{"subject":1,"s\u0075bject":2}`, `byte 13: "subject": this key stands twice`},
	{"duplicate key in an unknown field", `{"x":{"a":{"b":1,"b":2}}}`, `"b": this key stands twice`},
	{"depth", `{"x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + "}", "nested too deeply; the most is 32"},
	{"members", `{"x":` + members(257, "1") + `}`, `"k256": too many members in one object; the most is 256`},
	{"malformed behind a type error", `{"subject":5,"x":}`, "byte 17: no JSON value"},

	{"no subject", evaluation("", get, object, ""), `subject: missing; write the caller, as in {"type": "role"`},
	{"no action", evaluation(jean, "", object, ""), `action: missing; write the action`},
	{"no resource", evaluation(jean, get, "", ""), `resource: missing; write the resource`},
	{"null subject", evaluation("null", get, object, ""), "subject: want an object as in"},
	{"null action", evaluation(jean, "null", object, ""), "action: want an object as in"},
	{"null resource", evaluation(jean, get, "null", ""), "resource: want an object as in"},
	{"string subject", evaluation(`"jean"`, get, object, ""), "subject: want an object as in {\"type\": \"role\", \"id\": \"Admin\"}, not a string"},
	{"list action", evaluation(jean, "[]", object, ""), "not a list"},
	{"number resource", evaluation(jean, get, "7", ""), "not a number"},
	{"list context", evaluation(jean, get, object, "[]"), "context: want an object, not a list"},
	{"boolean context", evaluation(jean, get, object, "true"), "context: want an object, not a boolean"},

	{"no subject type", evaluation(`{"id":"jean"}`, get, object, ""), "subject.type: missing"},
	{"empty subject type", evaluation(`{"type":"","id":"jean"}`, get, object, ""), "subject.type: missing"},
	{"null subject type", evaluation(`{"type":null,"id":"jean"}`, get, object, ""), "subject.type: want a string, not null"},
	{"no subject id", evaluation(`{"type":"saml"}`, get, object, ""), "subject.id: missing"},
	{"empty subject id", evaluation(`{"type":"saml","id":""}`, get, object, ""), "subject.id: missing"},
	{"number subject id", evaluation(`{"type":"saml","id":7}`, get, object, ""), "subject.id: want a string, not a number"},
	{"bad subject type", evaluation(`{"type":"sa ml","id":"jean"}`, get, object, ""), `subject.type: a type is 1 to 64 of A-Z a-z 0-9 . _ - and not "sa ml"`},
	{"slash in subject type", evaluation(`{"type":"sa/ml","id":"jean"}`, get, object, ""), "subject.type: a type is"},
	{"long subject type", evaluation(`{"type":"`+long(65)+`","id":"jean"}`, get, object, ""), "subject.type: a type is"},
	{"long subject id", evaluation(`{"type":"saml","id":"`+long(2049)+`"}`, get, object, ""), "subject.id: longer than 2048 bytes"},
	{"group as subject", evaluation(`{"type":"group","id":"g"}`, get, object, ""), "subject: a group is no identifier"},
	{"list subject properties", evaluation(props("[]"), get, object, ""), "subject.properties: want an object, not a list"},

	{"empty org", evaluation(props(`{"org":""}`), get, object, ""), "subject.properties.org: is empty"},
	{"number org", evaluation(props(`{"org":7}`), get, object, ""), "subject.properties.org: want a string, not a number"},
	{"long org", evaluation(props(`{"org":"`+long(2049)+`"}`), get, object, ""), "subject.properties.org: longer than 2048"},
	{"principals string", evaluation(props(`{"principals":"role/A"}`), get, object, ""), `subject.properties.principals: want a list of strings as in ["role/Admin", "saml/jean"], not a string`},
	{"principals element", evaluation(props(`{"principals":["role/A",7]}`), get, object, ""), "subject.properties.principals[1]: want a string"},
	{"principal without name", evaluation(props(`{"principals":["role/"]}`), get, object, ""), "subject.properties.principals[0]: want provider/name"},
	{"principal without provider", evaluation(props(`{"principals":["/x"]}`), get, object, ""), "subject.properties.principals[0]: want provider/name"},
	{"principal without slash", evaluation(props(`{"principals":["admin"]}`), get, object, ""), `want provider/name with both parts, as in "role/Admin", not "admin"`},
	{"principal's provider", evaluation(props(`{"principals":["ro le/x"]}`), get, object, ""), "subject.properties.principals[0]: a provider is 1 to 64"},
	{"principal's long provider", evaluation(props(`{"principals":["`+long(65)+`/x"]}`), get, object, ""), "subject.properties.principals[0]: a provider is 1 to 64"},
	{"principal's long name", evaluation(props(`{"principals":["role/`+long(2049)+`"]}`), get, object, ""), "subject.properties.principals[0]: longer than 2048"},
	{"group as principal", evaluation(props(`{"principals":["group/g"]}`), get, object, ""), "subject.properties.principals[0]: a group is no identifier of a caller; write its name into subject.properties.groups"},
	{"token as principal", evaluation(props(`{"principals":["token/t"]}`), get, object, ""), "subject.properties.principals[0]: a token is a caller of its own"},
	{"256 principals", evaluation(props(`{"principals":`+list(256, `"role/A"`)+`}`), get, object, ""), "subject.properties.principals: a caller has at most 256 identifiers"},
	{"groups object", evaluation(props(`{"groups":{}}`), get, object, ""), "subject.properties.groups: want a list of strings"},
	{"groups element", evaluation(props(`{"groups":[null]}`), get, object, ""), "subject.properties.groups[0]: want a string, not null"},
	{"1025 groups", evaluation(props(`{"groups":`+list(1025, `"g"`)+`}`), get, object, ""), "subject.properties.groups: at most 1024"},
	{"long group", evaluation(props(`{"groups":["`+long(8193)+`"]}`), get, object, ""), "subject.properties.groups[0]: longer than 8192"},
	{"claims list", evaluation(props(`{"claims":[]}`), get, object, ""), "subject.properties.claims: want an object of verified token claims, not a list"},
	{"too many claims", evaluation(props(`{"claims":`+members(5, members(205, "1"))+`}`), get, object, ""), "subject.properties.claims: more than 1024 elements"},
	{"long claim path", evaluation(props(`{"claims":{"`+long(2000)+`":{"`+long(60)+`":1}}}`), get, object, ""), "the path of a claim is longer than 2048"},
	{"folded subject properties", evaluation(props(`{"Level":1,"level":2}`), get, object, ""), `subject.properties.level: the same key as "Level"`},
	{"folded fields", evaluation(props(`{"org":"o1","Org":"o2"}`), get, object, ""), `subject.properties.Org: stands twice, spelled in different ASCII case; keep "org"`},
	{"token with groups", evaluation(`{"type":"token","id":"ci","properties":{"groups":["g"]}}`, get, object, ""), "subject.properties: a token has that identifier only"},
	{"token with claims", evaluation(`{"type":"token","id":"ci","properties":{"claims":{}}}`, get, object, ""), "subject.properties: a token has that identifier only"},
	{"token with principals", evaluation(`{"type":"token","id":"ci","properties":{"principals":["role/A"]}}`, get, object, ""), "subject.properties: a token has that identifier only"},

	{"no action name", evaluation(jean, "{}", object, ""), "action.name: missing"},
	{"empty action name", evaluation(jean, `{"name":""}`, object, ""), "action.name: missing"},
	{"object action name", evaluation(jean, `{"name":{}}`, object, ""), "action.name: want a string, not an object"},
	{"long action name", evaluation(jean, `{"name":"s3:`+long(2048)+`"}`, object, ""), "action.name: longer than 2048"},
	{"folded action properties", evaluation(jean, `{"name":"s3:GetObject","properties":{"soft":null,"SOFT":1}}`, object, ""), `action.properties.SOFT: the same key as "soft"`},
	{"number action properties", evaluation(jean, `{"name":"s3:GetObject","properties":1}`, object, ""), "action.properties: want an object"},

	{"no resource type", evaluation(jean, get, `{"id":"b/k"}`, ""), "resource.type: missing"},
	{"no resource id", evaluation(jean, get, `{"type":"object"}`, ""), "resource.id: missing"},
	{"empty resource type", evaluation(jean, get, `{"type":"","id":"b/k"}`, ""), "resource.type: missing"},
	{"empty resource id", evaluation(jean, get, `{"type":"object","id":""}`, ""), "resource.id: missing"},
	{"empty organization id", evaluation(jean, `{"name":"iam:x"}`, `{"type":"organization","id":""}`, ""), "resource.id: missing"},
	{"list resource id", evaluation(jean, get, `{"type":"object","id":["b/k"]}`, ""), "resource.id: want a string, not a list"},
	{"bad resource type", evaluation(jean, `{"name":"read"}`, `{"type":"ob:ject","id":"b/k"}`, ""), "resource.type: a type is"},
	{"long resource id", evaluation(jean, get, `{"type":"object","id":"b/`+long(2047)+`"}`, ""), "resource.id: longer than 2048"},
	{"bucket with slash", evaluation(jean, get, `{"type":"bucket","id":"b/k"}`, ""), "resource.id: a bucket's name has no `/`; for an object write"},
	{"object without slash", evaluation(jean, get, `{"type":"object","id":"b"}`, ""), `resource.id: an object's id is BUCKET/KEY with both parts, not "b"`},
	{"object without bucket", evaluation(jean, get, `{"type":"object","id":"/k"}`, ""), "resource.id: an object's id is BUCKET/KEY"},
	{"object without key", evaluation(jean, get, `{"type":"object","id":"b/"}`, ""), "resource.id: an object's id is BUCKET/KEY"},
	{"object of the whole organization", evaluation(jean, `{"name":"s3:ListAllMyBuckets"}`, object, ""), `resource.type: "s3:ListAllMyBuckets" is asked on the whole organization; write {"type": "organization", "id": "*"}`},
	{"bucket of cwobject", evaluation(jean, `{"name":"cwobject:ListBucketInfo"}`, `{"type":"bucket","id":"b"}`, ""), "is asked on the whole organization"},
	{"organization of GetObject", evaluation(jean, get, `{"type":"organization","id":"*"}`, ""), `resource.type: "s3:GetObject" is asked on a bucket or an object; write`},
	{"Bucket in upper case", evaluation(jean, get, `{"type":"Bucket","id":"b"}`, ""), "is asked on a bucket or an object"},
	{"resource org list", evaluation(jean, get, rprops(`{"org":[]}`), ""), "resource.properties.org: want a string"},
	{"resource org empty", evaluation(jean, get, rprops(`{"org":""}`), ""), "resource.properties.org: is empty"},
	{"resource uid number", evaluation(jean, get, rprops(`{"uid":1}`), ""), "resource.properties.uid: want a string"},
	{"tags list", evaluation(jean, get, rprops(`{"tags":["a"]}`), ""), "resource.properties.tags: want an object of strings"},
	{"tags number", evaluation(jean, get, rprops(`{"tags":{"env":1}}`), ""), "resource.properties.tags.env: want a string, not a number"},
	{"tags null", evaluation(jean, get, rprops(`{"tags":{"env":null}}`), ""), "resource.properties.tags.env: want a string, not null"},
	{"long tag", evaluation(jean, get, rprops(`{"tags":{"env":"`+long(8193)+`"}}`), ""), "resource.properties.tags.env: longer than 8192"},
	{"folded resource uid", evaluation(jean, get, rprops(`{"uid":"1","UID":"2"}`), ""), "stands twice"},
	{"folded resource properties", evaluation(jean, get, rprops(`{"status":"1","stAtus":"2"}`), ""), "the same key as"},

	{"empty context key", evaluation(jean, get, object, `{"":1}`), "context: a condition key is empty"},
	{"folded context", evaluation(jean, get, object, `{"s3:prefix":1,"S3:Prefix":2}`), `context.S3:Prefix: the same key as "s3:prefix", since keys fold ASCII case; keep one`},
	{"folded context, one null", evaluation(jean, get, object, `{"a":null,"A":2}`), `context.A: the same key as "a"`},
	{"long value", evaluation(jean, get, object, `{"k":"`+long(8193)+`"}`), "context.k: longer than 8192"},
	{"long value in a list", evaluation(jean, get, object, `{"k":["`+long(8193)+`"]}`), "context.k: longer than 8192"},
	{"long number", evaluation(jean, get, object, `{"k":1`+strings.Repeat("0", 8192)+`}`), "context.k: longer than 8192"},
	{"1025 values", evaluation(jean, get, object, `{"k":`+list(1025, "1")+`}`), "context.k: more than 1024 elements"},
	{"257 keys", evaluation(jean, get, object, members(257, "1")), "too many members in one object; the most is 256"},
	{"both times, different", evaluation(jean, get, object, `{"aws:CurrentTime":"2026-01-02T03:04:05Z","aws:EpochTime":1}`), "context.aws:EpochTime: not the same time as aws:CurrentTime"},
	{"both times, one unreadable", evaluation(jean, get, object, `{"aws:CurrentTime":"soon","aws:EpochTime":1}`), "not the same time"},
	{"both times, several", evaluation(jean, get, object, `{"aws:CurrentTime":"1970-01-01","aws:EpochTime":[0,0]}`), "not the same time"},
}

func TestBadRequests(t *testing.T) {
	var d Decoder
	for _, c := range refused {
		_, err := d.Evaluation([]byte(c.body), now)
		if err == nil {
			t.Errorf("%s: accepted", c.name)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q does not say %q", c.name, err, c.want)
		}
		if len(err.Error()) > 400 {
			t.Errorf("%s: a message of %d bytes", c.name, len(err.Error()))
		}
	}
	// The decoder is as good as new after an error.
	if _, err := d.Evaluation([]byte(typical), now); err != nil {
		t.Error(err)
	}
}

// TestServerKeys: no context key can be one that the server sets (1.7).
func TestServerKeys(t *testing.T) {
	var d Decoder
	for key, refuse := range map[string]bool{
		"cw:PrincipalOrgID": true, "CW:principalorgid": true, "cw:ResourceOrgID": true, "aws:PrincipalOrgID": true, "aws:ResourceOrgID": true,
		"AWS:RESOURCEORGID": true, "iam:o1:groups": true, "IAM:o1:Groups": true, "iam:a:b:groups": true, "oidc:o1:sub": true, "OIDC:o1:": true,
		"subject.x": true, "Subject.X": true, "resource.y": true, "action.z": true, "ACTION.": true, "subject.": true,
		"cw:PrincipalOrgIDs": false, "aws:PrincipalOrg": false, "iam:groups": false, "iam:o1:group": false, "oidc:o1": false, "subject": false,
		"subjects.x": false, "actions": false, "x.subject.y": false, "s3:prefix": false, "aws:SourceIp": false, "resource": false, "é": false,
		"\u017fubject.x": false,
	} {
		_, err := d.Evaluation([]byte(evaluation(jean, get, object, `{"`+key+`":"v"}`)), now)
		if (err != nil) != refuse {
			t.Errorf("%s: %v", key, err)
		}
		if err != nil && !strings.Contains(err.Error(), "postern sets this key itself") {
			t.Errorf("%s: %v", key, err)
		}
		r := policy.Request{Principal: policy.Principal{IDs: []string{"saml/jean"}}, Action: "read", Resource: policy.Resource{Type: "t", ID: "i"},
			Context: []policy.Attribute{attr(key, str("v"))}}
		if err := Check(&r); (err != nil) != refuse {
			t.Errorf("Check: %s: %v", key, err)
		}
	}
}

// TestTimeKeys: stating one time key sets both (1.7).
func TestTimeKeys(t *testing.T) {
	var d Decoder
	for _, c := range []struct {
		context string
		want    []policy.Attribute
	}{
		{`{"aws:CurrentTime":"2026-01-02T03:04:05.9Z"}`, []policy.Attribute{attr("aws:CurrentTime", str("2026-01-02T03:04:05.9Z")), attr("aws:EpochTime", num("1767323045"))}},
		{`{"AWS:currenttime":"1969-12-31T23:59:59.5Z","x":1}`, []policy.Attribute{attr("AWS:currenttime", str("1969-12-31T23:59:59.5Z")), attr("x", num("1")), attr("aws:EpochTime", num("-1"))}},
		{`{"aws:CurrentTime":1767323045}`, []policy.Attribute{attr("aws:CurrentTime", num("1767323045")), attr("aws:EpochTime", num("1767323045"))}},
		{`{"aws:EpochTime":["1767323045"]}`, []policy.Attribute{attr("aws:EpochTime", str("1767323045")), attr("aws:CurrentTime", str("2026-01-02T03:04:05Z"))}},
		{`{"aws:EpochTime":1.7e9}`, []policy.Attribute{attr("aws:EpochTime", num("1.7e9")), unreadable("aws:CurrentTime")}},
		{`{"aws:EpochTime":"2026-01-02"}`, []policy.Attribute{attr("aws:EpochTime", str("2026-01-02")), attr("aws:CurrentTime", str("2026-01-02"))}},
		{`{"aws:EpochTime":253402300800}`, []policy.Attribute{attr("aws:EpochTime", num("253402300800")), unreadable("aws:CurrentTime")}},
		{`{"aws:EpochTime":253402300799}`, []policy.Attribute{attr("aws:EpochTime", num("253402300799")), attr("aws:CurrentTime", str("9999-12-31T23:59:59Z"))}},
		{`{"aws:EpochTime":99999999999999999999}`, []policy.Attribute{attr("aws:EpochTime", num("99999999999999999999")), unreadable("aws:CurrentTime")}},
		{`{"aws:CurrentTime":"soon"}`, []policy.Attribute{attr("aws:CurrentTime", str("soon")), unreadable("aws:EpochTime")}},
		{`{"aws:CurrentTime":["2026-01-02","2026-01-02"]}`, []policy.Attribute{attr("aws:CurrentTime", str("2026-01-02"), str("2026-01-02")), unreadable("aws:EpochTime")}},
		{`{"aws:CurrentTime":{}}`, []policy.Attribute{unreadable("aws:CurrentTime"), unreadable("aws:EpochTime")}},
		{`{"aws:CurrentTime":"2026-01-02T05:04:05+02:00","aws:EpochTime":"1767323045"}`, []policy.Attribute{attr("aws:CurrentTime", str("2026-01-02T05:04:05+02:00")), attr("aws:EpochTime", str("1767323045"))}},
		{`{"aws:CurrentTime":[],"x":1,"aws:EpochTime":null}`, []policy.Attribute{attr("x", num("1"))}},
		{`{"aws:CurrentTime":[],"aws:EpochTime":[]}`, nil},
		{`{"aws:CurrentTime":[],"aws:EpochTime":5}`, []policy.Attribute{attr("aws:CurrentTime", str("1970-01-01T00:00:05Z")), attr("aws:EpochTime", num("5"))}},
		{`{"aws:CurrentTime":null,"aws:EpochTime":5}`, []policy.Attribute{attr("aws:EpochTime", num("5")), attr("aws:CurrentTime", str("1970-01-01T00:00:05Z"))}},
	} {
		r, err := d.Evaluation([]byte(evaluation(jean, get, object, c.context)), now)
		if err != nil {
			t.Errorf("%s: %v", c.context, err)
			continue
		}
		if !same(r.Context, c.want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.context, r.Context, c.want)
		}
	}
}

// TestAbsent: what is null is absent (3.1).
func TestAbsent(t *testing.T) {
	var d Decoder
	nulls := `{"type":"saml","id":"jean","properties":{"org":null,"principals":null,"groups":null,"claims":null,"x":null}}`
	for _, body := range []string{
		evaluation(`{"type":"saml","id":"jean","properties":null}`, `{"name":"s3:GetObject","properties":null}`, rprops("null"), "null"),
		evaluation(nulls, get, rprops(`{"org":null,"tags":null,"uid":null,"y":null}`), "{}"),
	} {
		r, err := d.Evaluation([]byte(body), now)
		want := &policy.Request{Principal: policy.Principal{IDs: []string{"saml/jean"}}, Action: "s3:GetObject",
			Resource: policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: "b/k"}, Now: now}
		if err != nil || !same(r, want) {
			t.Errorf("%s: %+v, %v", body, r, err)
		}
	}
	r, err := d.Evaluation([]byte(evaluation(props(`{"x":null,"claims":{"a":null,"b":1},"y":2}`), get, object, `{"z":3}`)), now)
	if err != nil || !same(r.Principal.Properties, []policy.Attribute{attr("y", num("2"))}) || !same(r.Principal.Claims, []policy.Attribute{attr("b", num("1"))}) || len(r.Context) != 1 {
		t.Errorf("nulls beside claims with nulls: %+v, %v", r, err)
	}
	r, err = d.Evaluation([]byte(evaluation(props(`{"x":1,"claims":{"a":null,"b":1},"y":null}`), get, object, "")), now)
	if err != nil || !same(r.Principal.Properties, []policy.Attribute{attr("x", num("1"))}) || !same(r.Principal.Claims, []policy.Attribute{attr("b", num("1"))}) {
		t.Errorf("nulls behind claims with nulls: %+v, %v", r, err)
	}
	if r, err := d.Evaluation([]byte(evaluation(jean, get, rprops(`{"tags":{}}`), "")), now); err != nil || !r.Resource.TagsKnown {
		t.Errorf("empty tags: %+v, %v", r, err)
	}
}

// TestTokenIsHandedOn: whether a token is anybody is for the index to tell
// (specification 2).
func TestTokenIsHandedOn(t *testing.T) {
	want := []string{"token/ci"}
	var d Decoder
	r, err := d.Evaluation([]byte(evaluation(`{"type":"token","id":"ci","properties":{"org":"o1","groups":[]}}`, get, object, "")), now)
	if err != nil || !slices.Equal(r.Principal.IDs, want) {
		t.Errorf("%+v, %v", r, err)
	}
	q := policy.Request{Principal: policy.Principal{Org: "o1", IDs: []string{"token/ci"}}, Action: "read", Resource: policy.Resource{Type: "t", ID: "i"}}
	if err := Check(&q); err != nil || !slices.Equal(q.Principal.IDs, want) {
		t.Errorf("%+v, %v", q, err)
	}
}

// TestBounds: what just keeps to the bounds is accepted (3.2).
func TestBounds(t *testing.T) {
	var d Decoder
	for name, body := range map[string]string{
		"256 identifiers": evaluation(props(`{"principals":`+list(255, `"role/A"`)+`}`), get, object, ""),
		"1024 groups":     evaluation(props(`{"groups":`+list(1024, `"g"`)+`}`), get, object, ""),
		"256 keys":        evaluation(jean, get, object, members(256, "1")),
		"1024 values":     evaluation(jean, get, object, `{"k":`+list(1024, "1")+`}`),
		"long value":      evaluation(jean, get, object, `{"k":"`+long(8192)+`"}`),
		"long unescaped":  evaluation(jean, get, object, `{"k":"`+strings.Repeat(`\u0061`, 8192)+`"}`),
		"long ids":        evaluation(`{"type":"`+long(64)+`","id":"`+long(2048)+`"}`, get, `{"type":"object","id":"b/`+long(2046)+`"}`, ""),
		"depth 32":        `{"x":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + "," + evaluation(jean, get, object, "")[1:],
		"unknown lists":   `{"x":` + list(5000, "1") + `,"y":"` + long(20000) + `",` + evaluation(jean, get, object, "")[1:],
	} {
		if _, err := d.Evaluation([]byte(body), now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestManyFoldedKeys: the search for equal keys finds them among many, and
// only them.
func TestManyFoldedKeys(t *testing.T) {
	for n := 2; n <= MaxMembers; n += 7 {
		var list []policy.Attribute
		for i := range n {
			list = append(list, attr(fmt.Sprintf("some:Key%03d", i)))
		}
		if f := checkFolded("context", list); f.found() {
			t.Fatalf("%d keys: %v", n, f)
		}
		for i := range n {
			was := list[i].Key
			list[i].Key = strings.ToUpper(list[(i+1)%n].Key)
			if f := checkFolded("context", list); !f.found() {
				t.Fatalf("%d keys: %s is not found", n, list[i].Key)
			}
			list[i].Key = was
		}
	}
	for _, pair := range [][2]string{{"k", "K"}, {"ab", "aB"}, {"abc", "AbC"}, {"abcd", "ABCD"}, {"abcdefg", "abcDefg"}, {"abcdefgh", "abcdefgH"},
		{strings.Repeat("long", 9), strings.Repeat("LONG", 9)}} {
		if foldTag(pair[0]) != foldTag(pair[1]) || !checkFolded("", []policy.Attribute{attr(pair[0]), attr(pair[1])}).found() {
			t.Errorf("%s and %s are not found equal", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"@", "`"}, {"a@cdefgh", "a`cdefgh"}, {"é", "É"}, {"k", "\u212a"}} {
		if f := checkFolded("", []policy.Attribute{attr(pair[0]), attr(pair[1])}); f.found() {
			t.Errorf("%s and %s are found equal", pair[0], pair[1])
		}
	}
}

func TestPropertiesNeverKeys(t *testing.T) {
	var d Decoder
	names := []string{"type", "id", "org", "principals", "groups", "claims", "tags", "Type", "ID", "GROUPS"}
	for _, name := range names {
		p := `{"` + name + `":null,"x":"y"}`
		if name != "org" && name != "principals" && name != "groups" && name != "claims" && name != "tags" {
			p = `{"` + name + `":"v","x":"y"}`
		}
		r, err := d.Evaluation([]byte(evaluation(props(p), `{"name":"s3:GetObject","properties":`+p+`}`, rprops(p), "")), now)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := []policy.Attribute{attr("x", str("y"))}
		if !reflect.DeepEqual(r.Principal.Properties, want) || !reflect.DeepEqual(r.ActionProperties, want) || !reflect.DeepEqual(r.Resource.Properties, want) {
			t.Errorf("%s: %+v", name, r)
		}
	}
	r, err := d.Evaluation([]byte(evaluation(props(`{"tags":["t"],"uid":"u"}`), `{"name":"s3:GetObject","properties":{"org":1,"uid":2,"groups":{}}}`, rprops(`{"principals":5}`), "")), now)
	if err != nil || len(r.Principal.Properties) != 1 || len(r.ActionProperties) != 1 || len(r.Resource.Properties) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
