package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// logLine is a line of the decision log, as far as tests look at it.
type logLine struct {
	Time       string
	Seq        int
	ID         string
	Item       *int
	Peer, Door string
	Request    json.RawMessage
	Decision   *bool
	Reason     string
	Digest     string
	Dropped    *struct{ Allow, Deny int }
	From, To   string
	Start      *struct{ Flags map[string]string }
	Stop       *struct{ Flags map[string]string }
	Reload     *struct{ Old, New string }
	Shadow     *struct{ Result string }
	text       string
}

// readLog reads a decision log, and holds each line to the schema.
func readLog(t *testing.T, name string) (lines []logLine) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(string(data)) {
		fits(t, "../../docs/decision-log.schema.json", text)
		line := logLine{text: text}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		lines = append(lines, line)
	}
	return lines
}

// TestLogSchema: the lines that hold the format are as the schema says.
func TestLogSchema(t *testing.T) {
	if n := len(readLog(t, "../../internal/decisionlog/testdata/lines.golden")); n < 10 {
		t.Errorf("%d lines only", n)
	}
}

// TestDecisionLog: the whole way of a decision, from the door to the file, on the real
// binary.
func TestDecisionLog(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"), "acme/buckets.json", `{"buckets":["b"]}`)
	name := filepath.Join(t.TempDir(), "decisions.log")
	s := start(t, "serve", "-policies", dir, "-decision-log", name)
	ids := map[string]string{}
	for _, id := range []string{"", "mine"} {
		r, err := http.NewRequest("POST", "http://"+s.address+"/access/v1/evaluation", strings.NewReader(readKey))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if id != "" {
			r.Header.Set("X-Request-ID", id)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if code, body := read(t, answer); code != 200 || !strings.Contains(body, `"decision":true`) {
			t.Fatalf("%d %s", code, body)
		}
		ids[id] = answer.Header.Get("X-Request-ID")
	}
	if ids[""] == "" || ids["mine"] != "mine" {
		t.Errorf("the answers have the ids %q", ids)
	}
	if code := s.stop(); code != 0 {
		t.Fatalf("exit %d", code)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v, %v", info.Mode(), err)
	}
	lines := readLog(t, name)
	if len(lines) != 5 || lines[0].Start == nil || lines[0].Start.Flags["decision-log"] != name || lines[1].Reload == nil || lines[4].Stop == nil {
		t.Fatalf("the log is\n%v", lines)
	}
	for i, line := range lines {
		if line.Seq != i+1 {
			t.Errorf("line %d has seq %d", i, line.Seq)
		}
	}
	for i, id := range []string{ids[""], "mine"} {
		if l := lines[2+i]; l.ID != id || l.Decision == nil || !*l.Decision || l.Reason != "allowed" || l.Door != "evaluation" || l.Digest != lines[1].Reload.New ||
			!strings.HasPrefix(l.Peer, "127.0.0.1:") || !strings.Contains(string(l.Request), `"s3:GetObject"`) {
			t.Errorf("the decision %s is logged as %s", id, l.text)
		}
	}
}
