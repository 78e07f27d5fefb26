package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a server that was started for a test.
type process struct {
	name string
	pid  int
	gone chan struct{} // closed when it has ended
	log  string        // the file with its output
}

// launch starts a command in the foreground, and ends it when the test ends.
func launch(t testing.TB, dir, name string, env []string, args ...string) *process {
	t.Helper()
	if _, err := exec.LookPath(args[0]); err != nil {
		t.Fatalf("%v; .ci/run installs it", err)
	}
	p := &process{name: name, gone: make(chan struct{}), log: filepath.Join(dir, name+".log")}
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = append(environment(), env...)
	// A test that dies takes its servers along.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.pid = cmd.Process.Pid
	go func() {
		cmd.Wait()
		close(p.gone)
	}()
	t.Cleanup(func() { p.end(t) })
	return p
}

// environment is that of this process but for what names a flag of postern, as
// POSTERN_MINIO does, which here names a binary.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(text string) bool { return strings.HasPrefix(text, "POSTERN_") })
}

// end asks the process to end, and kills it if it does not.
func (p *process) end(t testing.TB) {
	syscall.Kill(p.pid, syscall.SIGTERM)
	select {
	case <-p.gone:
	case <-time.After(3 * time.Second):
		syscall.Kill(p.pid, syscall.SIGKILL)
		<-p.gone
	}
	if t.Failed() {
		if out, err := os.ReadFile(p.log); err == nil && len(out) > 0 {
			t.Logf("%s said, last:\n%s", p.name, out[max(0, len(out)-2000):])
		}
	}
}

// until waits until ready says so; a process that ends before is a failure.
func (p *process) until(t testing.TB, ready func() bool) {
	t.Helper()
	deadline := time.After(90 * time.Second)
	for !ready() {
		select {
		case <-p.gone:
			out, _ := os.ReadFile(p.log)
			t.Fatalf("%s has ended:\n%s", p.name, out[max(0, len(out)-4000):])
		case <-deadline:
			out, _ := os.ReadFile(p.log)
			t.Fatalf("%s is not ready:\n%s", p.name, out[max(0, len(out)-4000):])
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// accepts reports whether somebody listens on a port of the loopback.
func accepts(port int) bool {
	c, err := net.DialTimeout("tcp", address(port), time.Second)
	if err == nil {
		c.Close()
	}
	return err == nil
}

func address(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// freePort is a port that nobody listens on. It lies below those that the system gives
// to the near ends of connections, so that none of them takes it before a server does.
func freePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 20_000+rand.IntN(12_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().(*net.TCPAddr).Port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// output runs a command to its end, within a time, and returns what it printed.
func output(t testing.TB, limit time.Duration, env []string, args ...string) string {
	t.Helper()
	out, err := attempt(limit, env, args...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func attempt(limit time.Duration, env []string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(environment(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("took longer than %s", limit)
	}
	return out.String(), err
}

// write makes a file of a test.
func write(t testing.TB, name, content string) string {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
	return name
}

// answersHTTP reports whether an HTTP server answers 200 there.
func answersHTTP(url string) bool {
	client := http.Client{Timeout: 2 * time.Second}
	r, err := client.Get(url)
	if err == nil {
		r.Body.Close()
	}
	return err == nil && r.StatusCode == http.StatusOK
}
