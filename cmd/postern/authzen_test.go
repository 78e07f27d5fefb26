package main

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// The scenario of specification 6 over HTTP, on the real binary and
// examples/authzen. Names of tests are those of the scenario's sections.

const (
	authzenDir = root + "/examples/authzen"
	publicURL  = "https://pdp.example.com"

	alice   = `{"type":"user","id":"alice"}`
	bob     = `{"type":"user","id":"bob"}`
	admin   = `{"type":"user","id":"bob","properties":{"role":"admin"}}`
	record1 = `{"type":"record","id":"record-1"}`
	record2 = `{"type":"record","id":"record-2"}`

	archived = `{"type":"record","id":"record-2","properties":{"status":"archived"}}`
	reading  = `{"name":"read"}`
	writing  = `{"name":"write"}`
	when     = `{"time":"2025-06-27T18:03-07:00","ip":"192.168.1.1"}`
)

// body is an object of the members that are not empty.
func body(subject, action, resource string, more ...string) string {
	var members []string
	for i, name := range []string{"subject", "action", "resource"} {
		if value := []string{subject, action, resource}[i]; value != "" {
			members = append(members, `"`+name+`":`+value)
		}
	}
	return "{" + strings.Join(append(members, more...), ",") + "}"
}

// serveAuthZEN serves the fixture as page 6 says: its requests state no
// organization.
func serveAuthZEN(t *testing.T) *server {
	return start(t, "serve", "-policies", authzenDir, "-default-org", "acme", "-public-url", publicURL)
}

// send sends a request, as JSON unless contentType says otherwise.
func (s *server) send(method, path, contentType, requestID, body string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequest(method, "http://"+s.address+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if requestID != "" {
		r.Header.Set("X-Request-ID", requestID)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer
}

// object posts a body and returns the object of a 200, nil for anything else.
func (s *server) object(path, body string) (code int, object map[string]json.RawMessage, text string) {
	s.t.Helper()
	r := s.send("POST", path, "application/json", "", body)
	kind := r.Header.Get("Content-Type")
	code, text = read(s.t, r)
	if code != 200 {
		return code, nil, text
	}
	if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil || !strings.HasPrefix(kind, "application/json") {
		s.t.Errorf("%s is 200 with %q of type %q", body, text, kind)
	}
	return code, object, text
}

// decision reads an answer of one evaluation: `decision` is a boolean, and a
// `context` is an object.
func decision(t *testing.T, raw json.RawMessage) (decision bool, context map[string]json.RawMessage) {
	t.Helper()
	var a struct {
		Decision *bool
		Context  json.RawMessage
	}
	if err := json.Unmarshal(raw, &a); err != nil || a.Decision == nil {
		t.Fatalf("%s has no decision that is true or false", raw)
	}
	if a.Context != nil {
		if err := json.Unmarshal(a.Context, &context); err != nil || context == nil {
			t.Fatalf("the context of %s is no object", raw)
		}
	}
	return *a.Decision, context
}

const (
	evaluation  = "/access/v1/evaluation"
	evaluations = "/access/v1/evaluations"
)

func TestAuthZENBasic(t *testing.T) {
	s := serveAuthZEN(t)
	for _, c := range []struct {
		name, body string
		want       bool
	}{
		// The eight decisions of the fixture.
		{"rule 1", body(alice, reading, record1), true},
		{"rule 2", body(alice, writing, record1), true},
		{"rule 3", body(bob, reading, record1), true},
		{"rule 4", body(bob, writing, record1), false},
		{"rule 5", body(alice, writing, archived), false},
		{"rule 5, another id", body(alice, writing, `{"type":"record","id":"record-1","properties":{"status":"archived"}}`), false},
		{"rule 5, an unknown id", body(alice, writing, `{"type":"record","id":"other","properties":{"status":"archived"}}`), false},
		{"rule 6", body(admin, writing, archived), true},
		{"rule 6, another subject", body(`{"type":"user","id":"alice","properties":{"role":"admin"}}`, writing, archived), true},
		{"rule 6, another record", body(admin, writing, `{"type":"record","id":"record-1","properties":{"status":"archived"}}`), true},
		{"rule 7", body(alice, `{"name":"delete","properties":{"soft":true}}`, record1), true},
		{"rule 8", body(alice, `{"name":"delete","properties":{"soft":false}}`, record1), false},
		// What is sent wins over what the fixture holds.
		{"sent status wins", body(alice, writing, `{"type":"record","id":"record-2","properties":{"status":"active"}}`), true},
		{"sent role wins", body(`{"type":"user","id":"bob","properties":{"role":"reader"}}`, writing, record2), false},
		{"the fixture's role and status", body(bob, writing, record2), true},
		{"the fixture's status", body(alice, writing, record2), false},
		{"no soft at all", body(alice, `{"name":"delete"}`, record1), false},
		{"nobody", body(`{"type":"user","id":"mallory"}`, reading, record1), false},
		// Accepted, and without effect.
		{"context", body(alice, reading, record1, `"context":`+when), true},
		{"context does not allow", body(bob, writing, record1, `"context":`+when), false},
		{"context is no property", body(bob, writing, record1, `"context":{"role":"admin","status":"archived"}`), false},
		{"additional properties", body(`{"type":"user","id":"alice","properties":{"department":"Sales","role":"manager","deep":{"a":[{"b":1}]}}}`,
			`{"name":"read","properties":{"method":"GET"}}`, `{"type":"record","id":"record-1","properties":{"status":"active","owner":"bob"}}`), true},
		{"unknown fields", body(`{"type":"user","id":"alice","x":1}`, `{"name":"read","x":[]}`, `{"type":"record","id":"record-1","x":null}`, `"foo":"bar"`, `"futureField":{"nested":true}`), true},
	} {
		for range 3 { // idempotency
			code, _, text := s.object(evaluation, c.body)
			if code != 200 {
				t.Errorf("%s: %d %s", c.name, code, text)
			} else if got, _ := decision(t, json.RawMessage(text)); got != c.want {
				t.Errorf("%s: %s, want %t\n%s", c.name, text, c.want, c.body)
			}
		}
	}
	for name, body := range map[string]string{
		"no subject":           body("", reading, record1),
		"no action":            body(alice, "", record1),
		"no resource":          body(alice, reading, ""),
		"subject is null":      body("null", reading, record1),
		"action is null":       body(alice, "null", record1),
		"resource is null":     body(alice, reading, "null"),
		"subject is text":      body(`"alice"`, reading, record1),
		"action is a list":     body(alice, "[]", record1),
		"resource is text":     body(alice, reading, `"record-1"`),
		"no subject.type":      body(`{"id":"alice"}`, reading, record1),
		"no subject.id":        body(`{"type":"user"}`, reading, record1),
		"no action.name":       body(alice, `{}`, record1),
		"no resource.type":     body(alice, reading, `{"id":"record-1"}`),
		"no resource.id":       body(alice, reading, `{"type":"record"}`),
		"action.name a number": body(alice, `{"name":123}`, record1),
		// A context key of a form that the server sets (specification 1.7).
		"a property in context": body(admin, writing, archived, `"context":{"subject.role":"admin"}`),
		"malformed":             `{"subject":`,
		"empty":                 "",
	} {
		if code, _, text := s.object(evaluation, body); code != 400 || strings.Contains(text, "decision") {
			t.Errorf("%s: %d %s, want 400 without a decision", name, code, text)
		}
	}
	request := body(alice, reading, record1)
	for contentType, want := range map[string]int{
		"application/json": 200, "application/json; charset=utf-8": 200,
		"text/plain": 400, "application/xml": 400, "application/x-www-form-urlencoded": 400, "": 400,
	} {
		if code, text := read(t, s.send("POST", evaluation, contentType, "", request)); code != want {
			t.Errorf("Content-Type %q: %d %s, want %d", contentType, code, text, want)
		}
	}
	for _, path := range []string{evaluation, evaluations, "/access/v1/search/subject", "/.well-known/authzen-configuration"} {
		method, text := "POST", request
		if strings.HasPrefix(path, "/.") {
			method, text = "GET", ""
		}
		r := s.send(method, path, "application/json", "id-1/ä", text)
		if got := r.Header.Get("X-Request-ID"); r.StatusCode != 200 || got != "id-1/ä" {
			t.Errorf("%s: %d, X-Request-ID %q", path, r.StatusCode, got)
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
}

func TestAuthZENBatch(t *testing.T) {
	s := serveAuthZEN(t)
	items := func(list ...string) string { return `"evaluations":[` + strings.Join(list, ",") + `]` }
	res := func(resource string) string { return `{"resource":` + resource + `}` }
	options := func(semantic string) string { return `"options":{"evaluations_semantic":"` + semantic + `"}` }
	for _, c := range []struct {
		name, body, want string // + for true, - for false, ! for an item's error
	}{
		{"resources", body(alice, reading, "", items(res(record1), res(record2))), "++"},
		{"ordered", body(bob, "", record1, items(`{"action":`+reading+`}`, `{"action":`+writing+`}`)), "+-"},
		{"properties", body(alice, writing, "", items(res(`{"type":"record","id":"record-1","properties":{"status":"active"}}`), res(archived))), "+-"},
		{"subject's properties", body("", writing, archived, items(`{"subject":`+alice+`}`, `{"subject":`+admin+`}`)), "-+"},
		{"no defaults", body("", "", "", items(body(alice, reading, record1), body(bob, writing, record1))), "+-"},
		{"context", body(alice, reading, "", `"context":`+when, items(res(record1), `{"resource":`+record2+`,"context":{"source":"batch-override"}}`)), "++"},
		// An entity that an item gives replaces the whole one at the top: what
		// that says beside the id is gone, its type too.
		{"no merging", body(alice, writing, archived, items(res(record1), `{}`, res(`{"type":"record","id":"record-1","properties":{}}`))), "+-+"},
		{"an item without resource", body(alice, reading, "", items(res(record1), `{}`)), "+!"},
		{"an item that is wrong", body(alice, reading, record1, items(`{"subject":"alice"}`, `{}`, `{"action":{"name":7}}`, `null`)), "!+!!"},
		{"execute_all", body(alice, "", record1, items(`{"action":`+reading+`}`, `{"action":{"name":"x"}}`, `{"action":`+writing+`}`), options("execute_all")), "+-+"},
		{"deny_on_first_deny", body(alice, "", record1, items(`{"action":`+reading+`}`, `{"action":{"name":"x"}}`, `{"action":`+writing+`}`), options("deny_on_first_deny")), "+-"},
		{"permit_on_first_permit", body(alice, "", record1, items(`{"action":{"name":"x"}}`, `{"action":`+reading+`}`, `{"action":`+writing+`}`), options("permit_on_first_permit")), "-+"},
		{"all permitted", body(alice, "", record1, items(`{"action":`+reading+`}`, `{"action":`+writing+`}`), options("deny_on_first_deny")), "++"},
	} {
		code, object, text := s.object(evaluations, c.body)
		var list []json.RawMessage
		if code == 200 {
			if err := json.Unmarshal(object["evaluations"], &list); err != nil {
				t.Errorf("%s: %s: %v", c.name, text, err)
			}
		}
		got := ""
		for _, item := range list {
			allowed, context := decision(t, item)
			switch _, wrong := context["error"]; {
			case wrong && !allowed:
				got += "!"
			case allowed:
				got += "+"
			default:
				got += "-"
			}
		}
		if code != 200 || got != c.want {
			t.Errorf("%s: %d %s is %q, want %q\n%s", c.name, code, text, got, c.want, c.body)
		}
		if _, both := object["decision"]; both {
			t.Errorf("%s: a decision beside evaluations: %s", c.name, text)
		}
	}
	// Without evaluations it is a single evaluation.
	for body, want := range map[string]bool{
		body(alice, reading, record1):                     true,
		body(alice, reading, record1, `"evaluations":[]`): true,
		body(bob, writing, record1, `"evaluations":[]`):   false,
	} {
		code, object, text := s.object(evaluations, body)
		if code != 200 || object["evaluations"] != nil {
			t.Fatalf("%s: %d %s", body, code, text)
		}
		if got, _ := decision(t, json.RawMessage(text)); got != want {
			t.Errorf("%s: %s", body, text)
		}
	}
	for name, body := range map[string]string{
		"an unknown semantic": body(alice, reading, record1, items(`{}`), options("first_come")),
		"malformed":           `{"evaluations":[}`,
		"empty":               "",
		"evaluations no list": body(alice, reading, record1, `"evaluations":{}`),
		// A default that is not whole is wrong at the top level (specification
		// 3.2). A draft of the scenario, advisory, has items complete it.
		"half a default":      body(alice, writing, `{"type":"record"}`, items(res(`{"id":"record-1"}`), res(archived))),
		"nothing to evaluate": `{}`,
		"single, no resource": body(alice, reading, "", `"evaluations":[]`),
	} {
		if code, _, text := s.object(evaluations, body); code != 400 || strings.Contains(text, "decision") {
			t.Errorf("%s: %d %s, want 400", name, code, text)
		}
	}
}

func TestAuthZENDiscovery(t *testing.T) {
	s := serveAuthZEN(t)
	r := s.send("GET", "/.well-known/authzen-configuration", "", "", "")
	kind := r.Header.Get("Content-Type")
	code, text := read(t, r)
	var got map[string]string
	if err := json.Unmarshal([]byte(text), &got); err != nil || code != 200 || !strings.HasPrefix(kind, "application/json") {
		t.Fatalf("%d %s of type %q: %v", code, text, kind, err)
	}
	want := map[string]string{
		"policy_decision_point":       publicURL,
		"access_evaluation_endpoint":  publicURL + evaluation,
		"access_evaluations_endpoint": publicURL + evaluations,
		"search_subject_endpoint":     publicURL + "/access/v1/search/subject",
		"search_resource_endpoint":    publicURL + "/access/v1/search/resource",
		"search_action_endpoint":      publicURL + "/access/v1/search/action",
	}
	for name, url := range want {
		if got[name] != url {
			t.Errorf("%s is %q, want %q", name, got[name], url)
		}
		delete(got, name)
	}
	if len(got) != 0 {
		t.Errorf("more than the specification asks for: %v", got)
	}
}

// results reads the answer of a search: type/id or name of each result.
func results(t *testing.T, object map[string]json.RawMessage) (names []string) {
	t.Helper()
	var list []map[string]string
	if err := json.Unmarshal(object["results"], &list); err != nil || list == nil {
		t.Fatalf("results: %s: %v", object["results"], err)
	}
	for _, r := range list {
		name := r["name"]
		if r["type"] != "" {
			name = r["type"] + "/" + r["id"]
		}
		if want := map[bool]int{true: 1, false: 2}[r["name"] != ""]; len(r) != want || name == "" {
			t.Errorf("a result is %v", r)
		}
		if slices.Contains(names, name) {
			t.Errorf("%s stands twice", name)
		}
		names = append(names, name)
	}
	return names
}

func TestAuthZENSearch(t *testing.T) {
	s := serveAuthZEN(t)
	const subjects, resources, actions = "/access/v1/search/subject", "/access/v1/search/resource", "/access/v1/search/action"
	const users, records = `{"type":"user"}`, `{"type":"record"}`
	for _, c := range []struct {
		name, path, body string
		want             []string // in order; page 6 asks for at least these
	}{
		{"subjects", subjects, body(users, reading, record1), []string{"user/alice", "user/bob"}},
		{"subjects, context", subjects, body(users, reading, record1, `"context":`+when), []string{"user/alice", "user/bob"}},
		{"subjects, an id is ignored", subjects, body(alice, reading, record1), []string{"user/alice", "user/bob"}},
		{"subjects by properties", subjects, body(users, writing, archived), []string{"user/bob"}},
		{"subjects by the fixture's properties", subjects, body(users, writing, record1), []string{"user/alice"}},
		{"subjects, sent properties", subjects, body(`{"type":"user","properties":{"role":"admin"}}`, writing, archived), []string{"user/alice", "user/bob"}},
		{"resources", resources, body(alice, reading, records), []string{"record/record-1", "record/record-2"}},
		{"resources, an id is ignored", resources, body(alice, reading, record2), []string{"record/record-1", "record/record-2"}},
		{"resources, context", resources, body(alice, reading, records, `"context":`+when), []string{"record/record-1", "record/record-2"}},
		{"resources by properties", resources, body(admin, writing, records), []string{"record/record-2"}},
		{"resources by the fixture's properties", resources, body(alice, writing, records), []string{"record/record-1"}},
		{"resources, sent properties", resources, body(alice, writing, `{"type":"record","properties":{"status":"archived"}}`), nil},
		{"actions", actions, body(alice, "", record1), []string{"read", "write"}},
		{"actions, context", actions, body(alice, "", record1, `"context":`+when), []string{"read", "write"}},
		{"actions by properties", actions, body(admin, "", archived), []string{"read", "write"}},
		{"actions by the fixture's properties", actions, body(bob, "", record1), []string{"read"}},
		{"an unknown subject", actions, body(`{"type":"user","id":"nonexistent-user"}`, "", record1), nil},
		{"an unknown resource", subjects, body(users, writing, `{"type":"record","id":"nonexistent"}`), nil},
		{"an unknown type of subject", subjects, body(`{"type":"spaceship"}`, reading, record1), nil},
		{"an unknown type of resource", resources, body(alice, reading, `{"type":"spaceship"}`), nil},
		{"an unknown action", subjects, body(users, `{"name":"fly"}`, record1), nil},
	} {
		code, object, text := s.object(c.path, c.body)
		if code != 200 {
			t.Errorf("%s: %d %s", c.name, code, text)
			continue
		}
		if got := results(t, object); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	// Pages add up to the whole; a token alone goes on with the first limit.
	var all []string
	page := `"page":{"limit":1}`
	for n := 1; ; n++ {
		code, object, text := s.object(subjects, body(users, reading, record1, page))
		var p struct {
			Next *string `json:"next_token"`
		}
		if err := json.Unmarshal(object["page"], &p); code != 200 || err != nil || p.Next == nil {
			t.Fatalf("page %d: %d %s", n, code, text)
		}
		got := results(t, object)
		if len(got) != 1 || n > 2 {
			t.Fatalf("page %d is %s", n, text)
		}
		all = append(all, got...)
		if *p.Next == "" {
			break
		}
		token, _ := json.Marshal(*p.Next)
		page = `"page":{"token":` + string(token) + `}`
	}
	if !slices.Equal(all, []string{"user/alice", "user/bob"}) {
		t.Errorf("all pages: %q", all)
	}
	for name, c := range map[string][2]string{
		"subjects, no action":          {subjects, body(users, "", record1)},
		"subjects, no subject":         {subjects, body("", reading, record1)},
		"subjects, no resource":        {subjects, body(users, reading, "")},
		"subjects, no resource.id":     {subjects, body(users, reading, records)},
		"subjects, no subject.type":    {subjects, body(`{}`, reading, record1)},
		"resources, no subject":        {resources, body("", reading, records)},
		"resources, no subject.id":     {resources, body(users, reading, records)},
		"resources, no action":         {resources, body(alice, "", records)},
		"resources, no type":           {resources, body(alice, reading, `{}`)},
		"actions, no resource":         {actions, body(alice, "", "")},
		"actions, no subject":          {actions, body("", "", record1)},
		"actions, no resource.id":      {actions, body(alice, "", records)},
		"malformed":                    {actions, `{"subject":`},
		"empty":                        {actions, ""},
		"a token that nobody gave out": {subjects, body(users, reading, record1, `"page":{"token":"x"}`)},
	} {
		if code, _, text := s.object(c[0], c[1]); code != 400 {
			t.Errorf("%s: %d %s, want 400", name, code, text)
		}
	}
}
