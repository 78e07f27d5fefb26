package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/loader"
)

// withoutOrganization is readKey of a caller that states no organization.
var withoutOrganization = strings.Replace(readKey, `,"properties":{"org":"acme"}`, "", 1)

// TestServeFlags: each flag of serve reaches what it is for.
func TestServeFlags(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"), "acme/buckets.json", `{"buckets":["b"]}`)
	s := start(t, "serve", "-policies", dir, "-explain", "off", "-max-body", "1KiB", "-allow-host", "proxy.example",
		"-public-url", "https://pdp.example.com", "-default-org", "acme")
	post := func(host, explain, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequest("POST", "http://"+s.address+"/access/v1/evaluation", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if host != "" {
			r.Host = host
		}
		if explain != "" {
			r.Header.Set("X-Postern-Explain", explain)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return read(t, answer)
	}
	for name, c := range map[string]struct {
		host, explain, body string
		code                int
		says                string
	}{
		"-default-org":          {"", "", withoutOrganization, 200, `"decision":true`},
		"-explain off":          {"", "true", readKey, 403, "error"},
		"-max-body":             {"", "", strings.Repeat(" ", 1024) + readKey, 413, "error"},
		"within -max-body":      {"", "", strings.Repeat(" ", 1024-len(readKey)) + readKey, 200, `"decision":true`},
		"-allow-host":           {"proxy.example", "", readKey, 200, `"decision":true`},
		"host of -public-url":   {"pdp.example.com", "", readKey, 200, `"decision":true`},
		"a host nobody allowed": {"evil.example", "", readKey, 403, "error"},
	} {
		if code, body := post(c.host, c.explain, c.body); code != c.code || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s, want %d and %s", name, code, body, c.code, c.says)
		}
	}
	if _, body := s.get("/.well-known/authzen-configuration"); !strings.Contains(body, `"https://pdp.example.com/access/v1/evaluation"`) {
		t.Errorf("-public-url: %s", body)
	}
	if _, body := s.get("/metrics"); !strings.Contains(body, `postern_reload_total{result="ok"} `) || strings.Contains(body, `postern_reload_total{result="ok"} 0`) {
		t.Errorf("the first load is not counted:\n%s", body)
	}
}

// TestServeTellsTheLoader: what these flags do is seen where events are missed,
// or power is lost, which no test can bring about from outside.
func TestServeTellsTheLoader(t *testing.T) {
	config := func(args ...string) loader.Config {
		t.Helper()
		fs := newFlags("serve", "", "")
		var o serveOptions
		o.define(fs)
		if _, err := fs.parse(args, func(string) (string, bool) { return "", false }, io.Discard); err != nil {
			t.Fatal(err)
		}
		return o.config(nil, nil)
	}
	if c := config(); c.Rescan != time.Minute || c.Reread != time.Hour || c.StateDir != "" || c.StateSync {
		t.Errorf("without flags the loader is told %+v", c)
	}
	if c := config("-rescan", "7s", "-reread", "3h", "-state", "s", "-state-sync"); c.Rescan != 7*time.Second || c.Reread != 3*time.Hour || c.StateDir != "s" || !c.StateSync {
		t.Errorf("the loader is told %+v", c)
	}
}

func TestServeMaxFile(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"))
	s := start(t, "serve", "-policies", dir, "-max-file", "100")
	if _, body := s.ask(readKey); !strings.Contains(body, "organization_unavailable") {
		t.Errorf("a file past -max-file is in force: %s", body)
	}
}

func TestServeMaxConnections(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"))
	s := start(t, "serve", "-policies", dir, "-max-connections", "1")
	status := func(c net.Conn) string {
		t.Helper()
		c.SetDeadline(time.Now().Add(patience))
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return line
	}
	dial := func() net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	first := dial()
	io.WriteString(first, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if got := status(first); !strings.Contains(got, " 200 ") {
		t.Fatalf("the first connection gets %q", got)
	}
	// The second is refused before it asks: net/http would take that amiss.
	if got := status(dial()); !strings.Contains(got, " 429 ") {
		t.Errorf("a connection past -max-connections gets %q", got)
	}
}

// TestServeState: last good content survives a restart with a broken file.
func TestServeState(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"), "acme/buckets.json", `{"buckets":["b"]}`)
	state := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(state, 0o755); err != nil {
		t.Fatal(err)
	}
	s := start(t, "serve", "-policies", dir, "-state", state)
	if _, body := s.ask(readKey); !strings.Contains(body, `"decision":true`) {
		t.Fatal(body)
	}
	if code := s.stop(); code != 0 {
		t.Fatalf("exit %d", code)
	}
	write(t, dir, "acme/access-policies/p.json", organizationPolicy("allow"))
	s = start(t, "serve", "-policies", dir, "-state", state)
	if _, body := s.ask(readKey); !strings.Contains(body, `"decision":true`) {
		t.Errorf("with -state: %s", body)
	}
	s.stop()
	s = start(t, "serve", "-policies", dir)
	if _, body := s.ask(readKey); !strings.Contains(body, "organization_unavailable") {
		t.Errorf("without -state: %s", body)
	}
}
