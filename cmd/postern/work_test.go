package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// costly is a policy directory in which a decision of the organization acme
// takes milliseconds, and none of beta: the patterns of acme's Deny match nothing, and
// neither their ends nor their beginnings say so.
func costly(t *testing.T) (dir string) {
	t.Helper()
	var resources, principals strings.Builder
	for i := range 200 {
		fmt.Fprintf(&resources, `"b/*%sb*",`, strings.Repeat("a?", 1000-i))
	}
	for i := range 3000 {
		fmt.Fprintf(&principals, `"role/r%d",`, i)
	}
	return write(t, t.TempDir(),
		"acme/access-policies/p.json", `{"version":"v1alpha1","name":"p","statements":[
			{"name":"a","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":[`+principals.String()+`"role/Admin"]},
			{"name":"d","effect":"Deny","actions":["s3:*"],"resources":[`+strings.TrimSuffix(resources.String(), ",")+`],"principals":["*"]}]}`,
		"acme/buckets.json", `{"buckets":["b"]}`,
		"beta/access-policies/p.json", organizationPolicy("Allow"), "beta/buckets.json", `{"buckets":["open"]}`)
}

// costlyAsk is an evaluation of acme, open at its end for more members.
var costlyAsk = `{"subject":{"type":"role","id":"Admin","properties":{"org":"acme"}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"b/` + strings.Repeat("a", 2000) + `"}`

// costlyBatch is a batch that takes many seconds.
var costlyBatch = costlyAsk + `,"evaluations":[` + strings.TrimSuffix(strings.Repeat("{},", 1000), ",") + `]}`

// costlySearch is a search for subjects whose page takes as long as it may.
var costlySearch = strings.Replace(costlyAsk, `"id":"Admin",`, "", 1) + "}"

// betaAsk is an evaluation of beta.
const betaAsk = `{"subject":{"type":"role","id":"Admin","properties":{"org":"beta"}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"open/k"}}`

// begin sends a request and does not wait for its answer.
func (s *server) begin(path, body string) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	if _, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// counter reads a sample of /metrics; 0 if it is not there.
func (s *server) counter(sample string) (n float64) {
	s.t.Helper()
	_, body := s.get("/metrics")
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, sample+" "); ok {
			fmt.Sscan(rest, &n)
		}
	}
	return n
}

// long are the requests that take long, by endpoint.
var long = map[string]struct{ path, body string }{
	"evaluations":    {"/access/v1/evaluations", costlyBatch},
	"search_subject": {"/access/v1/search/subject", costlySearch},
}

// TestWorkStopsWithItsClient: a batch, or a search, whose client has left ends
// early.
func TestWorkStopsWithItsClient(t *testing.T) {
	s := start(t, "serve", "-policies", costly(t))
	for endpoint, ask := range long {
		var asked []net.Conn
		for range 4 { // one is at work, others wait for their turn
			asked = append(asked, s.begin(ask.path, ask.body))
		}
		time.Sleep(300 * time.Millisecond) // it is at work
		if n := s.counter(`postern_http_requests_total{endpoint="` + endpoint + `",code="200"}`); n != 0 {
			t.Fatalf("%s: answered already: the request is not long enough for this test", endpoint)
		}
		for _, c := range asked {
			c.Close()
		}
		s.await(endpoint+" ended early", func() bool {
			return s.counter(`postern_http_requests_total{endpoint="`+endpoint+`",code="503"}`) == float64(len(asked))
		})
		if n := s.counter(`postern_http_requests_total{endpoint="` + endpoint + `",code="200"}`); n != 0 {
			t.Errorf("%s: it was worked on to its end", endpoint)
		}
	}
}

// TestShutdownStopsWork: SIGTERM does not wait for long work, which is answered
// 503.
func TestShutdownStopsWork(t *testing.T) {
	dir := costly(t)
	for endpoint, ask := range long {
		s := start(t, "serve", "-policies", dir)
		var asked []net.Conn
		for range 3 { // one is at work, others wait for their turn
			asked = append(asked, s.begin(ask.path, ask.body))
		}
		time.Sleep(300 * time.Millisecond)
		if code := s.stop(); code != 0 {
			t.Errorf("%s: exit %d", endpoint, code)
		}
		if r := s.find("some connections were cut off"); r != nil {
			t.Errorf("%s: %v", endpoint, r)
		}
		for _, c := range asked {
			_ = c.SetReadDeadline(time.Now().Add(patience))
			r, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Errorf("%s: %v", endpoint, err)
				continue
			}
			if body, _ := io.ReadAll(r.Body); r.StatusCode != 503 || !strings.Contains(string(body), "shutting down") {
				t.Errorf("%s: %d %s", endpoint, r.StatusCode, body)
			}
		}
	}
}

// TestTurns: however much one organization asks, the work of another goes on.
func TestTurns(t *testing.T) {
	s := start(t, "serve", "-policies", costly(t))
	for range 8 {
		for _, ask := range long {
			s.begin(ask.path, ask.body)
		}
	}
	time.Sleep(300 * time.Millisecond)
	post := func(path, body string, headers ...string) string {
		t.Helper()
		r, err := http.NewRequest("POST", "http://"+s.address+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		for _, h := range headers {
			r.Header.Set(h, "true")
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		code, text := read(t, answer)
		if code != 200 {
			t.Errorf("%s: %d %s", path, code, text)
		}
		return text
	}
	for range 5 {
		if got := post("/access/v1/evaluation", betaAsk); got != `{"decision":true}` {
			t.Error(got)
		}
		if got := post("/access/v1/evaluation", betaAsk, "X-Postern-Explain"); !strings.Contains(got, `"determining":[{`) {
			t.Error(got)
		}
		if got := post("/access/v1/evaluations", `{"evaluations":[`+strings.TrimSuffix(strings.Repeat(betaAsk+",", 500), ",")+`]}`); strings.Count(got, "true") != 500 {
			t.Errorf("%.300s", got)
		}
		if got := post("/access/v1/search/action", betaAsk); !strings.Contains(got, `"s3:GetObject"`) {
			t.Errorf("%.300s", got)
		}
	}
	if n := s.counter(`postern_http_requests_total{endpoint="evaluations",code="200"}`); n != 5 {
		t.Errorf("%v batches are answered: those of acme are not long enough for this test", n)
	}
}
