package request

import (
	"fmt"
	"strings"
	"testing"

	"postern/policy"
)

// recorder is a Visitor that allows what names an action with "Get".
type recorder struct {
	items    []string
	restarts int
	ahead    []*policy.Request // what Ahead was told, since the start
	untimely int               // items that were not told of Ahead calls before
}

func (v *recorder) Restart() { v.items, v.ahead, v.restarts = nil, nil, v.restarts+1 }

func (v *recorder) Ahead(r *policy.Request) { v.ahead = append(v.ahead, r) }

func (v *recorder) Item(r *policy.Request, err error) bool {
	if at := len(v.items); len(v.ahead) != at+1+Ahead || v.ahead[at] != r {
		v.untimely++
	}
	if err != nil {
		v.items = append(v.items, err.Error())
		return false
	}
	ids := strings.Join(r.Principal.IDs, "+")
	v.items = append(v.items, fmt.Sprintf("%s %s %s %d", ids, r.Action, r.Resource.ID, len(r.Context)))
	return strings.Contains(r.Action, "Get")
}

const (
	maxi  = `{"type":"saml","id":"max"}`
	write = `{"name":"s3:PutObject"}`
	other = `{"type":"object","id":"b/other"}`
)

func TestBatch(t *testing.T) {
	var d Decoder
	defaults := `"subject":` + jean + `,"action":` + get + `,"resource":` + object + `,"context":{"a":1,"b":2}`
	for _, c := range []struct {
		name, body string
		want       []string
		semantic   Semantic
		restarts   int
	}{
		{"defaults", `{` + defaults + `,"evaluations":[{},{"action":` + write + `},{"subject":` + maxi + `,"resource":` + other + `},{"context":{"c":3}},{"context":null},{"context":{}}]}`,
			[]string{"saml/jean s3:GetObject b/k 2", "saml/jean s3:PutObject b/k 2", "saml/max s3:GetObject b/other 2", "saml/jean s3:GetObject b/k 1",
				"saml/jean s3:GetObject b/k 2", "saml/jean s3:GetObject b/k 0"}, ExecuteAll, 0},
		{"no defaults", `{"evaluations":[` + evaluation(jean, get, object, "") + `,` + evaluation(maxi, write, other, `{"x":1}`) + `]}`,
			[]string{"saml/jean s3:GetObject b/k 0", "saml/max s3:PutObject b/other 1"}, ExecuteAll, 0},
		{"defaults behind", `{"evaluations":[{},{"action":` + write + `}],` + defaults + `}`,
			[]string{"saml/jean s3:GetObject b/k 2", "saml/jean s3:PutObject b/k 2"}, ExecuteAll, 1},
		{"some defaults behind", `{"subject":` + maxi + `,"evaluations":[{},{"action":` + write + `,"context":{}}],"resource":` + object + `,"action":` + get + `}`,
			[]string{"saml/max s3:GetObject b/k 0", "saml/max s3:PutObject b/k 0"}, ExecuteAll, 1},
		{"context behind whole items", `{"evaluations":[` + evaluation(jean, get, object, "") + `,` + evaluation(maxi, write, other, `{}`) + `],"context":{"x":1,"y":2}}`,
			[]string{"saml/jean s3:GetObject b/k 2", "saml/max s3:PutObject b/other 0"}, ExecuteAll, 1},
		{"whole replacement", `{"subject":{"type":"saml","id":"jean","properties":{"org":"o1","principals":["role/A"],"x":1}},"action":` + get + `,"resource":` + object +
			`,"evaluations":[{"subject":` + maxi + `},{}]}`,
			[]string{"saml/max s3:GetObject b/k 0", "saml/jean+role/A s3:GetObject b/k 0"}, ExecuteAll, 0},
		{"errors of items", `{` + defaults + `,"evaluations":[{"action":{}},{},{"resource":{"type":"bucket","id":"a/b"}},5,{"subject":null},{"action":{"name":"s3:ListAllMyBuckets"}},` +
			`{"context":{"aws:CurrentTime":"x","aws:EpochTime":1}},{"context":{"cw:PrincipalOrgID":"o"}},{"subject":{"type":"saml","id":"x","properties":{"principals":["group/a"]}}},{"context":[]}]}`,
			[]string{"evaluations[0].action.name: missing; write the action, as in \"s3:GetObject\"", "saml/jean s3:GetObject b/k 2",
				"evaluations[2].resource.id: a bucket's name has no `/`; for an object write the type \"object\" and the id BUCKET/KEY",
				"evaluations[3]: want an object, not a number", `evaluations[4].subject: want an object as in {"type": "role", "id": "Admin"}, not null`,
				`evaluations[5].resource.type: "s3:ListAllMyBuckets" is asked on the whole organization; write {"type": "organization", "id": "*"}`,
				"evaluations[6].context.aws:EpochTime: not the same time as aws:CurrentTime; state one of the two, and the other follows from it",
				"evaluations[7].context.cw:PrincipalOrgID: postern sets this key itself, from the request's subject, action and resource; remove it from the context",
				"evaluations[8].subject.properties.principals[0]: a group is no identifier of a caller; write its name into subject.properties.groups",
				"evaluations[9].context: want an object, not a list"}, ExecuteAll, 0},
		{"items that lack something", `{"subject":` + jean + `,"evaluations":[{},{"action":` + get + `},{"action":` + get + `,"resource":` + object + `}]}`,
			[]string{`evaluations[0].action: missing; write the action, as in {"name": "s3:GetObject"}`, "evaluations[1].resource: " + missingResource, "saml/jean s3:GetObject b/k 0"}, ExecuteAll, 1},
		{"deny on first deny", `{"options":{"evaluations_semantic":"deny_on_first_deny"},` + defaults + `,"evaluations":[{},{"action":` + write + `},{}]}`,
			[]string{"saml/jean s3:GetObject b/k 2", "saml/jean s3:PutObject b/k 2"}, DenyOnFirstDeny, 0},
		{"an error is a deny", `{"options":{"evaluations_semantic":"deny_on_first_deny"},` + defaults + `,"evaluations":[{},{"action":5},{}]}`,
			[]string{"saml/jean s3:GetObject b/k 2", `evaluations[1].action: want an object as in {"name": "s3:GetObject"}, not a number`}, DenyOnFirstDeny, 0},
		{"permit on first permit", `{"options":{"x":{},"evaluations_semantic":"permit_on_first_permit"},` + defaults + `,"evaluations":[{"action":` + write + `},{"action":` + write + `},{},{}]}`,
			[]string{"saml/jean s3:PutObject b/k 2", "saml/jean s3:PutObject b/k 2", "saml/jean s3:GetObject b/k 2"}, PermitOnFirstPermit, 0},
		{"semantic behind", `{` + defaults + `,"evaluations":[{"action":` + write + `},{}],"options":{"evaluations_semantic":"deny_on_first_deny"}}`,
			[]string{"saml/jean s3:PutObject b/k 2", "saml/jean s3:GetObject b/k 2"}, DenyOnFirstDeny, 0},
		{"semantic behind, defaults behind that", `{"evaluations":[{"action":` + write + `},{}],"options":{"evaluations_semantic":"deny_on_first_deny"},` + defaults + `}`,
			[]string{"saml/jean s3:PutObject b/k 2"}, DenyOnFirstDeny, 1},
		{"execute all", `{` + defaults + `,"evaluations":[{}],"options":{"evaluations_semantic":"execute_all"}}`, []string{"saml/jean s3:GetObject b/k 2"}, ExecuteAll, 0},
	} {
		var v recorder
		single, semantic, err := d.Evaluations([]byte(c.body), now, &v)
		if err != nil || single != nil || semantic != c.semantic {
			t.Errorf("%s: %v, %v, %v", c.name, single, semantic, err)
			continue
		}
		if v.untimely > 0 {
			t.Errorf("%s: of %d items Ahead was not told in time", c.name, v.untimely)
		}
		if strings.Join(v.items, "\n") != strings.Join(c.want, "\n") || v.restarts != c.restarts {
			t.Errorf("%s: %d restarts\ngot\n%s\nwant\n%s", c.name, v.restarts, strings.Join(v.items, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// TestBatchOfNothing: without items a batch is a single evaluation.
func TestBatchOfNothing(t *testing.T) {
	var d Decoder
	whole := evaluation(jean, get, object, "")
	for _, body := range []string{whole, `{"evaluations":[],` + whole[1:], whole[:len(whole)-1] + `,"evaluations":[],"options":{"evaluations_semantic":"deny_on_first_deny"}}`} {
		var v recorder
		r, _, err := d.Evaluations([]byte(body), now, &v)
		if err != nil || r == nil || r.Resource.ID != "b/k" || len(v.items) != 0 {
			t.Errorf("%s: %+v, %v, %v", body, r, err, v.items)
		}
	}
	for _, c := range refused {
		var v recorder
		_, _, err := d.Evaluations([]byte(c.body), now, &v)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestBadBatches: what is wrong at the top of a batch, malformed anywhere, or
// passes a bound anywhere, refuses the whole body.
func TestBadBatches(t *testing.T) {
	var d Decoder
	good := evaluation(jean, get, object, "")
	for _, c := range []struct{ name, body, want string }{
		{"object", `{"evaluations":{}}`, "evaluations: want a list of evaluations, not an object"},
		{"null", `{"evaluations":null,` + good[1:], "evaluations: want a list of evaluations, not null"},
		{"options null", `{"options":null,"evaluations":[` + good + `]}`, "options: want an object as in"},
		{"semantic", `{"options":{"evaluations_semantic":"first"},"evaluations":[` + good + `]}`, `options.evaluations_semantic: write execute_all, deny_on_first_deny or permit_on_first_permit, not "first"`},
		{"semantic empty", `{"evaluations":[` + good + `],"options":{"evaluations_semantic":""}}`, "options.evaluations_semantic: write execute_all"},
		{"semantic number", `{"options":{"evaluations_semantic":1},"evaluations":[` + good + `]}`, "options.evaluations_semantic: want a string"},
		{"unknown semantic without items", `{"options":{"evaluations_semantic":"first"},` + good[1:], "options.evaluations_semantic: write execute_all"},
		{"subject", `{"subject":5,"evaluations":[` + good + `]}`, "subject: want an object as in"},
		{"null subject", `{"subject":null,"evaluations":[` + good + `]}`, "subject: want an object as in"},
		{"subject without id", `{"subject":{"type":"saml"},"evaluations":[` + good + `]}`, "subject.id: missing"},
		{"context", `{"evaluations":[` + good + `],"context":{"cw:PrincipalOrgID":"o"}}`, "context.cw:PrincipalOrgID: postern sets"},
		{"1001 items", `{"evaluations":` + list(1001, "{}") + `,` + good[1:], "evaluations: more than 1000 evaluations; send several batches"},
		{"duplicate key in an item", `{"evaluations":[` + good + `,{"action":1,"action":2}]}`, `"action": this key stands twice`},
		{"malformed item", `{"evaluations":[` + good + `,{"action":}]}`, "no JSON value"},
		{"malformed behind", `{"evaluations":[` + good + `],}`, "remove the comma"},
		{"id of an item", `{"evaluations":[` + good + `,` + evaluation(`{"type":"saml","id":"`+long(2049)+`"}`, get, object, "") + `]}`, "evaluations[1].subject.id: longer than 2048"},
		{"value of an item", `{"evaluations":[` + good + `,` + evaluation(jean, get, object, `{"k":"`+long(8193)+`"}`) + `]}`, "evaluations[1].context.k: longer than 8192"},
		{"identifiers of an item", `{"evaluations":[` + evaluation(props(`{"principals":`+list(256, `"role/A"`)+`}`), get, object, "") + `]}`, "evaluations[0].subject.properties.principals: a caller has at most 256"},
		{"bound behind the deciding item", `{"options":{"evaluations_semantic":"permit_on_first_permit"},"evaluations":[` + good + `,{"resource":{"type":"object","id":"b/` + long(2047) + `"}}]}`,
			"evaluations[1].resource.id: longer than 2048"},
		{"depth in an item", `{"evaluations":[{"x":` + strings.Repeat("[", 30) + strings.Repeat("]", 30) + `}]}`, "nested too deeply"},
		{"trailing", `{"evaluations":[` + good + `]} x`, "something follows"},
	} {
		var v recorder
		r, _, err := d.Evaluations([]byte(c.body), now, &v)
		if err == nil || r != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	var v recorder
	if _, _, err := d.Evaluations([]byte(`{"evaluations":`+list(1000, "{}")+`,`+good[1:]), now, &v); err != nil || len(v.items) != 1000 || v.restarts != 1 {
		t.Errorf("1000 items: %d, %v", len(v.items), err)
	}
}

// TestItemsDoNotDisturbDefaults: an item that replaces a subject leaves the
// default's strings and lists alone, also where both hold escapes.
func TestItemsDoNotDisturbDefaults(t *testing.T) {
	var d Decoder
	body := `{"subject":{"type":"saml","id":"j\u0065an","properties":{"principals":["role/\u0041"],"k":["v\u0031",2]}},"action":{"name":"s3:\u0047etObject"},` +
		`"resource":{"type":"object","id":"b/\u006b"},"evaluations":[{},{"subject":{"type":"s\u0061ml","id":"m\u0061x","properties":{"principals":["role/\u0042","role/\u0043"],"k":["w\u0031",3,4]}},` +
		`"resource":{"type":"object","id":"b/\u0078"}},{}]}`
	var v recorder
	if _, _, err := d.Evaluations([]byte(body), now, &v); err != nil {
		t.Fatal(err)
	}
	want := "saml/jean+role/A s3:GetObject b/k 0|saml/max+role/B+role/C s3:GetObject b/x 0|saml/jean+role/A s3:GetObject b/k 0"
	if got := strings.Join(v.items, "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
