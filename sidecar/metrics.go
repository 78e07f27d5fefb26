package sidecar

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"postern/internal/decisionlog"
	"postern/internal/procstat"
	"postern/policy"
)

// reloads are the figures of looks at the policy directory. They change a few
// times a second at most, so a lock is good enough.
type reloads struct {
	mu        sync.Mutex
	results   [policy.ReloadResultCount]uint64
	durations [len(reloadBounds) + 1]uint64
	sum       time.Duration
}

var reloadBounds = [...]time.Duration{
	time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
	250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute,
}

// ObserveReload counts a look at the policy directory, which st describes.
func (s *Server) ObserveReload(st *policy.Status) {
	s.notReady(st) // notes that it has been ready
	r := &s.reloads
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results[min(st.Result, policy.ReloadFailed)]++
	i := 0
	for i < len(reloadBounds) && st.Duration > reloadBounds[i] {
		i++
	}
	r.durations[i]++
	r.sum += st.Duration
}

// metricsPage is Prometheus' text format (specification 3.4). No label holds
// anything that a request or a policy says.
type metricsPage struct{}

func (metricsPage) show(x *exchange) reply {
	s := x.server
	x.buf = append(x.buf[:0], s.figures.get(s.metrics)...)
	return reply{status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8", body: x.buf}
}

// joined is a text that costs something to make. It is made once at a time, and
// those who wait meanwhile share the next one: each gets one that was begun after
// it asked.
type joined struct {
	making sync.Mutex
	mu     sync.Mutex
	next   *made
}

type made struct {
	once sync.Once
	text []byte
}

// get returns the text, which must not be changed.
func (j *joined) get(work func() []byte) []byte {
	j.mu.Lock()
	if j.next == nil {
		j.next = new(made)
	}
	m := j.next
	j.mu.Unlock()
	m.once.Do(func() {
		j.making.Lock()
		defer j.making.Unlock()
		j.mu.Lock()
		j.next = nil // who asks from now on wants a later one
		j.mu.Unlock()
		m.text = work()
	})
	return m.text
}

// WriteMetrics writes what /metrics answers, once. An error of w is not told.
func (s *Server) WriteMetrics(w io.Writer) {
	w.Write(s.figures.get(s.metrics))
}

// metrics makes the text of /metrics.
func (s *Server) metrics() []byte {
	var b bytes.Buffer
	s.writeMetrics(&b)
	return b.Bytes()
}

func (s *Server) writeMetrics(w *bytes.Buffer) {
	t := s.blocks.sum()
	family(w, "postern_build_info", "gauge", "1; the labels say which build of postern this is.")
	fmt.Fprintf(w, "postern_build_info{version=%q,goversion=%q} 1\n", s.config.Version, runtime.Version())
	family(w, "postern_decisions_total", "counter", "Decisions by outcome, by the layer that decided, and by reason; an item of a batch counts as one.")
	for i, n := range t.decisions {
		v := verdict(i)
		if n > 0 || slices.Contains(v.reason().Layers(), v.layer()) {
			fmt.Fprintf(w, "postern_decisions_total{outcome=%q,layer=%q,reason=%q} %d\n", v.reason().Outcome(), v.layer(), v.reason(), n)
		}
	}
	family(w, "postern_http_requests_total", "counter", "Answers by endpoint and status code; what could not be read to the end of its head is of endpoint other.")
	for e := range t.requests {
		if !s.has(endpoint(e)) {
			continue
		}
		for i, n := range t.requests[e] {
			if n > 0 || codes[i] == 200 && endpoint(e) != endpointOther {
				fmt.Fprintf(w, "postern_http_requests_total{endpoint=%q,code=\"%d\"} %d\n", table[e].name, codes[i], n)
			}
		}
	}
	family(w, "postern_request_duration_seconds", "histogram", "Time from a request's last byte to its answer's first.")
	for e := range t.durations {
		if !s.has(endpoint(e)) {
			continue
		}
		d := &t.durations[e]
		histogram(w, "postern_request_duration_seconds", fmt.Sprintf("endpoint=%q", table[e].name), bounds[:], d.counts[:], float64(d.nanos)/1e9)
	}
	gauge(w, "postern_open_connections", "Connections that are open now, on all listeners.", itoa(s.connections.open()))

	if l := s.config.Log; l != nil {
		writeLogMetrics(w, l.Stats(), l.Logged())
	}
	r := &s.reloads
	r.mu.Lock()
	results, durations, sum := r.results, r.durations, r.sum
	r.mu.Unlock()
	family(w, "postern_reload_total", "counter", "Looks at the policy directory by result.")
	for i, n := range results {
		fmt.Fprintf(w, "postern_reload_total{result=%q} %d\n", policy.ReloadResult(i), n)
	}
	family(w, "postern_reload_duration_seconds", "histogram", "Time that a look at the policy directory took.")
	histogram(w, "postern_reload_duration_seconds", "", reloadBounds[:], durations[:], sum.Seconds())

	status := s.config.Status()
	success := float64(0)
	if !status.LastSuccess.IsZero() {
		success = float64(status.LastSuccess.UnixMilli()) / 1e3
	}
	generation := uint64(0)
	snapshot := s.config.Current.Load()
	if snapshot != nil {
		generation = snapshot.Generation()
	}
	gauge(w, "postern_last_reload_success_timestamp_seconds", "When a look last ended without a quarantined unit; 0 if never.", strconv.FormatFloat(success, 'f', -1, 64))
	gauge(w, "postern_generation", "Generation of the snapshot in force; 0 before the first.", strconv.FormatUint(generation, 10))
	family(w, "postern_policy_info", "gauge", "1, with the digest of the policy files in force; none before the first generation.")
	if snapshot != nil {
		fmt.Fprintf(w, "postern_policy_info{digest=%q} 1\n", snapshot.Digest())
	}
	family(w, "postern_statements", "gauge", "Statements in force by layer.")
	for l := policy.LayerNone + 1; l < policy.LayerCount; l++ {
		fmt.Fprintf(w, "postern_statements{layer=%q} %d\n", l, status.Statements[l])
	}
	gauge(w, "postern_quarantined_units", "Units that are broken, and at their last good content or denied.", itoa(len(status.Quarantined)))
	gauge(w, "postern_warnings", "Warnings of the files in force.", itoa(status.WarningCount))
	held := time.Duration(0)
	if !status.HeldSince.IsZero() {
		held = time.Since(status.HeldSince)
	}
	gauge(w, "postern_hold_age_seconds", "How long .hold in the policy directory has kept new policies from being published; 0 if it does not.", strconv.FormatFloat(held.Seconds(), 'f', 3, 64))
	gauge(w, "postern_snapshot_bytes", "Size of the snapshot in force, in bytes, as the index counts it.", strconv.FormatInt(status.SnapshotBytes, 10))
	for _, f := range procstat.Read() {
		family(w, f.Name, f.Kind, f.Help)
		fmt.Fprintf(w, "%s %s\n", f.Name, strconv.FormatFloat(f.Value, 'g', -1, 64))
	}
}

// writeLogMetrics writes the figures of the decision log, and of the candidate that it
// asks.
func writeLogMetrics(w *bytes.Buffer, st decisionlog.Stats, logged bool) {
	if logged {
		family(w, "postern_decision_log_lines_total", "counter", "Lines that were written to the decision log.")
		fmt.Fprintf(w, "postern_decision_log_lines_total %d\n", st.Lines)
		family(w, "postern_decision_log_failures_total", "counter", "Writes to the decision log that failed; they are tried again.")
		fmt.Fprintf(w, "postern_decision_log_failures_total %d\n", st.Failures)
		family(w, "postern_decision_log_dropped_total", "counter", "Decisions that found no room, and are not in the log.")
		fmt.Fprintf(w, "postern_decision_log_dropped_total{outcome=\"allow\"} %d\npostern_decision_log_dropped_total{outcome=\"deny\"} %d\n", st.DroppedAllow, st.DroppedDeny)
	}
	if st.Shadow != nil {
		family(w, "postern_shadow_decisions_total", "counter", "What the candidate of -shadow came to, against the policies in force.")
		for i, result := range decisionlog.ShadowResults() {
			fmt.Fprintf(w, "postern_shadow_decisions_total{result=%q} %d\n", result, st.Shadow[i])
		}
	}
}

func family(w io.Writer, name, kind, help string) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func gauge(w io.Writer, name, help, value string) {
	family(w, name, "gauge", help)
	fmt.Fprintf(w, "%s %s\n", name, value)
}

// histogram writes cumulative buckets; counts has one more than bounds. label is
// one that all samples have, or "".
func histogram(w io.Writer, name, label string, bounds []time.Duration, counts []uint64, sum float64) {
	before, all := "", ""
	if label != "" {
		before, all = label+",", "{"+label+"}"
	}
	total := uint64(0)
	for i, n := range counts {
		total += n
		le := "+Inf"
		if i < len(bounds) {
			le = strconv.FormatFloat(bounds[i].Seconds(), 'g', -1, 64)
		}
		fmt.Fprintf(w, "%s_bucket{%sle=%q} %d\n", name, before, le, total)
	}
	fmt.Fprintf(w, "%s_sum%s %g\n%s_count%s %d\n", name, all, sum, name, all, total)
}
