package benchmarks

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is `postern serve` as users run it, on a Unix socket and on TCP.
type process struct {
	testing.TB
	cmd     *exec.Cmd
	socket  string
	tcp     string // address
	client  *http.Client
	done    chan struct{}
	mu      sync.Mutex
	trouble []string // log records above INFO
}

// startProcess builds postern, serves root, and waits until it is ready.
func startProcess(t testing.TB, root string, flags ...string) *process {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "postern")
	if out, err := exec.Command("go", "build", "-o", binary, "postern/cmd/postern").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p := &process{TB: t, socket: filepath.Join(dir, "s"), done: make(chan struct{})}
	p.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", p.socket)
	}}}
	p.cmd = exec.Command(binary, append([]string{"serve", "-policies", root, "-socket", p.socket, "-listen", "127.0.0.1:0"}, flags...)...)
	p.cmd.Env = append(os.Environ(), "GOGC=100") // by which rest tells what is live
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.readLog(stderr)
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(20 * time.Second):
			t.Error("postern does not end on SIGTERM")
			_ = p.cmd.Process.Kill()
			<-p.done
		}
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("postern ended: %v", err)
		}
	})
	p.await("it is ready", time.Minute, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.tcp == "" {
			return false
		}
		r, err := p.client.Get("http://localhost/readyz")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == 200
	})
	return p
}

// readLog keeps what the log says that is worth a look.
func (p *process) readLog(from io.Reader) {
	defer close(p.done)
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r struct{ Level, Msg, Address string }
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			r.Level = "no JSON"
		}
		p.mu.Lock()
		if r.Msg == "serving" && strings.HasPrefix(r.Address, "127.") {
			p.tcp = r.Address
		}
		if r.Level != "INFO" {
			p.trouble = append(p.trouble, lines.Text())
		}
		p.mu.Unlock()
	}
}

// takeTrouble returns the log records above INFO since it was last called.
func (p *process) takeTrouble() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.trouble
	p.trouble = nil
	return t
}

// await polls until ok; patience is how long at most.
func (p *process) await(what string, patience time.Duration, ok func() bool) {
	p.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		select {
		case <-p.done:
			p.Fatalf("postern ended before %s: %v", what, p.takeTrouble())
		default:
		}
		if time.Now().After(end) {
			p.Fatalf("waited %s in vain until %s: %v", patience, what, p.takeTrouble())
		}
	}
}

// metrics reads /metrics; only series without labels are kept.
func (p *process) metrics() map[string]float64 {
	p.Helper()
	r, err := p.client.Get("http://localhost/metrics")
	if err != nil {
		p.Fatal(err)
	}
	defer r.Body.Close()
	out := map[string]float64{}
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			out[name] = v
		}
	}
	return out
}

func (p *process) generation() int { return int(p.metrics()["postern_generation"]) }

// usage is what the process holds once it rests.
type usage struct {
	live, rss       float64 // bytes: what the last collection found live; resident
	goroutines, fds int
}

// rest lets the process idle, has it collect its garbage, by looking at the
// whole directory a few times, and tells what it holds: of some looks the
// least, as connections that were closed may still be at their end.
func (p *process) rest(idle time.Duration) (u usage) {
	p.Helper()
	time.Sleep(idle)
	collections := func() (int, map[string]float64) {
		m := p.metrics()
		return int(m["go_gc_cycles_total"]), m
	}
	first, _ := collections()
	p.await("it has collected its garbage", 2*time.Minute, func() bool {
		_ = p.cmd.Process.Signal(syscall.SIGHUP)
		n, m := collections()
		u.live = m["go_memstats_next_gc_bytes"] / 2 // GOGC is 100
		return n >= first+3
	})
	u.goroutines, u.fds = math.MaxInt, math.MaxInt
	for range 20 {
		time.Sleep(10 * time.Millisecond)
		u.goroutines = min(u.goroutines, int(p.metrics()["go_goroutines"]))
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
		if err != nil {
			p.Fatal(err)
		}
		u.fds = min(u.fds, len(fds))
	}
	u.rss = p.status("VmRSS:") * 1024
	return u
}

// status reads one number of /proc/PID/status.
func (p *process) status(name string) float64 {
	p.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.Fatal(err)
	}
	_, b, _ = bytes.Cut(b, []byte(name))
	f := bytes.Fields(b)
	if len(f) == 0 {
		p.Fatalf("/proc says nothing of %s", name)
	}
	v, err := strconv.ParseFloat(string(f[0]), 64)
	if err != nil {
		p.Fatal(err)
	}
	return v
}
