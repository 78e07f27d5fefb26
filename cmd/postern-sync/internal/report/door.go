package report

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Door returns what serves /healthz, /readyz and /metrics of a puller; now returns its
// report.
func Door(now func() *Report) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		r := now()
		w.Header().Set("Content-Type", "application/json")
		if r.Revision.Revision == 0 { // a cluster that is gone makes nothing unready
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		json.NewEncoder(w).Encode(r)
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		fmt.Fprint(w, metrics(now(), time.Now()))
	})
	return mux
}

// metrics are the figures of a report in the text form of Prometheus.
func metrics(r *Report, now time.Time) string {
	var b strings.Builder
	gauge := func(name, help string, value float64) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n%s %v\n", name, help, name, name, value)
	}
	age := func(t time.Time) float64 {
		if t.IsZero() {
			return -1
		}
		return max(now.Sub(t).Seconds(), 0)
	}
	failing := 0.0
	if r.Err != "" {
		failing = 1
	}
	gauge("postern_sync_epoch", "Epoch of the revision that the directory has, 0 before the first.", float64(r.Revision.Epoch))
	gauge("postern_sync_revision", "Revision that the directory has, 0 before the first.", float64(r.Revision.Revision))
	gauge("postern_sync_lag_revisions", "Revisions that the directory is behind the newest one seen.", float64(r.Lag()))
	gauge("postern_sync_revision_age_seconds", "Time since the revision of the directory was made, -1 before the first.", age(r.Time))
	gauge("postern_sync_contact_age_seconds", "Time since the stream last answered, -1 before the first answer.", age(r.Contact))
	gauge("postern_sync_files", "Policy files of the directory.", float64(r.Files))
	gauge("postern_sync_failing", "1 while the newest revision cannot be applied or read.", failing)
	fmt.Fprintf(&b, "# HELP postern_sync_policy_info Digest of the revision that the directory has.\n# TYPE postern_sync_policy_info gauge\npostern_sync_policy_info{digest=%q} 1\n", r.Digest)
	return b.String()
}
