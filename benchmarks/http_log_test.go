package benchmarks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/internal/loadgen"
)

// logged is a postern process with one way of logging decisions.
type logged struct {
	name    string
	process *process
	log     string
	cpu     []float64 // seconds of the processor a request, of each turn
	p99     []float64
	items   []float64 // of batches, a second
}

// processor is the time that the process has had of processors, as getrusage tells it.
func (l *logged) processor(b *testing.B) time.Duration {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", l.process.cmd.Process.Pid))
	if err != nil {
		b.Skip("no /proc, which tells how long a process has run")
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	ticks := 0
	for _, f := range fields[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// BenchmarkDecisionLog measures what the decision log costs (specification 8.5), on the
// real binary: the processor time of the sidecar a request with everything logged and
// with denies alone (one in twenty), p99 at one connection, and items a second of
// batches of 1,000, each by that of a process that logs nothing, as the median of nine
// turns. A turn is 100,000 requests, or POSTERN_LOG_TURN.
func BenchmarkDecisionLog(b *testing.B) {
	turn := 100_000
	if n, err := strconv.Atoi(os.Getenv("POSTERN_LOG_TURN")); err == nil {
		turn = n
	}
	root := b.TempDir()
	var statements []string
	for i := range 14 {
		statements = append(statements, fmt.Sprintf(`{"name":"s%d","effect":"Allow","actions":["s3:GetObject","s3:PutObject"],"resources":["b/team-%d/*"],"principals":["role/team-%d"]}`, i, i, i))
	}
	statements = append(statements, `{"name":"read","effect":"Allow","actions":["s3:GetObject","s3:ListBucket"],"resources":["*"],"principals":["role/reader"]}`)
	for name, text := range map[string]string{
		"acme/access-policies/p.json": `{"version":"v1alpha1","name":"p","statements":[` + strings.Join(statements, ",") + `]}`,
		"acme/buckets.json":           `{"buckets":["b"]}`,
	} {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	var requests, batches [][]byte
	var bodies []string
	for i := range 4000 {
		action := "s3:GetObject"
		if i%20 == 0 {
			action = "s3:DeleteObject"
		}
		body := fmt.Sprintf(`{"subject":{"type":"role","id":"reader","properties":{"org":"acme"}},"action":{"name":%q},"resource":{"type":"object","id":"b/path/to/object-%d"},"context":{"aws:SourceIp":"192.0.2.7"}}`, action, i)
		bodies = append(bodies, body)
		requests = append(requests, loadgen.Post("/access/v1/evaluation", body))
	}
	for i := 0; i < len(bodies); i += 1000 {
		batches = append(batches, loadgen.Post("/access/v1/evaluations", `{"evaluations":[`+strings.Join(bodies[i:i+1000], ",")+`]}`))
	}
	check := func(i int, body []byte) error {
		if allowed, err := loadgen.Decision(body); err != nil || allowed != (i%20 != 0) {
			return fmt.Errorf("answered %s, %v", body, err)
		}
		return nil
	}
	checkBatch := func(_ int, body []byte) error {
		decisions, err := loadgen.Decisions(nil, body)
		for i, allowed := range decisions {
			if allowed != (i%20 != 0) {
				return fmt.Errorf("item %d is answered %v", i, allowed)
			}
		}
		if len(decisions) != 1000 {
			return fmt.Errorf("%d decisions, %v", len(decisions), err)
		}
		return err
	}
	file := func(name string) string { return filepath.Join(b.TempDir(), name) }
	sides := []*logged{{name: "nothing"}, {name: "all", log: file("all")}, {name: "denies", log: file("denies")}}
	for _, s := range sides {
		var flags []string
		if s.log != "" {
			flags = append(flags, "-decision-log", s.log)
		}
		if s.name == "denies" {
			flags = append(flags, "-log-allows", "none")
		}
		s.process = startProcess(b, root, flags...)
	}
	run := func(s *logged, l loadgen.Load) *loadgen.Result {
		b.Helper()
		l.Network, l.Address = "tcp", s.process.tcp
		r, err := l.Run(context.Background())
		if err != nil {
			b.Fatalf("%s: %v", s.name, err)
		}
		return r
	}
	for b.Loop() {
		for i := range 10 {
			for at := range sides {
				s := sides[(i+at)%len(sides)]
				if s.log != "" { // what was written is not needed, and fills the disk
					_ = os.Truncate(s.log, 0)
				}
				before := s.processor(b)
				run(s, loadgen.Load{Connections: 8, Requests: requests, Check: check, Count: uint64(turn)})
				time.Sleep(100 * time.Millisecond) // until all is written
				cpu := (s.processor(b) - before).Seconds() / float64(turn)
				one := run(s, loadgen.Load{Connections: 1, Requests: requests, Check: check, Count: uint64(turn / 4)})
				many := run(s, loadgen.Load{Connections: 2, Requests: batches, Check: checkBatch, Count: 200})
				if i == 0 {
					continue // the first turn loads what it needs
				}
				s.cpu, s.p99, s.items = append(s.cpu, cpu), append(s.p99, float64(one.Latency.Quantile(0.99))), append(s.items, 1000*many.PerSecond())
			}
		}
	}
	ratio := func(x, y []float64) float64 {
		var out []float64
		for i := range x {
			out = append(out, x[i]/y[i])
		}
		return median(out)
	}
	none, all, denies := sides[0], sides[1], sides[2]
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(none.cpu)*1e9, "nothing-cpu-ns")
	b.ReportMetric(median(all.cpu)*1e9, "all-cpu-ns")
	b.ReportMetric(ratio(all.cpu, none.cpu), "all-cpu-ratio")
	b.ReportMetric(ratio(denies.cpu, none.cpu), "denies-cpu-ratio")
	b.ReportMetric(ratio(all.p99, none.p99), "all-p99-ratio")
	b.ReportMetric(ratio(all.items, none.items), "all-items-ratio")
	dropped := all.process.metrics()
	for name, n := range dropped {
		if strings.HasPrefix(name, "postern_decision_log_dropped_total") {
			b.Logf("%s %v", name, n)
		}
	}
}
