package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// "asks `/readyz` on loopback or the socket, prints why not, exits 0 or 1"
// (specification 9.1).
func TestReady(t *testing.T) {
	dir, socket := policiesOf(t, t.TempDir(), "Allow"), filepath.Join(t.TempDir(), "s")
	s := start(t, "serve", "-policies", dir, "-listen", "127.0.0.1:0", "-socket", socket)
	for _, at := range [][]string{{"-listen", s.address}, {"-socket", socket}} {
		got := call("", nil, append([]string{"ready"}, at...)...)
		if got.code != exitOK || !strings.HasPrefix(got.out, "ready: generation 1, digest ") || got.errs != "" {
			t.Errorf("%q: %+v", at, got)
		}
	}
	s.stop()
	if got := call("", nil, "ready", "-listen", s.address); got.code != exitDenied || !strings.Contains(got.errs, "connection refused") {
		t.Errorf("nobody answers: %+v", got)
	}
	empty := launch(t, exec.Command(binary, "serve", "-policies", t.TempDir()))
	empty.await("it serves", func() bool {
		return empty.find("not ready: the policy directory holds no policy file, so that everything is denied; put one there, or start with -allow-empty if that is meant") != nil
	})
	address := empty.find("serving")["address"].(string)
	if got := call("", nil, "ready", "-listen", address); got.code != exitDenied || !strings.Contains(got.errs, "not ready: 503") {
		t.Errorf("without policies: %+v", got)
	}
	for args, says := range map[string]string{"now": "takes no arguments", "-timeout 0s": "write one above 0", "-listen 8180": "write HOST:PORT"} {
		if got := call("", nil, append([]string{"ready"}, strings.Fields(args)...)...); got.code != exitFailed || !strings.Contains(got.errs, says) {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

// manager plays the part of systemd: it has the socket, starts the server with it, and
// hears what the server tells.
type manager struct {
	*testing.T
	heard *net.UnixConn
	path  string
}

func newManager(t *testing.T) *manager {
	m := &manager{T: t, path: filepath.Join(t.TempDir(), "notify")}
	var err error
	if m.heard, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.heard.Close() })
	return m
}

// hears waits until the server tells a state.
func (m *manager) hears(state string) {
	m.Helper()
	for buf := make([]byte, 4096); ; {
		m.heard.SetReadDeadline(time.Now().Add(patience))
		n, err := m.heard.Read(buf)
		if err != nil {
			m.Fatalf("%s is not told: %v", state, err)
		}
		if string(buf[:n]) == state {
			return
		}
		if state != "WATCHDOG=1" && string(buf[:n]) != "WATCHDOG=1" {
			m.Fatalf("%s is told before %s", buf[:n], state)
		}
	}
}

// command is the server under the manager, which passes l: the shell sets the
// process's own number, as systemd does.
func (m *manager) command(l *os.File, args ...string) *exec.Cmd {
	script := `export LISTEN_PID=$$ WATCHDOG_PID=$$; exec "$0" "$@"`
	cmd := exec.Command("sh", append([]string{"-c", script, binary}, args...)...)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+m.path, "WATCHDOG_USEC=200000", "LISTEN_FDS=1", "LISTEN_FDNAMES=postern.socket")
	cmd.ExtraFiles = []*os.File{l}
	return cmd
}

// The server serves on the socket that it was given, tells READY once it is, that it is
// alive, and that it stops; a restart refuses no connection, as the socket outlives it.
func TestServiceManager(t *testing.T) {
	m := newManager(t)
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	dir := policiesOf(t, t.TempDir(), "Allow")
	for range 2 {
		waiting := make(chan error, 1)
		go func() { // it connects before there is a server
			got := call("", nil, "ready", "-socket", path, "-timeout", "60s")
			if got.code != exitOK && !strings.Contains(got.errs, "503") {
				waiting <- &usageError{got.errs}
			}
			close(waiting)
		}()
		time.Sleep(20 * time.Millisecond)
		s := launch(t, m.command(file, "serve", "-policies", dir, "-listen", "none", "-socket", "unused"))
		m.hears("READY=1")
		m.hears("WATCHDOG=1")
		if err := <-waiting; err != nil {
			t.Errorf("a connection was refused: %v", err)
		}
		if got := call("", nil, "ready", "-socket", path); got.code != exitOK {
			t.Errorf("%+v", got)
		}
		go s.cmd.Process.Signal(os.Interrupt)
		m.hears("STOPPING=1")
		s.wait()
		if _, err := os.Lstat(path); err != nil {
			t.Error("the socket of the manager is removed")
		}
	}

	// One that others can reach is refused, as -listen is.
	tcp, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	open, err := tcp.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	s := launch(t, m.command(open, "serve", "-policies", dir))
	if code := s.wait(); code != exitFailed || !strings.Contains(s.log(), "-allow-remote") {
		t.Errorf("exit %d: %s", code, s.log())
	}
}

// An empty policy directory is not ready, so the manager is told once it has a file.
func TestNotifyWaitsForPolicies(t *testing.T) {
	m := newManager(t)
	dir := t.TempDir()
	cmd := exec.Command(binary, "serve", "-policies", dir)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+m.path)
	s := launch(t, cmd)
	s.await("it has looked", func() bool { return strings.Contains(s.log(), "not ready: the policy directory") })
	m.heard.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := m.heard.Read(make([]byte, 64)); err == nil {
		t.Errorf("%d bytes are told", n)
	}
	policiesOf(t, dir, "Allow")
	m.hears("READY=1")
	s.stop()
	m.hears("STOPPING=1")
}

func TestSocketGroup(t *testing.T) {
	dir, socket := policiesOf(t, t.TempDir(), "Allow"), filepath.Join(t.TempDir(), "s")
	if os.Geteuid() == 0 {
		s := start(t, "serve", "-policies", dir, "-listen", "none", "-socket", socket, "-socket-group", "daemon")
		info, err := os.Stat(socket)
		if err != nil || info.Mode().Perm() != 0o660 {
			t.Errorf("%v, %v", info, err)
		}
		out, err := exec.Command("stat", "-c", "%G", socket).Output()
		if err != nil || strings.TrimSpace(string(out)) != "daemon" {
			t.Errorf("the socket's group is %s, %v", out, err)
		}
		s.stop()
	}
	for args, says := range map[string]string{
		"-socket-group daemon": "needs -socket PATH",
		"-listen none -socket " + socket + " -socket-group no-such-group-" + strconv.Itoa(os.Getpid()): "-socket-group",
	} {
		if got := call("", nil, append([]string{"serve", "-policies", dir}, strings.Fields(args)...)...); got.code != exitFailed || !strings.Contains(got.errs, says) {
			t.Errorf("%s: %+v", args, got)
		}
	}
}
