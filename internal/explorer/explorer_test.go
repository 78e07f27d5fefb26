package explorer_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"postern/compile"
	"postern/index"
	"postern/internal/explorer"
	"postern/internal/policyjson"
	"postern/policy"
)

const organizationFile = `{"version": "v1alpha1", "name": "all", "statements": [
  {"name": "everything", "effect": "Allow", "actions": ["s3:*"], "resources": ["*"], "principals": ["role/Admin", "role/team-*"]}
]}`

const bucketFile = `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::data","arn:aws:s3:::data/*"],"Condition":{"StringEquals":{"s3:x-amz-acl":"private"}}},{"Sid":"b","Effect":"Allow","Principal":{"CW":"arn:aws:iam::acme:role/Admin"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::data/*"},{"Sid":"c","Effect":"Deny","Principal":"*","Action":"s3:GetObjectTagging","Resource":"arn:aws:s3:::data/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`

// world is a small directory with its explorer.
func world(t *testing.T) *explorer.Server {
	t.Helper()
	files := fstest.MapFS{
		"acme/access-policies/all.json": {Data: []byte(organizationFile)},
		"acme/buckets/data.json":        {Data: []byte(bucketFile)},
		"acme/secret.txt":               {Data: []byte("not a policy")},
		"acme/iam/.hidden.json":         {Data: []byte("{}")},
	}
	organization, ds := policyjson.ParseOrganization("acme/access-policies/all.json", []byte(organizationFile), policyjson.Limits{})
	if policy.HasErrors(ds) {
		t.Fatal(ds)
	}
	bucket, ds := policyjson.ParseBucket("acme/buckets/data.json", "data", []byte(bucketFile), policyjson.Limits{})
	if policy.HasErrors(ds) {
		t.Fatal(ds)
	}
	snapshot, _ := compile.Compiler{}.Directory(&policy.Directory{
		Organizations: map[string]*policy.DirectoryOrganization{"acme": {Policies: []*policy.Document{organization}}},
		Buckets:       map[string]*policy.DirectoryBucket{"data": {Owner: "acme", Policy: bucket}},
	}, 1)
	status := &policy.Status{Generation: 1, Organizations: []policy.OrganizationStatus{{Name: "acme", Statements: 4, Buckets: 1, Files: 2}}}
	return explorer.New(explorer.Config{
		InForce: explorer.Side{Name: "in force", Files: files, Status: func() *policy.Status { return status },
			Snapshot: func(context.Context) (*index.Snapshot, error) { return snapshot, nil }},
		Answer:     func(e *policy.Explanation) any { return e.Decision.Reason.String() },
		Evaluation: func(r *policy.Request) any { return r.Action },
	})
}

// post asks the explorer, and returns the status and the answer.
func post(t *testing.T, s *explorer.Server, path, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest("POST", "http://127.0.0.1:8181"+path, strings.NewReader(body))
	r.Header.Set("X-Postern-Token", s.Token())
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// ask asks a question that must be answered, and decodes the answer.
func ask[T any](t *testing.T, s *explorer.Server, path, body string) (out T) {
	t.Helper()
	code, text := post(t, s, path, body)
	if code != 200 {
		t.Fatalf("%s %s: %d %s", path, body, code, text)
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestGuard goes through who may ask (specification 10, Security).
func TestGuard(t *testing.T) {
	s := world(t)
	type header = [2]string
	token := header{"X-Postern-Token", s.Token()}
	for _, c := range []struct {
		name, method, host, path string
		headers                  []header
		want                     int
	}{
		{"the page", "GET", "127.0.0.1:8181", "/", nil, 200},
		{"the page by name", "GET", "localhost:8181", "/app.js", nil, 200},
		{"the page by IPv6", "GET", "[::1]:8181", "/", nil, 200},
		{"a question", "POST", "127.0.0.1:8181", "/api/start", []header{token}, 200},
		{"with its own Origin", "POST", "127.0.0.1:8181", "/api/start", []header{token, {"Origin", "http://127.0.0.1:8181"}, {"Sec-Fetch-Site", "same-origin"}}, 200},
		{"no token", "POST", "127.0.0.1:8181", "/api/start", nil, 401},
		{"an empty token", "POST", "127.0.0.1:8181", "/api/start", []header{{"X-Postern-Token", ""}}, 401},
		{"another token", "POST", "127.0.0.1:8181", "/api/start", []header{{"X-Postern-Token", s.Token() + "x"}}, 401},
		{"the token twice", "POST", "127.0.0.1:8181", "/api/start", []header{token, token}, 401},
		{"the token in a cookie", "POST", "127.0.0.1:8181", "/api/start", []header{{"Cookie", "token=" + s.Token()}}, 401},
		{"the token in the query", "POST", "127.0.0.1:8181", "/api/start?token=" + s.Token(), nil, 401},
		{"another Host, as of a name that leads here", "GET", "evil.example:8181", "/", nil, 403},
		{"another Host with the token", "POST", "evil.example", "/api/start", []header{token}, 403},
		{"localhost in another name", "GET", "localhost.evil.example", "/", nil, 403},
		{"an address that is not loopback", "GET", "192.0.2.1:8181", "/", nil, 403},
		{"another Origin", "POST", "127.0.0.1:8181", "/api/start", []header{token, {"Origin", "http://evil.example"}}, 403},
		{"another port's Origin", "POST", "127.0.0.1:8181", "/api/start", []header{token, {"Origin", "http://127.0.0.1:8182"}}, 403},
		{"no origin at all", "POST", "127.0.0.1:8181", "/api/start", []header{token, {"Origin", "null"}}, 403},
		{"two Origins", "POST", "127.0.0.1:8181", "/api/start", []header{token, {"Origin", "http://127.0.0.1:8181"}, {"Origin", "http://127.0.0.1:8181"}}, 403},
		{"another site", "GET", "127.0.0.1:8181", "/", []header{{"Sec-Fetch-Site", "cross-site"}}, 403},
		{"another port's page", "POST", "127.0.0.1:8181", "/api/start", []header{token, {"Sec-Fetch-Site", "same-site"}}, 403},
		{"a question by GET", "GET", "127.0.0.1:8181", "/api/start", []header{token}, 405},
		{"a preflight", "OPTIONS", "127.0.0.1:8181", "/api/start", []header{{"Origin", "http://127.0.0.1:8181"}, {"Access-Control-Request-Headers", "x-postern-token"}}, 405},
		{"the page by POST", "POST", "127.0.0.1:8181", "/", []header{token}, 405},
		{"a file of the program", "GET", "127.0.0.1:8181", "/explorer.go", nil, 404},
		{"a path upwards", "GET", "127.0.0.1:8181", "/../explorer.go", nil, 404},
		{"a policy file", "GET", "127.0.0.1:8181", "/acme/buckets/data.json", []header{token}, 404},
	} {
		r := httptest.NewRequest(c.method, "http://x"+c.path, strings.NewReader("{}"))
		r.Host = c.host
		for _, h := range c.headers {
			r.Header.Add(h[0], h[1])
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d: %s", c.name, w.Code, c.want, w.Body)
		}
		checkHeaders(t, c.name, w.Header())
		if w.Code != 200 && strings.Contains(w.Body.String(), s.Token()) {
			t.Errorf("%s: the answer has the token", c.name)
		}
	}
}

// checkHeaders checks what every answer has.
func checkHeaders(t *testing.T, name string, h http.Header) {
	t.Helper()
	policy := h.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("%s: Content-Security-Policy is %q, without %s", name, policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
		t.Errorf("%s: Content-Security-Policy is %q", name, policy)
	}
	for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
		if h.Get(header) != want {
			t.Errorf("%s: %s is %q, want %s", name, header, h.Get(header), want)
		}
	}
	for header := range h {
		if strings.HasPrefix(header, "Access-Control-") || header == "Set-Cookie" {
			t.Errorf("%s: the answer has %s", name, header)
		}
	}
}

// TestPage checks that the page names nothing but itself, and has no inline script.
func TestPage(t *testing.T) {
	s := world(t)
	var small bytes.Buffer
	packed, total := gzip.NewWriter(&small), 0
	for _, path := range []string{"/", "/style.css", "/app.js", "/dom.js", "/ask.js", "/matrix.js", "/policies.js", "/change.js", "/now.js"} {
		r := httptest.NewRequest("GET", "http://127.0.0.1:1"+path, nil)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		body, _ := io.ReadAll(w.Body)
		text := string(body)
		if w.Code != 200 || len(text) == 0 {
			t.Errorf("%s: %d with %d bytes", path, w.Code, len(text))
		}
		total += len(body)
		io.Copy(packed, bytes.NewReader(body))
		packed.Flush() // as if each were sent by itself, after the others
		if strings.Contains(text, "<script") && !strings.Contains(text, `<script type="module" src="/app.js"></script>`) || strings.Count(text, "<script") > 1 || strings.Contains(text, "<style") || strings.Contains(text, " style=") {
			t.Errorf("%s has a script or style of its own", path)
		}
		for _, bad := range []string{"https://", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "document.cookie", "localStorage", " onclick="} {
			if strings.Contains(text, bad) {
				t.Errorf("%s has %s", path, bad)
			}
		}
		if rest := strings.ReplaceAll(text, "http://www.w3.org/2000/svg", ""); strings.Contains(rest, "http://") {
			t.Errorf("%s names another site", path)
		}
	}
	t.Logf("the page has %d bytes, %d compressed", total, small.Len())
	if small.Len() > 150_000 {
		t.Errorf("the page has %d bytes compressed, more than specification 10 allows", small.Len())
	}
}

// TestPaths asks for files that no listing has.
func TestPaths(t *testing.T) {
	s := world(t)
	for _, body := range []string{
		`{"side": 0, "organization": "acme", "bucket": "", "folder": "", "name": "secret.txt"}`,
		`{"side": 0, "organization": "acme", "bucket": "", "folder": "iam", "name": ".hidden.json"}`,
		`{"side": 0, "organization": "acme", "bucket": "", "folder": "access-policies", "name": "../secret.txt"}`,
		`{"side": 0, "organization": "acme", "bucket": "", "folder": "access-policies/..", "name": "secret.txt"}`,
		`{"side": 0, "organization": "acme/access-policies", "bucket": "", "folder": "", "name": "all.json"}`,
		`{"side": 0, "organization": "..", "bucket": "", "folder": "", "name": "passwd"}`,
		`{"side": 0, "organization": "acme", "bucket": "../access-policies/all", "folder": "", "name": ""}`,
		`{"side": 1, "organization": "acme", "bucket": "data", "folder": "", "name": ""}`,
		`{"side": 0, "organization": "acme", "bucket": "data", "path": "/etc/passwd"}`,
		`not JSON`,
	} {
		if code, text := post(t, s, "/api/document", body); code != 400 {
			t.Errorf("%s: %d %s", body, code, text)
		}
	}
	for _, body := range []string{
		`{"side": 0, "organization": "acme", "bucket": "data", "folder": "", "name": ""}`,
		`{"side": 0, "organization": "acme", "bucket": "", "folder": "access-policies", "name": "all.json"}`,
	} {
		if code, text := post(t, s, "/api/document", body); code != 200 {
			t.Errorf("%s: %d %s", body, code, text)
		}
	}
}

// TestAsk asks a question, whose grounds come with the lines of their files: of a
// file on one line they are laid out.
func TestAsk(t *testing.T) {
	s := world(t)
	type excerpt struct {
		Statement string
		First     int
		Lines     []string
	}
	type answer struct {
		Decision         bool
		Reason, Sentence string
		Steps            []struct {
			Layer, Outcome string
			Statements     []excerpt
		}
		Nearest *excerpt
		Problem *struct{ Path, Message string }
	}
	body := func(principal, action string) string {
		return `{"side": 0, "now": 0, "evaluation": {"subject": {"type": "role", "id": "` + principal + `", "properties": {"org": "acme"}}, "action": {"name": "` + action + `"}, "resource": {"type": "object", "id": "data/k"}}}`
	}
	a := ask[answer](t, s, "/api/ask", body("Admin", "s3:GetObject"))
	if !a.Decision || len(a.Steps) != 2 || len(a.Steps[0].Statements) != 1 || len(a.Steps[1].Statements) != 1 {
		t.Fatalf("%+v", a)
	}
	if got := a.Steps[0].Statements[0]; got.First != 2 || len(got.Lines) != 1 || !strings.Contains(got.Lines[0], `"everything"`) {
		// One line of several is shown laid out only if the statement is on one line.
		if got.First != 0 || !strings.Contains(strings.Join(got.Lines, "\n"), `"everything"`) {
			t.Errorf("the organization's statement: %+v", got)
		}
	}
	if got := a.Steps[1].Statements[0]; got.First != 0 || len(got.Lines) < 5 || !strings.Contains(strings.Join(got.Lines, "\n"), `"Sid": "b"`) || strings.Contains(strings.Join(got.Lines, "\n"), `"Sid": "a"`) {
		t.Errorf("the bucket's statement: %+v", got)
	}
	a = ask[answer](t, s, "/api/ask", body("Guest", "s3:GetObject"))
	if a.Decision || a.Nearest == nil || a.Nearest.Statement != "everything" || a.Sentence == "" {
		t.Errorf("a guest: %+v", a)
	}
	a = ask[answer](t, s, "/api/ask", `{"side": 0, "now": 0, "evaluation": {"subject": {"type": "role", "id": "x"}, "action": {}, "resource": {"type": "bucket", "id": "data"}}}`)
	if a.Problem == nil || a.Problem.Path != "action.name" {
		t.Errorf("without an action: %+v", a.Problem)
	}
}

// TestStart: the page begins with a question of a bucket that there is.
func TestStart(t *testing.T) {
	out := ask[struct {
		Example struct{ Organization, Bucket string }
		Served  bool
	}](t, world(t), "/api/start", "{}")
	if out.Example.Organization != "acme" || out.Example.Bucket != "data" || out.Served {
		t.Errorf("%+v", out)
	}
}

// TestMatrix asks a matrix: wildcards have rows of their own, and what depends on the
// context says on which keys.
func TestMatrix(t *testing.T) {
	s := world(t)
	type matrix struct {
		Columns []struct{ Action, Problem string }
		Rows    []struct {
			Name  string
			Wide  bool
			Cells []int
		}
		Kinds []struct {
			Decision, Reason string
			Allowed          bool
			Keys             []string
		}
	}
	m := ask[matrix](t, s, "/api/matrix", `{"side": 0, "organization": "acme", "bucket": "data", "key": "k", "actions": ["s3:GetObject", "s3:PutObject", "s3:GetObjectTagging", "s3:GetBucketPolicy", ""], "buckets": [], "filter": ""}`)
	if m.Columns[4].Problem == "" {
		t.Errorf("a column that cannot be asked: %+v", m.Columns[4])
	}
	got := map[string]string{}
	for _, row := range m.Rows {
		var cells []string
		for _, c := range row.Cells {
			if c < 0 {
				cells = append(cells, "-")
				continue
			}
			cells = append(cells, m.Kinds[c].Decision+strings.Join(append([]string{""}, m.Kinds[c].Keys...), " "))
		}
		name := row.Name
		if row.Wide {
			name += " (wide)"
		}
		got[name] = strings.Join(cells, ", ")
	}
	want := map[string]string{
		"role/Admin": "allow, conditional s3:x-amz-acl, conditional s3:x-amz-acl, conditional s3:x-amz-acl, -",
		// A team's role is any that the pattern lets in.
		"role/team-* of acme (wide)":      "conditional s3:x-amz-acl, conditional s3:x-amz-acl, conditional s3:x-amz-acl, conditional s3:x-amz-acl, -",
		"any other role/* of acme (wide)": "deny, deny, deny, deny, -",
	}
	for name, cells := range want {
		if got[name] != cells {
			t.Errorf("%s: %q, want %q", name, got[name], cells)
		}
	}
	if len(got) != len(want) {
		t.Errorf("rows: %v", got)
	}
	// With the header stated, what is left is whether a Deny holds.
	m = ask[matrix](t, s, "/api/matrix", `{"side": 0, "organization": "acme", "bucket": "data", "key": "k", "actions": ["s3:GetObjectTagging"], "buckets": [], "filter": "Admin", "context": {"s3:x-amz-acl": "private"}}`)
	if k := m.Kinds[m.Rows[0].Cells[0]]; len(m.Rows) != 1 || k.Decision != "conditional" || !k.Allowed || strings.Join(k.Keys, " ") != "aws:SecureTransport" {
		t.Errorf("an allow that a Deny may end: %+v of %+v", k, m.Rows)
	}
	m = ask[matrix](t, s, "/api/matrix", `{"side": 0, "organization": "acme", "bucket": "data", "key": "k", "actions": ["s3:GetObjectTagging"], "buckets": [], "filter": "Admin", "context": {"s3:x-amz-acl": "private", "aws:SecureTransport": true}}`)
	if k := m.Kinds[m.Rows[0].Cells[0]]; k.Decision != "allow" {
		t.Errorf("with the context stated: %+v", k)
	}
	if m.Columns[0].Problem != "" {
		t.Errorf("a column that can be asked: %+v", m.Columns[0])
	}
	if code, _ := post(t, s, "/api/matrix", `{"side": 0, "organization": "acme", "bucket": "data", "key": "k", "actions": ["s3:GetObject", "s3:PutObject"], "buckets": ["data"], "filter": ""}`); code != 400 {
		t.Errorf("two actions for buckets: %d", code)
	}
}

// TestWarnings looks for the mistakes of an organization.
func TestWarnings(t *testing.T) {
	out := ask[struct {
		Warnings []struct{ File, Bucket, Code string }
		Left     int
	}](t, world(t), "/api/warnings", `{"side": 0, "organization": "acme"}`)
	if out.Left != 0 {
		t.Errorf("%d left", out.Left)
	}
	for _, w := range out.Warnings {
		if w.File == "" || w.Code == "" {
			t.Errorf("%+v", w)
		}
	}
}
