package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// exploreServed asks the explorer of a running server.
type exploreServed struct {
	t           *testing.T
	base, token string
}

// explored returns the explorer of a server, whose URL lies in the file that its log
// names, which nobody else may read.
func explored(t *testing.T, s *server) exploreServed {
	t.Helper()
	const said = "the explorer's URL, which has its token, is in a file that only this user can read"
	s.await("it tells where the explorer's URL is", func() bool { return s.find(said) != nil })
	name := s.find(said)["file"].(string)
	t.Cleanup(func() { os.Remove(name) })
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file of the URL: %v, %v", info, err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	base, token, ok := strings.Cut(strings.TrimSpace(string(text)), "/#token=")
	if !ok || len(token) != 22 {
		t.Fatalf("the URL is %s", text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.Contains(strings.Join(s.logs, "\n"), token) {
		t.Error("the log has the token")
	}
	return exploreServed{t, base, token}
}

// ask asks a question and decodes what came.
func (e exploreServed) ask(path, body string, out any) {
	e.t.Helper()
	r, err := http.NewRequest("POST", e.base+path, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	r.Header.Set("X-Postern-Token", e.token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		e.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 200 {
		e.t.Fatalf("%s %s: %d %s %v", path, body, answer.StatusCode, data, err)
	}
	if err := json.Unmarshal(data, out); err != nil {
		e.t.Fatalf("%s: %v in %s", path, err, data)
	}
}

// TestExploreServed: the candidate of -shadow is a side that can be asked and compared
// with, statements say whether a test or the decision log determined by them, and the
// revision of a fleet's policies is told (specification 10).
func TestExploreServed(t *testing.T) {
	two := `{"version":"v1alpha1","name":"p","statements":[
{"name":"readers","effect":"Allow","actions":["s3:GetObject"],"resources":["*"],"principals":["role/Reader"]},
{"name":"writers","effect":"Allow","actions":["s3:PutObject"],"resources":["*"],"principals":["role/Writer"]},
{"name":"nobody","effect":"Deny","actions":["s3:PutObject"],"resources":["*"],"principals":["role/Nobody"]}]}`
	tests := `{"policies":"..","tests":[{"name":"readers read","decision":true,"request":{"subject":{"type":"role","id":"Reader","properties":{"org":"acme"}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"b/k"}}}]}`
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", two, "acme/buckets.json", `{"buckets":["b"]}`,
		".tests/a.test.json", tests, ".tests/elsewhere.test.json", strings.Replace(tests, `".."`, `"../acme"`, 1),
		".sync/applied", `{"epoch":3,"revision":42,"message":"x","time":"2026-01-02T03:04:05Z","applied":"2026-01-02T03:04:06Z"}`)
	candidate := write(t, t.TempDir(), "acme/access-policies/p.json", strings.ReplaceAll(two, "role/Nobody", "role/Writer"), "acme/buckets.json", `{"buckets":["b"]}`)
	log := filepath.Join(t.TempDir(), "decisions.log")
	s := start(t, "serve", "-policies", dir, "-shadow", candidate, "-decision-log", log, "-explore", "127.0.0.1:0")
	e := explored(t, s)
	var begun struct {
		Sides   []string
		Compare bool
	}
	e.ask("/api/start", "{}", &begun)
	if strings.Join(begun.Sides, ", ") != "in force, shadow" || !begun.Compare {
		t.Errorf("the sides are %+v", begun)
	}
	const question = `{"subject":{"type":"role","id":"Writer","properties":{"org":"acme"}},"action":{"name":"s3:PutObject"},"resource":{"type":"object","id":"b/k"}}`
	var asked struct{ Decision bool }
	e.ask("/api/ask", `{"side":0,"evaluation":`+question+`}`, &asked)
	if !asked.Decision {
		t.Error("a writer is denied by the policies in force")
	}
	s.await("the candidate is loaded and denies", func() bool {
		r, _ := http.NewRequest("POST", e.base+"/api/ask", strings.NewReader(`{"side":1,"evaluation":`+question+`}`))
		r.Header.Set("X-Postern-Token", e.token)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		var a struct {
			Decision bool
			Reason   string
		}
		return json.NewDecoder(answer.Body).Decode(&a) == nil && !a.Decision && a.Reason == "organization_deny"
	})
	var changed struct{ Gained, Lost []any }
	e.ask("/api/change", `{"old":0,"new":1}`, &changed)
	if len(changed.Lost) == 0 || len(changed.Gained) > 0 {
		t.Errorf("what the shadow changes: %+v", changed)
	}
	var now struct {
		Revision struct{ Epoch, Revision uint64 }
		Looks    []struct {
			Generation uint64
			Result     string
		}
	}
	e.ask("/api/now", "{}", &now)
	if now.Revision.Epoch != 3 || now.Revision.Revision != 42 {
		t.Errorf("the fleet's revision: %+v", now.Revision)
	}

	if len(now.Looks) == 0 || now.Looks[len(now.Looks)-1].Generation != 1 || now.Looks[0].Result != "ok" {
		t.Errorf("the timeline: %+v", now.Looks)
	}

	r, err := http.Post("http://"+s.address+"/access/v1/evaluation", "application/json", strings.NewReader(question))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	s.await("the decision is logged", func() bool {
		data, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(data), `"writers"`)
	})
	var uses struct {
		Tested, Logged bool
		Tests, Lines   int
		Statements     []struct{ Tests, Lines int }
	}
	e.ask("/api/uses", `{"organization":"acme","bucket":"","folder":"access-policies","name":"p.json"}`, &uses)
	if !uses.Tested || !uses.Logged || uses.Tests != 1 || uses.Lines != 1 || len(uses.Statements) != 3 {
		t.Fatalf("%+v", uses)
	}
	for i, want := range []struct{ Tests, Lines int }{{1, 0}, {0, 1}, {0, 0}} {
		if uses.Statements[i] != want {
			t.Errorf("statement %d: %+v, want %+v", i, uses.Statements[i], want)
		}
	}
}

// TestExploreRefused: what would show more than it may, or to more people, does not start.
func TestExploreRefused(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/buckets.json", `{"buckets":["b"]}`)
	for _, c := range []struct{ args, want string }{
		{"serve -explore 127.0.0.1:0 -explain off", "-explain off"},
		{"serve -explore 0.0.0.0:0", "loopback alone"},
		{"explore -listen 192.0.2.1:0", "loopback alone"},
		{"serve -explore 127.0.0.1:0 -shadow " + dir + " -explore-compare shadow=" + dir, "another directory of that name"},
		{"explore -explore-compare a=" + dir + " -explore-compare a=" + dir, "another directory of that name"},
		{"explore -explore-compare a=" + dir + "/missing", "no such file"},
		{"serve -explore-tests " + dir, "-explore-tests is for the explorer"},
		{"serve -explore-compare a=" + dir, "-explore-compare is for the explorer"},
	} {
		got := call("", nil, append(strings.Fields(c.args), "-policies", dir)...)
		if got.code == 0 || !strings.Contains(got.errs, c.want) {
			t.Errorf("%s: exit %d, %s; want %s", c.args, got.code, got.errs, c.want)
		}
	}
}

// TestRootFS: no link leads out of a directory, and one that takes its place is read.
func TestRootFS(t *testing.T) {
	base := t.TempDir()
	write(t, base, "one/a", "1", "two/a", "2", "secret", "s")
	if err := os.Symlink("../secret", base+"/one/out"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("one", base+"/now"); err != nil {
		t.Fatal(err)
	}
	files := rootFS(base + "/now")
	read := func(name string) string {
		f, err := files.Open(name)
		if err != nil {
			return err.Error()
		}
		defer f.Close()
		data, _ := io.ReadAll(f)
		return string(data)
	}
	if got := read("a"); got != "1" {
		t.Errorf("a is %q", got)
	}
	if got := read("out"); got == "s" {
		t.Error("a link led out of the directory")
	}
	os.Symlink("two", base+"/new")
	if err := os.Rename(base+"/new", base+"/now"); err != nil {
		t.Fatal(err)
	}
	if got := read("a"); got != "2" {
		t.Errorf("after the swap, a is %q", got)
	}
}

// TestExploreMasked: what -log-mask hides is not on the page (specification 10, Security).
func TestExploreMasked(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/buckets.json", `{"buckets":["b"]}`)
	s := start(t, "serve", "-policies", dir, "-decision-log", filepath.Join(t.TempDir(), "decisions.log"), "-log-mask", "aws:Referer", "-explore", "127.0.0.1:0")
	e := explored(t, s)
	r, err := http.Post("http://"+s.address+"/access/v1/evaluation", "application/json", strings.NewReader(`{"subject":{"type":"role","id":"Writer","properties":{"org":"acme"}},"action":{"name":"s3:PutObject"},"resource":{"type":"object","id":"b/k"},"context":{"aws:Referer":"hush-hush"}}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	s.await("the denial is on the page", func() bool {
		var now json.RawMessage
		e.ask("/api/now", "{}", &now)
		if strings.Contains(string(now), "hush-hush") {
			t.Fatalf("the page has what is masked: %s", now)
		}
		return strings.Contains(string(now), `"role","id":"Writer"`)
	})
}
