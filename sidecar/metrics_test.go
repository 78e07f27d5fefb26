package sidecar

import (
	"bufio"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/policy"
)

// metric reads one sample of /metrics.
func metric(t testing.TB, text, sample string) float64 {
	t.Helper()
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, sample+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			return v
		}
	}
	t.Fatalf("there is no %s in\n%s", sample, text)
	return 0
}

func TestMetrics(t *testing.T) {
	status := &policy.Status{Generation: 7, Statements: [policy.LayerCount]int{policy.LayerOrganization: 3, policy.LayerBucket: 1}, SnapshotBytes: 12345,
		LastSuccess: time.UnixMilli(1700000000500), Quarantined: make([]policy.QuarantinedUnit, 2), WarningCount: 5}
	s := serve(t, func(c *Config) { c.Status = func() *policy.Status { return status } })
	yes, no := evaluation("jean", "s3:GetObject", "object", "closed/k"), evaluation("max", "s3:GetObject", "object", "closed/secret-key")
	c := s.dial(t)
	for _, text := range []string{post(pathEvaluation, yes), post(pathEvaluation, yes), post(pathEvaluation, no), post(pathEvaluation, "x"),
		post(pathEvaluation, evaluation("jean", "s3:DeleteObject", "object", "closed/k")),
		post(pathEvaluations, `{"evaluations":[`+yes+`,`+no+`,{},{}]}`), post(pathEvaluations, yes), post(pathEvaluations, `[]`),
		post(pathEvaluations, `{"options":{"evaluations_semantic":"permit_on_first_permit"},"evaluations":[`+no+`,`+yes+`,`+yes+`]}`),
		post(pathEvaluations, `{"evaluations":[`+no+`,`+yes+`,`+yes+`],"options":{"evaluations_semantic":"deny_on_first_deny"}}`),
		post(pathEvaluations, `{"evaluations":[`+yes+`,`+yes+`,{"x":1,"x":2}]}`),
		get("/healthz"), get("/secret-path"), get(pathEvaluation)} {
		c.send(text).answer()
	}
	s.ObserveReload(&policy.Status{Result: policy.ReloadOK, Duration: 3 * time.Millisecond})
	s.ObserveReload(&policy.Status{Result: policy.ReloadQuarantined, Duration: 2 * time.Hour})
	s.ObserveReload(&policy.Status{Result: policy.ReloadQuarantined})
	got := c.send(get("/metrics")).answer()
	if got.header.Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("%v", got.header)
	}
	for sample, want := range map[string]float64{
		`postern_decisions_total{outcome="Allow",layer="bucket",reason="allowed"}`:                        2 + 1 + 1 + 1,
		`postern_decisions_total{outcome="ImplicitDeny",layer="bucket",reason="bucket_no_match"}`:         1 + 1 + 1 + 1,
		`postern_decisions_total{outcome="ExplicitDeny",layer="organization",reason="organization_deny"}`: 1,
		`postern_decisions_total{outcome="ImplicitDeny",layer="none",reason="none"}`:                      2,
		`postern_http_requests_total{endpoint="evaluation",code="200"}`:                                   4,
		`postern_http_requests_total{endpoint="evaluation",code="400"}`:                                   1,
		`postern_http_requests_total{endpoint="evaluation",code="405"}`:                                   1,
		`postern_http_requests_total{endpoint="evaluations",code="200"}`:                                  4,
		`postern_http_requests_total{endpoint="evaluations",code="400"}`:                                  2,
		`postern_http_requests_total{endpoint="other",code="404"}`:                                        1,
		`postern_http_requests_total{endpoint="healthz",code="200"}`:                                      1,
		`postern_request_duration_seconds_count{endpoint="evaluation"}`:                                   6,
		`postern_request_duration_seconds_count{endpoint="evaluations"}`:                                  6,
		`postern_request_duration_seconds_count{endpoint="healthz"}`:                                      1,
		`postern_request_duration_seconds_count{endpoint="other"}`:                                        1,
		`postern_request_duration_seconds_bucket{endpoint="evaluation",le="+Inf"}`:                        6,
		`postern_open_connections`:                                  1,
		`postern_warnings`:                                          5,
		`postern_reload_total{result="ok"}`:                         1,
		`postern_reload_total{result="quarantined"}`:                2,
		`postern_reload_total{result="failed"}`:                     0,
		`postern_reload_duration_seconds_bucket{le="0.001"}`:        1,
		`postern_reload_duration_seconds_bucket{le="0.005"}`:        2,
		`postern_reload_duration_seconds_bucket{le="60"}`:           2,
		`postern_reload_duration_seconds_count`:                     3,
		`postern_reload_duration_seconds_sum`:                       7200.003,
		`postern_last_reload_success_timestamp_seconds`:             1700000000.5,
		`postern_generation`:                                        7,
		`postern_policy_info{digest="` + testDigest.String() + `"}`: 1,
		`postern_statements{layer="organization"}`:                  3,
		`postern_statements{layer="bucket"}`:                        1,
		`postern_statements{layer="iam"}`:                           0,
		`postern_quarantined_units`:                                 2,
		`postern_snapshot_bytes`:                                    12345,
	} {
		if v := metric(t, got.body, sample); v != want {
			t.Errorf("%s = %v, want %v", sample, v, want)
		}
	}
	for _, sample := range []string{"go_goroutines", "process_resident_memory_bytes", "go_memstats_heap_alloc_bytes"} {
		if metric(t, got.body, sample) <= 0 {
			t.Errorf("%s is 0", sample)
		}
	}
	if first := metric(t, got.body, `postern_request_duration_seconds_bucket{endpoint="evaluation",le="1e-05"}`); first > 6 {
		t.Errorf("the first bucket holds %v", first)
	}
	for _, secret := range []string{"jean", "closed", "secret", "saml", `"o1"`} {
		if strings.Contains(got.body, secret) {
			t.Errorf("the metrics hold %q", secret)
		}
	}
	checkFormat(t, got.body)
}

// checkFormat holds text to Prometheus' text format: every sample of ours
// comes after its TYPE, no sample twice, buckets cumulative.
func checkFormat(t *testing.T, text string) {
	t.Helper()
	sample := regexp.MustCompile(`^([a-z_][a-z0-9_]*)(\{([a-zA-Z]+="[^"\\]*"(, ?[a-zA-Z]+="[^"\\]*")*)\})? (-?[0-9.e+-]+|\+Inf|NaN)$`)
	le := regexp.MustCompile(`le="[^"]*"`)
	types, seen := map[string]string{}, map[string]bool{}
	last, lastName := 0.0, ""
	scanner := bufio.NewScanner(strings.NewReader(text))
	for scanner.Scan() {
		line := scanner.Text()
		if fields := strings.Fields(line); len(fields) > 3 && fields[0] == "#" && fields[1] == "TYPE" {
			types[fields[2]] = fields[3]
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("no sample: %s", line)
			continue
		}
		if seen[m[1]+m[2]] {
			t.Errorf("twice: %s", line)
		}
		seen[m[1]+m[2]] = true
		if strings.HasPrefix(m[1], "postern_") {
			base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(m[1], "_bucket"), "_sum"), "_count")
			if types[m[1]] == "" && types[base] != "histogram" {
				t.Errorf("no TYPE before %s", line)
			}
		}
		if strings.HasSuffix(m[1], "_bucket") && strings.HasPrefix(m[1], "postern_") {
			v, _ := strconv.ParseFloat(m[5], 64)
			name := m[1] + le.ReplaceAllString(m[2], "")
			if name == lastName && v < last {
				t.Errorf("not cumulative: %s", line)
			}
			last, lastName = v, name
		}
	}
}

// TestCountingFromManyConnections: nothing is lost between blocks, also when
// exchanges were collected and their blocks used again.
func TestCountingFromManyConnections(t *testing.T) {
	s := serve(t, nil)
	body := post(pathEvaluation, evaluation("jean", "s3:GetObject", "object", "closed/k"))
	const rounds, clients, each = 3, 8, 25
	for range rounds {
		var wait sync.WaitGroup
		for range clients {
			c := s.dial(t)
			wait.Go(func() {
				for range each {
					if got := c.send(body).answer(); got.body != allowed {
						t.Errorf("%+v", got)
					}
				}
			})
		}
		wait.Wait()
		runtime.GC()
		runtime.GC() // empties the pool
	}
	got := s.ask(t, get("/metrics"))
	if n := metric(t, got.body, `postern_decisions_total{outcome="Allow",layer="bucket",reason="allowed"}`); n != rounds*clients*each {
		t.Errorf("%v decisions counted, want %d", n, rounds*clients*each)
	}
}

// TestBlocksAreUsedAgain: a block comes back when its exchange is gone.
func TestBlocksAreUsedAgain(t *testing.T) {
	s := build(t, nil)
	for range 50 {
		s.newExchange()
	}
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		runtime.GC()
		s.blocks.mu.Lock()
		free := len(s.blocks.free)
		s.blocks.mu.Unlock()
		if free > 40 {
			return
		}
		if time.Since(began) > 10*time.Second {
			t.Fatalf("%d of 50 blocks came back", free)
		}
	}
}

func TestCodes(t *testing.T) {
	for i, c := range codes {
		if codeOf(c) != i {
			t.Errorf("codeOf(%d) = %d", c, codeOf(c))
		}
	}
	if codes[codeOf(418)] != 500 {
		t.Error("an unknown status is not counted as 500")
	}
}
