package peers

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
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

	"postern/internal/policywrite"
)

var (
	opaBinary    = flag.String("opa", "", "OPA's `program`; without it, it is built from its module")
	patience     = flag.Duration("patience", 5*time.Minute, "how long a server may take until it is ready")
	cerbosBinary = flag.String("cerbos", "", "Cerbos' `program`; without it, it is fetched from its npm package")
)

// cerbosVersion is the version of @cerbos/cerbos-linux-x64 that is fetched.
const cerbosVersion = "0.55.0"

// process is a server that runs until the benchmark ends.
type process struct {
	address string
	dir     string // its files
	started time.Duration
	began   time.Time
	cmd     *exec.Cmd
	out     bytes.Buffer
	ended   chan struct{}
}

// freeAddress is an address of this machine that nobody listens on. Its port lies below
// those that the system gives to the near ends of connections, so that none of them takes
// it before a server does.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 20_000+rand.IntN(12_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	tb.Fatal("no port is free")
	return ""
}

// newProcess makes a folder for a server, which lives as long as it does.
func newProcess(tb testing.TB, address string) *process {
	return &process{address: address, dir: tb.TempDir(), ended: make(chan struct{})}
}

// write writes a file of the server's folder, and returns its path.
func (p *process) write(name string, content []byte) string {
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		panic(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		panic(err)
	}
	return path
}

// writeJSON writes a value as a file of the server's folder.
func (p *process) writeJSON(tb testing.TB, name string, v any) string {
	tb.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return p.write(name, text)
}

// start runs the program.
func (p *process) start(tb testing.TB, program string, args ...string) {
	tb.Helper()
	p.cmd = exec.Command(program, args...)
	p.cmd.Dir = p.dir
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	tb.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(20 * time.Second):
			_ = p.cmd.Process.Kill()
			<-p.ended
		}
	})
}

// await polls until the server is ready; false if it is not within patience,
// and it is ended then.
func (p *process) await(tb testing.TB, url string) bool {
	tb.Helper()
	for ; ; time.Sleep(5 * time.Millisecond) {
		if r, err := http.Get(url); err == nil {
			_ = r.Body.Close()
			if r.StatusCode == http.StatusOK {
				p.started = time.Since(p.began)
				return true
			}
		}
		select {
		case <-p.ended:
			tb.Fatalf("%s ended before it was ready: %s", p.cmd.Path, p.out.Bytes())
		default:
		}
		if time.Since(p.began) > *patience {
			_ = p.cmd.Process.Kill()
			<-p.ended
			return false
		}
	}
}

// status reads one number of kilobytes of /proc/PID/status, as bytes.
func (p *process) status(tb testing.TB, name string) float64 {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), name)
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		tb.Fatalf("/proc says nothing of %s", name)
	}
	v, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		tb.Fatal(err)
	}
	return v * 1024
}

// programs are built or fetched once a run, by name.
var programs sync.Map // of *program

type program struct {
	once sync.Once
	path string
	err  error
}

// scratch is where programs are put; TestMain removes it.
var scratch = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "postern-peers-") })

// TestMain removes the programs that were built or fetched.
func TestMain(m *testing.M) {
	code := m.Run()
	made := false
	programs.Range(func(any, any) bool { made = true; return false })
	if made {
		if dir, err := scratch(); err == nil {
			_ = os.RemoveAll(dir)
		}
	}
	os.Exit(code)
}

// find returns a program's path, and makes it if this run has not yet.
func find(tb testing.TB, name string, make func(dir string) (string, error)) string {
	tb.Helper()
	v, _ := programs.LoadOrStore(name, new(program))
	p := v.(*program)
	p.once.Do(func() {
		var dir string
		if dir, p.err = scratch(); p.err == nil {
			p.path, p.err = make(dir)
		}
	})
	if p.err != nil {
		tb.Fatalf("%s: %v", name, p.err)
	}
	return p.path
}

// command runs a command in a folder and returns what it printed.
func command(dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %v\n%s", name, err, stderr.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}

// startPostern runs postern as its README does, on the policies as files.
func startPostern(tb testing.TB, w *world, address string) *process {
	tb.Helper()
	binary := find(tb, "postern", func(dir string) (string, error) {
		path := filepath.Join(dir, "postern")
		_, err := command("../..", []string{"CGO_ENABLED=0"}, "go", "build", "-o", path, "./cmd/postern")
		return path, err
	})
	p := newProcess(tb, address)
	for name, o := range w.directory.Organizations {
		for _, d := range o.Policies {
			p.write(filepath.Join("policies", d.File), policywrite.Append(nil, d))
		}
		var owned []string
		for bucket, b := range w.directory.Buckets {
			if b.Owner == name {
				owned = append(owned, bucket)
			}
		}
		p.writeJSON(tb, filepath.Join("policies", name, "buckets.json"), map[string]any{"buckets": owned})
	}
	p.start(tb, binary, "serve", "-policies", "policies", "-listen", address)
	return p
}

// startOPA runs OPA's server on the policy and the data that the engine in one
// process has. It logs errors alone: a line a request, its default, costs it
// half its speed.
func startOPA(tb testing.TB, w *world, address string) *process {
	tb.Helper()
	binary := *opaBinary
	if binary == "" {
		binary = find(tb, "opa", func(dir string) (string, error) {
			const module = "github.com/open-policy-agent/opa"
			version, err := command(".", nil, "go", "list", "-m", "-f", "{{.Version}}", module)
			if err != nil {
				return "", err
			}
			_, err = command(dir, []string{"GOBIN=" + dir, "GOFLAGS="}, "go", "install", module+"@"+version)
			return filepath.Join(dir, "opa"), err
		})
	}
	p := newProcess(tb, address)
	data := p.writeJSON(tb, "data.json", map[string]any{"statements": opaStatements(w)})
	policy := p.write("peers.rego", []byte(opaSingle))
	p.start(tb, binary, "run", "-s", "--addr", address, "--log-level", "error", "--skip-version-check", "--optimize-store-for-read-speed", policy, data)
	return p
}
