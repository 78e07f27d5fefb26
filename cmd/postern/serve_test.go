package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
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

// patience is how long a test waits for what should come at once.
const patience = 30 * time.Second

// server is a running postern of the real binary.
type server struct {
	t       *testing.T
	cmd     *exec.Cmd
	address string // of TCP, "" with -listen none
	done    chan struct{}

	mu   sync.Mutex
	logs []string
}

// start runs the real binary on a free port, unless args say where to listen,
// and waits until it is ready. It is stopped when the test ends.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	s := launch(t, exec.Command(binary, args...))
	s.ready()
	return s
}

// ready waits until the server is ready, and learns where it listens.
func (s *server) ready() {
	s.t.Helper()
	s.await("it is ready", func() bool { return s.find("ready") != nil })
	if r := s.find("serving"); r != nil && !strings.HasPrefix(r["address"].(string), "/") {
		s.address = r["address"].(string)
	}
}

// launch runs a command line of the real binary and does not wait.
func launch(t *testing.T, cmd *exec.Cmd) *server {
	t.Helper()
	if !strings.Contains(strings.Join(cmd.Args, " "), "-listen") {
		cmd.Args = append(cmd.Args, "-listen", "127.0.0.1:0")
	}
	s := &server{t: t, cmd: cmd, done: make(chan struct{})}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.done)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			s.mu.Lock()
			s.logs = append(s.logs, lines.Text())
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		<-s.done
		s.cmd.Wait()
		if t.Failed() {
			t.Log("the server's log:\n" + s.log())
		}
	})
	return s
}

func (s *server) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.logs, "\n")
}

// find returns the first log record with a message, nil if there is none.
func (s *server) find(message string) map[string]any {
	for line := range strings.Lines(s.log()) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			s.t.Fatalf("a log line is no JSON: %q", line)
		}
		if r["msg"] == message {
			return r
		}
	}
	return nil
}

// await polls until ok, the server's end, or the end of patience.
func (s *server) await(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
		select {
		case <-s.done:
			if ok() {
				return
			}
			s.t.Fatalf("postern ended before %s:\n%s", what, s.log())
		default:
		}
	}
	s.t.Fatalf("waited %s in vain until %s:\n%s", patience, what, s.log())
}

// get returns status and body of a GET.
func (s *server) get(path string) (int, string) {
	s.t.Helper()
	r, err := http.Get("http://" + s.address + path)
	if err != nil {
		s.t.Fatal(err)
	}
	return read(s.t, r)
}

// ask posts an evaluation and returns status and body.
func (s *server) ask(body string) (int, string) {
	s.t.Helper()
	r, err := http.Post("http://"+s.address+"/access/v1/evaluation", "application/json", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	return read(s.t, r)
}

func read(t *testing.T, r *http.Response) (int, string) {
	t.Helper()
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(data)
}

// stop sends SIGTERM and returns the exit code.
func (s *server) stop() int {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	return s.wait()
}

func (s *server) wait() int {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(patience):
		s.t.Fatalf("postern does not end:\n%s", s.log())
	}
	s.cmd.Wait()
	return s.cmd.ProcessState.ExitCode()
}

const readKey = `{"subject":{"type":"role","id":"Admin","properties":{"org":"acme"}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"b/k"}}`

func organizationPolicy(effect string) string {
	return `{"version":"v1alpha1","name":"p","statements":[{"name":"s","effect":"` + effect + `","actions":["s3:*"],"resources":["*"],"principals":["*"]}]}`
}

func TestServeReloadsAndStops(t *testing.T) {
	dir := write(t, t.TempDir(),
		"acme/access-policies/p.json", organizationPolicy("Allow"),
		"acme/buckets.json", `{"buckets":["b"]}`)
	s := start(t, "serve", "-policies", dir)
	if code, body := s.ask(readKey); code != 200 || strings.TrimSpace(body) != `{"decision":true}` {
		t.Fatalf("%d %s", code, body)
	}
	denied := func() bool {
		_, body := s.ask(readKey)
		return strings.Contains(body, `"organization_deny"`)
	}
	write(t, dir, "acme/access-policies/p.json", organizationPolicy("Deny"))
	s.await("a changed file decides", denied)

	// A broken file changes nothing, and /readyz names it.
	write(t, dir, "acme/access-policies/p.json", organizationPolicy("allow"))
	s.await("a broken file is shown", func() bool {
		_, body := s.get("/readyz")
		return strings.Contains(body, "acme/access-policies")
	})
	if !denied() {
		t.Error("a broken file changed a decision")
	}
	if code, _ := s.get("/readyz"); code != 200 {
		t.Errorf("/readyz is %d with policies in force", code)
	}
	if _, body := s.get("/metrics"); !strings.Contains(body, "postern_quarantined_units 1") {
		t.Errorf("metrics do not count the broken unit:\n%s", body)
	}
	if code := s.stop(); code != 0 {
		t.Errorf("SIGTERM: exit %d", code)
	}
	if s.find("stopped") == nil {
		t.Error("the log does not say that it stopped")
	}
}

func TestSIGHUPRescans(t *testing.T) {
	// A buckets/ folder that vanishes with more than one policy is a fault
	// until SIGHUP confirms it (specification 4, Removals and faults): no event
	// does what this signal does.
	deny := `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::NAME","arn:aws:s3:::NAME/*"]}}`
	dir := write(t, t.TempDir(),
		"acme/access-policies/p.json", organizationPolicy("Allow"),
		"acme/buckets.json", `{"buckets":["b","c"]}`,
		"acme/buckets/b.json", strings.ReplaceAll(deny, "NAME", "b"),
		"acme/buckets/c.json", strings.ReplaceAll(deny, "NAME", "c"))
	s := start(t, "serve", "-policies", dir, "-rescan", "1h")
	// At once: a look that lands inside a removal file by file takes the files
	// that are gone for removed, as they are.
	if err := os.Rename(filepath.Join(dir, "acme/buckets"), filepath.Join(t.TempDir(), "buckets")); err != nil {
		t.Fatal(err)
	}
	s.await("the fault is shown", func() bool {
		_, body := s.get("/readyz")
		return strings.Contains(body, "acme/buckets")
	})
	if _, body := s.ask(readKey); !strings.Contains(body, "bucket_deny") {
		t.Errorf("the policies are not in force any more: %s", body)
	}
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.await("SIGHUP confirms the removal", func() bool {
		_, body := s.ask(readKey)
		return strings.Contains(body, `"decision":true`)
	})
}

// TestSIGTERMAnswersWhatIsInFlight sends half a request, the signal, and the
// other half.
func TestSIGTERMAnswersWhatIsInFlight(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"), "acme/buckets.json", `{"buckets":["b"]}`)
	s := start(t, "serve", "-policies", dir)
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	head := "POST /access/v1/evaluation HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
	body := readKey
	if _, err := io.WriteString(c, head+strconv.Itoa(len(body))+"\r\n\r\n"+body[:20]); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // so that the server has begun to read it
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.await("it stops", func() bool { return s.find("stopping: answering what is in flight") != nil })
	s.await("it accepts no more", func() bool {
		n, err := net.Dial("tcp", s.address)
		if err == nil {
			n.Close()
		}
		return err != nil
	})
	if _, err := io.WriteString(c, body[20:]); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(patience))
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal("the request in flight got no answer:", err)
	}
	if code, answer := read(t, r); code != 200 || !strings.Contains(answer, `"decision":true`) {
		t.Errorf("the request in flight got %d %s", code, answer)
	}
	if code := s.wait(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestServeOnSocketOnly(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	s := start(t, "serve", "-policies", root+"/examples/policies", "-listen", "none", "-socket", socket)
	if s.address != "" {
		t.Errorf("it listens on %s too", s.address)
	}
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	r, err := client.Get("http://anything/healthz")
	if err != nil {
		t.Fatal(err)
	}
	if code, body := read(t, r); code != 200 {
		t.Errorf("%d %s", code, body)
	}
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	client.CloseIdleConnections()
	if code := s.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if _, err := os.Lstat(socket); !os.IsNotExist(err) {
		t.Error("the socket is left behind:", err)
	}
}

func TestServeStartsWithBrokenFiles(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", `{"version":`, "acme/buckets.json", `{"buckets":["b"]}`)
	s := start(t, "serve", "-policies", dir)
	if code, body := s.ask(readKey); code != 200 || !strings.Contains(body, `"organization_unavailable"`) {
		t.Errorf("%d %s", code, body)
	}
	if _, body := s.get("/readyz"); !strings.Contains(body, "acme/access-policies/p.json") {
		t.Errorf("/readyz does not name the file: %s", body)
	}
	if !strings.Contains(s.log(), "acme/access-policies/p.json:1:") {
		t.Errorf("the log does not name the place:\n%s", s.log())
	}
}

func TestServeCannotStart(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "none")
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no such directory": {[]string{"-policies", gone}, "-policies " + gone + ": "},
		"policies a file":   {[]string{"-policies", "main.go"}, "-policies main.go: "},
		"bad organization":  {[]string{"-policies", t.TempDir(), "-default-org", "a/b"}, `invalid value "a/b" for flag -default-org: no organization can have that name`},
		"bad public URL":    {[]string{"-policies", t.TempDir(), "-public-url", "postern"}, "the public URL must be http:// or https://"},
		"bad allowed host":  {[]string{"-policies", t.TempDir(), "-allow-host", ":80"}, "an allowed host must be a name"},
		"state in policies": {[]string{"-policies", ".", "-state", "testdata"}, "state directory must not lie in the policy directory"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, binary, append([]string{"serve", "-listen", "127.0.0.1:0"}, c.args...)...)
			out, err := cmd.CombinedOutput()
			if err == nil || ctx.Err() != nil || cmd.ProcessState.ExitCode() != exitFailed {
				t.Errorf("%v, %s", err, out)
			}
			if !strings.Contains(string(out), c.says) {
				t.Errorf("no %q in: %s", c.says, out)
			}
		})
	}
}
