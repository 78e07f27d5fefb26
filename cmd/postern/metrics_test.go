package main

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestPromtool: Prometheus' own check finds nothing to say about the metrics,
// after traffic of every kind (specification 3.4).
func TestPromtool(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"), "acme/buckets.json", `{"buckets":["secret-bucket"]}`,
		"acme/buckets/broken.json", "{")
	s := start(t, "serve", "-policies", dir, "-metrics-listen", "127.0.0.1:0")
	watch := s.find("serving metrics and probes")["address"].(string)
	ask := strings.ReplaceAll(readKey, `"Admin"`, `"SecretAdmin"`)
	for _, r := range []struct{ method, path, body string }{
		{"POST", "/access/v1/evaluation", ask}, {"POST", "/access/v1/evaluation", "{"}, {"POST", "/access/v1/evaluations", `{"evaluations":[` + ask + `,{}]}`},
		{"POST", "/access/v1/search/subject", ask}, {"POST", "/access/v1/search/resource", ask}, {"POST", "/access/v1/search/action", ask},
		{"GET", "/healthz", ""}, {"GET", "/readyz", ""}, {"GET", "/v1/status", ""}, {"GET", "/metrics", ""}, {"GET", "/.well-known/authzen-configuration", ""}, {"GET", "/secret-path", ""}, {"PUT", "/healthz", ""},
	} {
		q, err := http.NewRequest(r.method, "http://"+s.address+r.path, strings.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		read(t, answer)
	}
	for _, address := range []string{s.address, watch} {
		r, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		code, text := read(t, r)
		if code != 200 {
			t.Fatalf("%d %s", code, text)
		}
		check := exec.Command("promtool", "check", "metrics")
		check.Stdin = strings.NewReader(text)
		if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("promtool check metrics: %v\n%s", err, out)
		}
		for line := range strings.Lines(text) {
			if name, _, _ := strings.Cut(strings.TrimSpace(line), "{"); !strings.HasPrefix(line, "#") {
				name, _, _ = strings.Cut(name, " ")
				family := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
				if !strings.Contains(text, "# HELP "+name+" ") && !strings.Contains(text, "# HELP "+family+" ") {
					t.Errorf("no HELP of %s", name)
				}
			}
		}
		for _, want := range []string{`postern_build_info{version="`, `postern_policy_info{digest="`, "postern_warnings 0", "postern_open_connections ", "postern_quarantined_units 1", "go_goroutines ", "process_resident_memory_bytes ",
			`postern_request_duration_seconds_count{endpoint="search_subject"} 1`} {
			if !strings.Contains(text, "\n"+want) {
				t.Errorf("no %s", want)
			}
		}
		if strings.Contains(strings.ToLower(text), "secret") || strings.Contains(text, "acme") {
			t.Error("the metrics name a principal, a bucket or an organization")
		}
	}
}

// TestMetricsListen: the address has what watches the process and nothing else,
// and ends with it.
func TestMetricsListen(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"))
	cmd := exec.Command(binary, "serve", "-policies", dir)
	cmd.Env = append(os.Environ(), "POSTERN_METRICS_LISTEN=0.0.0.0:0")
	s := launch(t, cmd)
	s.ready()
	_, port, _ := strings.Cut(strings.TrimPrefix(s.find("serving metrics and probes")["address"].(string), "[::]"), ":")
	for path, want := range map[string]int{"/metrics": 200, "/healthz": 200, "/readyz": 200, "/v1/status": 404, "/access/v1/evaluation": 404, "/": 404} {
		r, err := http.NewRequest("GET", "http://127.0.0.2:"+port+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "postern.monitoring.svc:9180"
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if code, body := read(t, answer); code != want {
			t.Errorf("%s: %d %.200s, want %d", path, code, body, want)
		}
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if r, err := http.Get("http://127.0.0.1:" + port + "/healthz"); err == nil {
		r.Body.Close()
		t.Error("the address is still served")
	}
	taken := start(t, "serve", "-policies", dir)
	for address, says := range map[string]string{taken.address: "in use by another process", "9180": "is no address", "localhost": "is no address", ":": "is no address"} {
		if got := call("", nil, "serve", "-policies", dir, "-listen", "127.0.0.1:0", "-metrics-listen", address); got.code != exitFailed || !strings.Contains(got.errs, says) || !strings.Contains(got.errs, "-metrics-listen") {
			t.Errorf("%s: %+v", address, got)
		}
	}
}

// TestReadiness: a directory without any file of the layout is not ready, unless
// that is meant; once ready, the process stays so.
func TestReadiness(t *testing.T) {
	ready := func(s *server, want int, says string) {
		t.Helper()
		if code, body := s.get("/readyz"); code != want || !strings.Contains(body, says) {
			t.Errorf("%d %s, want %d and %s", code, body, want, says)
		}
	}
	dir := write(t, t.TempDir(), "README.md", "policies come later", "acme/notes.txt", "")
	s := launch(t, exec.Command(binary, "serve", "-policies", dir))
	s.await("it says so", func() bool { return strings.Contains(s.log(), "not ready: the policy directory holds no policy file") })
	s.address = s.find("serving")["address"].(string)
	ready(s, 503, "-allow-empty")
	write(t, dir, "acme/access-policies/p.json", organizationPolicy("Allow"))
	s.await("it is ready", func() bool { code, _ := s.get("/readyz"); return code == 200 && s.find("ready") != nil })
	if err := os.RemoveAll(dir + "/acme"); err != nil {
		t.Fatal(err)
	}
	s.await("the removal is in force", func() bool { _, body := s.get("/readyz"); return strings.Contains(body, `"files":0`) })
	ready(s, 200, `"ready":true`)

	broken := write(t, t.TempDir(), "acme/access-policies/p.json", "{")
	ready(start(t, "serve", "-policies", broken), 200, `"unit":"acme/access-policies"`)
	ready(start(t, "serve", "-policies", t.TempDir(), "-allow-empty"), 200, `"files":0`)
	list := write(t, t.TempDir(), "acme/buckets.json", `{"buckets":["b"]}`)
	ready(start(t, "serve", "-policies", list), 200, `"files":1`)
}
