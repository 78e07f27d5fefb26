package benchmarks

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern/internal/policygen"
	"postern/policy"
)

// restAfter is how long after it is ready a process is at rest (specification 5,
// P16).
const restAfter = 100 * time.Second

// BenchmarkResident measures mark P16 and the time of a restart: the binary as users
// start it, on 100,000 buckets of `field` and of `buckets`, from exec to the first
// decision, its peak of resident memory, and what is resident once it rests.
func BenchmarkResident(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "postern")
	if out, err := exec.Command("go", "build", "-o", binary, "postern/cmd/postern").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for _, w := range []struct {
		name string
		make func() *policygen.Workload
	}{
		{"field", deployments["field"]},
		{"buckets", func() *policygen.Workload { return policygen.Buckets(100_000, seed) }},
	} {
		b.Run(w.name, func(b *testing.B) {
			root := b.TempDir()
			work := w.make()
			writeDirectory(b, root, work)
			question := work.Requests(1)[0]
			work = nil
			_, size := readValid(b, root)
			for b.Loop() {
				p, took := startAsked(b, binary, &question, "-policies", root)
				time.Sleep(restAfter)
				rest, peak := p.memory("VmRSS:"), p.memory("VmHWM:")
				p.stop()
				b.ReportMetric(milliseconds(took), "exec-ms")
				b.ReportMetric(peak, "peak-bytes")
				b.ReportMetric(rest, "rest-bytes")
			}
			b.ReportMetric(float64(size), "file-bytes")
			state := b.TempDir()
			p, _ := startAsked(b, binary, &question, "-policies", root, "-state", state)
			awaitMirror(b, state)
			p.stop()
			p, took := startAsked(b, binary, &question, "-policies", root, "-state", state)
			p.stop()
			b.ReportMetric(milliseconds(took), "exec-state-ms")
			begin := time.Now()
			readValid(b, root)
			b.ReportMetric(milliseconds(time.Since(begin)), "read-valid-ms")
		})
	}
}

// asked is a `postern serve` that has decided a question.
type asked struct {
	testing.TB
	cmd *exec.Cmd
}

// startAsked starts the binary on a Unix socket and asks a question until it is
// decided. It returns the time from exec to that.
func startAsked(b *testing.B, binary string, q *policygen.Question, flags ...string) (*asked, time.Duration) {
	b.Helper()
	socket := filepath.Join(b.TempDir(), "s")
	p := &asked{b, exec.Command(binary, append([]string{"serve", "-listen", "none", "-socket", socket}, flags...)...)}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GOGC=") && !strings.HasPrefix(v, "GOMEMLIMIT=") {
			p.cmd.Env = append(p.cmd.Env, v)
		}
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	body := evaluation(&q.Request)
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	for time.Since(began) < 5*time.Minute {
		r, err := client.Post("http://localhost/access/v1/evaluation", "application/json", bytes.NewReader(body))
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		var answer struct{ Decision bool }
		err = json.NewDecoder(r.Body).Decode(&answer)
		r.Body.Close()
		if r.StatusCode != http.StatusOK { // there is no snapshot yet
			time.Sleep(time.Millisecond)
			continue
		}
		took := time.Since(began)
		if err != nil || answer.Decision != (q.Want == policy.Allow) {
			b.Fatalf("%+v: %+v, %v, want %v", q.Request, answer, err, q.Want)
		}
		return p, took
	}
	b.Fatal("it does not decide")
	return nil, 0
}

// memory is a number of bytes of /proc/PID/status.
func (p *asked) memory(name string) float64 {
	return (&process{TB: p, cmd: p.cmd}).status(name) * 1024
}

func (p *asked) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		p.Errorf("postern ended: %v", err)
	}
}

// awaitMirror waits until the mirror has nothing more to write.
func awaitMirror(tb testing.TB, state string) {
	count := func() (n int) {
		_ = filepath.WalkDir(state, func(string, fs.DirEntry, error) error { n++; return nil })
		return n
	}
	for was, now := -1, count(); was != now; {
		time.Sleep(3 * time.Second)
		was, now = now, count()
	}
}
