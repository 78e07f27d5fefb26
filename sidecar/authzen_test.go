package sidecar

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/index"
)

// opened is the answer of an allow with an obligation, in the shape of
// specification 2, constraints.
const opened = `{"decision":true,"context":{"obligations":[{"id":"max-open","type":"max_open_seconds","properties":{"seconds":3600}}]}}`

// opening asks for it.
func opening() string {
	return strings.Replace(evaluation("jean", "environment:open", "environment", "e"), `"o1"`, `"o3"`, 1)
}

const denyNoMatch = `{"decision":false,"context":{"reason":"bucket_no_match","generation":7}}`

func TestEvaluation(t *testing.T) {
	s := serve(t, nil)
	for _, c := range []struct{ name, body, want string }{
		{"allow", evaluation("jean", "s3:GetObject", "object", "open/k"), `{"decision":true}`},
		{"allow in the bucket", evaluation("jean", "s3:GetObject", "object", "closed/k"), `{"decision":true}`},
		{"bucket_no_match", evaluation("max", "s3:GetObject", "object", "closed/k"), denyNoMatch},
		{"organization_deny", evaluation("jean", "s3:DeleteObject", "object", "closed/k"), `{"decision":false,"context":{"reason":"organization_deny","generation":7}}`},
		{"organization_no_match", evaluation("jean", "cwobject:ListBucketInfo", "organization", "*"), `{"decision":false,"context":{"reason":"organization_no_match","generation":7}}`},
		{"iam_no_match", evaluation("jean", "stack:read", "stack", "a/b"), `{"decision":false,"context":{"reason":"iam_no_match","generation":7}}`},
		{"obligation", opening(), opened},
		{"anonymous", `{"subject":{"type":"saml","id":"jean"},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"b/k"}}`, `{"decision":false,"context":{"reason":"anonymous","generation":7}}`},
		{"token", `{"subject":{"type":"token","id":"t","properties":{"org":"o1"}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"open/k"}}`, `{"decision":false,"context":{"reason":"anonymous","generation":7}}`},
	} {
		// `open` is in no folder: its owner has to be stated.
		body := strings.Replace(c.body, `"id":"open/k"}`, `"id":"open/k","properties":{"org":"o1"}}`, 1)
		if got := decode(t, s, body); got.status != 200 || got.body != c.want || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %+v, want %s", c.name, got, c.want)
		}
		// The same as a batch without items, and as a batch of one.
		if got := s.ask(t, post(pathEvaluations, body)); got.status != 200 || got.body != c.want {
			t.Errorf("%s, as a batch without items: %+v, want %s", c.name, got, c.want)
		}
		if got := s.ask(t, post(pathEvaluations, `{"evaluations":[`+body+`]}`)); got.status != 200 || got.body != `{"evaluations":[`+c.want+`]}` {
			t.Errorf("%s, as a batch of one: %+v, want %s", c.name, got, c.want)
		}
	}
}

func TestClock(t *testing.T) {
	late := serve(t, func(c *Config) { c.Now = func() time.Time { return clock.AddDate(1, 0, 0) } })
	body := evaluation("jean", "s3:GetObject", "object", "closed/k")
	if got := decode(t, late, body); got.body != denyNoMatch {
		t.Errorf("a year later: %+v", got)
	}
	stated := strings.TrimSuffix(body, "}") + `,"context":{"aws:EpochTime":0}}`
	if got := decode(t, late, stated); got.body != allowed {
		t.Errorf("the request's own time: %+v", got)
	}
}

func TestBeforeTheFirstSnapshot(t *testing.T) {
	var none index.Current
	s := serve(t, func(c *Config) { c.Current = &none })
	for _, path := range []string{pathEvaluation, pathEvaluations} {
		for _, body := range []string{evaluation("jean", "s3:GetObject", "object", "closed/k"), "nonsense"} {
			if got := s.ask(t, post(path, body)); got.status != 503 || !strings.Contains(got.body, `"error":`) {
				t.Errorf("%s: %+v", path, got)
			}
		}
	}
	if got := s.ask(t, get("/readyz")); got.status != 503 || !strings.Contains(got.body, `"ready":false`) {
		t.Errorf("readyz: %+v", got)
	}
	if got := s.ask(t, get("/healthz")); got.status != 200 {
		t.Errorf("healthz: %+v", got)
	}
	none.Store(snapshotOf(t, 1, nil))
	if got := decode(t, s, evaluation("jean", "s3:GetObject", "object", "closed/k")); got.status != 200 {
		t.Errorf("with a snapshot: %+v", got)
	}
	if got := s.ask(t, get("/readyz")); got.status != 200 || !strings.Contains(got.body, `"ready":true,"generation":1`) {
		t.Errorf("readyz with a snapshot: %+v", got)
	}
}

func TestBatch(t *testing.T) {
	s := serve(t, nil)
	head := `{"subject":{"type":"saml","id":"jean","properties":{"org":"o1"}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"closed/k"}`
	deny, allow := denyNoMatch, allowed
	put := `{"action":{"name":"s3:PutObject"}}`
	for _, c := range []struct{ name, body, want string }{
		{"in order", head + `,"evaluations":[{},` + put + `,{}]}`, allow + "," + deny + "," + allow},
		{"execute_all", head + `,"options":{"evaluations_semantic":"execute_all"},"evaluations":[{},` + put + `,{}]}`, allow + "," + deny + "," + allow},
		{"deny first", head + `,"options":{"evaluations_semantic":"deny_on_first_deny"},"evaluations":[{},` + put + `,{}]}`, allow + "," + deny},
		{"deny first, said late", head + `,"evaluations":[{},` + put + `,{}],"options":{"evaluations_semantic":"deny_on_first_deny"}}`, allow + "," + deny},
		{"permit first", head + `,"options":{"evaluations_semantic":"permit_on_first_permit"},"evaluations":[` + put + `,` + put + `,{},{}]}`, deny + "," + deny + "," + allow},
		{"permit first, said late", head + `,"evaluations":[` + put + `,{},` + put + `],"options":{"evaluations_semantic":"permit_on_first_permit"}}`, deny + "," + allow},
		{"no permit", head + `,"evaluations":[` + put + `,` + put + `],"options":{"evaluations_semantic":"permit_on_first_permit"}}`, deny + "," + deny},
		{"no deny", head + `,"evaluations":[{},{}],"options":{"evaluations_semantic":"deny_on_first_deny"}}`, allow + "," + allow},
		{"an item's error", head + `,"evaluations":[{},{"resource":{"type":"object"}},{}]}`,
			allow + `,{"decision":false,"context":{"error":{"status":400,"message":"evaluations[1].resource.id: missing; write the resource, as in {\"type\": \"bucket\", \"id\": \"BUCKET\"} or {\"type\": \"object\", \"id\": \"BUCKET/KEY\"}"}}},` + allow},
		{"an error is a deny", head + `,"evaluations":[{"resource":null},{}],"options":{"evaluations_semantic":"deny_on_first_deny"}}`,
			`{"decision":false,"context":{"error":{"status":400,"message":"evaluations[0].resource: want an object as in {\"type\": \"bucket\", \"id\": \"BUCKET\"}, not null"}}}`},
		{"defaults behind", `{"evaluations":[{},` + put + `],` + head[1:] + `}`, allow + "," + deny},
	} {
		got := s.ask(t, post(pathEvaluations, c.body))
		if got.status != 200 || got.body != `{"evaluations":[`+c.want+`]}` {
			t.Errorf("%s:\ngot  %+v\nwant %s", c.name, got, c.want)
		}
		if !json.Valid([]byte(got.body)) {
			t.Errorf("%s: the answer is no JSON: %s", c.name, got.body)
		}
	}
	for _, body := range []string{`{"evaluations":[{}],"options":{"evaluations_semantic":"any"}}`, `{"evaluations":[{"a":1,"a":2}]}`, head + `,"evaluations":5}`, ``,
		head + `,"evaluations":[{},]}`} {
		if got := s.ask(t, post(pathEvaluations, body)); got.status != 400 {
			t.Errorf("%s: %+v", body, got)
		}
	}
}

// TestBatchIsOfOneGeneration: a batch is answered from one snapshot, whatever
// is published meanwhile.
func TestBatchIsOfOneGeneration(t *testing.T) {
	current := usual(t)
	s := serve(t, func(c *Config) { c.Current = current })
	second := snapshotOf(t, 8, nil)
	first := current.Load()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				current.Store(second)
				current.Store(first)
			}
		}
	}()
	body := `{"subject":{"type":"saml","id":"max","properties":{"org":"o1"}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"closed/k"},"evaluations":[` +
		strings.TrimSuffix(strings.Repeat("{},", 1000), ",") + `]}`
	for range 20 {
		got := s.ask(t, post(pathEvaluations, body))
		seven, eight := strings.Count(got.body, `"generation":7`), strings.Count(got.body, `"generation":8`)
		if got.status != 200 || seven+eight != 1000 || seven != 0 && eight != 0 {
			t.Fatalf("%d answers of generation 7, %d of generation 8, status %d", seven, eight, got.status)
		}
	}
	close(stop)
	<-done
}

// TestBasicConformance is page 6's Basic, as far as the wire format goes.
func TestBasicConformance(t *testing.T) {
	s := serve(t, nil)
	good := evaluation("jean", "s3:GetObject", "object", "closed/k")
	withExtras := `{"extra":{"nested":[{"a":null}]},"subject":{"type":"saml","id":"jean","x":1,"properties":{"org":"o1","more":{"a":{"b":1}},"list":[1,"2"]}},` +
		`"action":{"name":"s3:GetObject","properties":{"y":{"z":[[]]}}},"resource":{"type":"object","id":"closed/k","properties":{"status":"x"}},"context":{"a":{"b":{"c":1}}}}`
	for _, body := range []string{good, withExtras} {
		got := decode(t, s, body)
		var answer struct {
			Decision *bool           `json:"decision"`
			Context  *map[string]any `json:"context"`
		}
		if err := json.Unmarshal([]byte(got.body), &answer); err != nil || got.status != 200 || answer.Decision == nil || !*answer.Decision {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	for _, contentType := range []string{"application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON", "application/json ;a=b"} {
		text := strings.Replace(post(pathEvaluation, good), "Content-Type: application/json", "Content-Type: "+contentType, 1)
		if got := s.ask(t, text); got.status != 200 {
			t.Errorf("%s: %+v", contentType, got)
		}
	}
	for _, contentType := range []string{"text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/json5; x", "application/jso", "multipart/form-data; boundary=x", ""} {
		text := strings.Replace(post(pathEvaluation, good), "Content-Type: application/json", "Content-Type: "+contentType, 1)
		if got := s.ask(t, text); got.status != 400 || !strings.Contains(got.body, "Content-Type: application/json") {
			t.Errorf("%q: %+v", contentType, got)
		}
	}
	if got := s.ask(t, strings.Replace(post(pathEvaluation, good), "Content-Type: application/json\r\n", "", 1)); got.status != 400 {
		t.Errorf("no Content-Type: %+v", got)
	}
	for _, drop := range []string{`"type":"saml",`, `"id":"jean",`, `"name":"s3:GetObject"`, `"type":"object",`, `,"id":"closed/k"`} {
		if got := decode(t, s, strings.Replace(good, drop, "", 1)); got.status != 400 || !strings.Contains(got.body, "missing") {
			t.Errorf("without %s: %+v", drop, got)
		}
	}
	for _, id := range []string{"abc-123", strings.Repeat("x", 256), "sp ace;=\"quoted\""} {
		if got := decode(t, s, good, "X-Request-ID: "+id); got.header.Get("X-Request-ID") != id {
			t.Errorf("X-Request-ID %q came back as %q", id, got.header.Get("X-Request-ID"))
		}
	}
	for _, c := range []struct{ text, want string }{
		{post(pathEvaluation, "nonsense", "x-request-id: of-an-error"), "of-an-error"},
		{get("/nowhere", "X-REQUEST-ID: of-a-404"), "of-a-404"},
		{post(pathEvaluations, `{"evaluations":[]}`, "X-Request-Id: of-a-batch"), "of-a-batch"},
		{post(pathEvaluation, good, "X-Request-ID: "+strings.Repeat("x", 257)), ""},
		{post(pathEvaluation, good), ""},
	} {
		if got := s.ask(t, c.text); got.header.Get("X-Request-ID") != c.want {
			t.Errorf("X-Request-ID %q came back as %q", c.want, got.header.Get("X-Request-ID"))
		}
	}
}

func TestRouting(t *testing.T) {
	s := serve(t, nil)
	body := evaluation("jean", "s3:GetObject", "object", "closed/k")
	for _, c := range []struct {
		text   string
		status int
	}{
		{post(pathEvaluation+"?x=y", body), 200},
		{post(pathEvaluation+"/", body), 404},
		{post("/"+pathEvaluation, body), 404},
		{post("/access/v1/../v1/evaluation", body), 404},
		{post("/access/v1/%65valuation", body), 404},
		{post("/access//v1/evaluation", body), 404},
		{post("/ACCESS/v1/evaluation", body), 404},
		{post("http://localhost"+pathEvaluation, body), 404},
		{post("/access/v1/search", body), 404},
		{post("/access/v1/search/", body), 404},
		{get(pathSearchSubject), 405},
		{get(pathSearchResource), 405},
		{get(pathSearchAction), 405},
		{get("/authorize"), 404},
		{get("/authorize/x"), 404},
		{get("/"), 404},
		{get(pathEvaluation), 405},
		{get(pathEvaluations), 405},
		{strings.Replace(get(pathEvaluation), "GET", "PUT", 1), 405},
		{strings.Replace(get(pathEvaluation), "GET", "BREW", 1), 405},
		{strings.Replace(get(pathEvaluation), "GET", "post", 1), 405},
		{post("/healthz", ""), 405},
		{post(pathMetadata, ""), 405},
		{post("/metrics", ""), 405},
		{get("/readyz"), 200},
		{get("/v1/status"), 200},
		{get(pathMetadata), 200},
		{get("/metrics"), 200},
	} {
		got := s.ask(t, c.text)
		line, _, _ := strings.Cut(c.text, "\r\n")
		if got.status != c.status {
			t.Errorf("%s: %+v, want %d", line, got, c.status)
		}
		if got.status == 405 && got.header.Get("Allow") == "" {
			t.Errorf("%s: 405 without Allow", line)
		}
	}
	c := s.dial(t).send(strings.Replace(get("/healthz"), "GET", "HEAD", 1) + get("/healthz"))
	head := make([]byte, len("HTTP/1.1 405"))
	if _, err := c.r.Read(head); err != nil || string(head) != "HTTP/1.1 405" {
		t.Errorf("HEAD: %q, %v", head, err)
	}
}

func TestExplain(t *testing.T) {
	s := serve(t, nil)
	body := evaluation("max", "s3:GetObject", "object", "closed/k")
	plain := decode(t, s, body)
	for _, header := range []string{"X-Postern-Explain: false", "X-Postern-Explain: TRUE", "X-Postern-Explain:", "X-Postern-Explained: true"} {
		if got := decode(t, s, body, header); got.body != plain.body {
			t.Errorf("%s: %+v", header, got)
		}
	}
	got := decode(t, s, body, "X-Postern-Explain: true")
	var e struct {
		Decision bool
		Context  struct {
			Reason      string
			Generation  int
			Determining []map[string]any
			Steps       []map[string]string
			Nearest     struct {
				Statement, File, Layer, Effect string
				Line, Index                    int
				Failed                         []string
			}
		}
	}
	if err := json.Unmarshal([]byte(got.body), &e); err != nil {
		t.Fatalf("%s: %v", got.body, err)
	}
	if e.Decision || e.Context.Reason != "bucket_no_match" || e.Context.Generation != 7 || e.Context.Determining == nil || len(e.Context.Determining) != 0 ||
		fmt.Sprint(e.Context.Steps) != "[map[layer:organization organization:o1 outcome:Allow] map[layer:bucket organization:o1 outcome:ImplicitDeny]]" ||
		e.Context.Nearest.Statement != "jean" || e.Context.Nearest.File != "o1/buckets/closed.json" || fmt.Sprint(e.Context.Nearest.Failed) != "[principal]" {
		t.Errorf("%s", got.body)
	}
	batch := s.ask(t, post(pathEvaluations, `{"evaluations":[`+body+`,`+body+`]}`, "X-Postern-Explain: true"))
	if want := `{"evaluations":[` + got.body + "," + got.body + `]}`; batch.body != want {
		t.Errorf("a batch:\ngot  %s\nwant %s", batch.body, want)
	}

	off := serve(t, func(c *Config) { c.ExplainOff = true })
	for _, path := range []string{pathEvaluation, pathEvaluations} {
		if got := off.ask(t, post(path, body, "X-Postern-Explain: true")); got.status != 403 {
			t.Errorf("-explain=off: %+v", got)
		}
	}
	if got := decode(t, off, body); got.body != plain.body {
		t.Errorf("-explain=off, without the header: %+v", got)
	}
}

// TestPanic: a panic is a logged 500 without a decision, and the server goes on.
func TestPanic(t *testing.T) {
	fail := true
	s := serve(t, func(c *Config) {
		c.Now = func() time.Time {
			if fail {
				panic("the clock stands still")
			}
			return clock
		}
	})
	body := evaluation("jean", "s3:GetObject", "object", "closed/k")
	got := decode(t, s, body)
	if got.status != 500 || strings.Contains(got.body, "clock") {
		t.Errorf("%+v", got)
	}
	if log := s.log.String(); !strings.Contains(log, "the clock stands still") || !strings.Contains(log, "handler.go") {
		t.Errorf("the log: %s", log)
	}
	fail = false
	if got := decode(t, s, body); got.body != allowed {
		t.Errorf("after the panic: %+v", got)
	}
	if got := s.ask(t, get("/metrics")); !strings.Contains(got.body, `postern_http_requests_total{endpoint="other",code="500"} 1`) {
		t.Error("the panic is not counted")
	}
}

// TestLargeBodiesAreGivenBack: what one large request needed does not stay with
// its connection, and the next request is answered as ever.
func TestLargeBodiesAreGivenBack(t *testing.T) {
	s := serve(t, nil)
	item := evaluation("max", "s3:GetObject", "object", "closed/k")
	wrong := strings.Repeat(`{"subject":"`+strings.Repeat("x", 500)+`"},`, 999)
	c := s.dial(t)
	for range 3 {
		got := c.send(post(pathEvaluations, `{"evaluations":[`+wrong+item+`]}`)).answer()
		if got.status != 200 || len(got.body) <= freeBytes || !strings.HasSuffix(got.body, denyNoMatch+"]}") || !json.Valid([]byte(got.body)) {
			t.Fatalf("%d, %d bytes", got.status, len(got.body))
		}
		if got := c.send(post(pathEvaluation, item)).answer(); got.body != denyNoMatch {
			t.Fatalf("%+v", got)
		}
	}
}

// TestNearestAction: nearest names the action that was refused, where that is
// one that the action asked needs beside it.
func TestNearestAction(t *testing.T) {
	snapshot := snapshotOf(t, 1, map[string]string{"o1/access-policies/p.json": `{"version":"v1alpha1","name":"p","statements":[
		{"name":"a","effect":"Allow","actions":["s3:GetObjectAttributes"],"resources":["*"],"principals":["*"]}]}`})
	s := serve(t, func(c *Config) { c.Current = new(index.Current); c.Current.Store(snapshot) })
	for name, has := range map[string]bool{"s3:GetObjectAttributes": true, "s3:GetObject": false} {
		got := decode(t, s, strings.Replace(evaluation("jean", name, "object", "b/k"), `"id":"b/k"`, `"id":"b/k","properties":{"org":"o1"}`, 1), "X-Postern-Explain: true")
		if !strings.Contains(got.body, `"nearest":{`) || strings.Contains(got.body, `"action":"s3:GetObject","failed":["action"]`) != has {
			t.Errorf("%s: %s", name, got.body)
		}
	}
}
