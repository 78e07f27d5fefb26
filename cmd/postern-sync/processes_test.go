package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"postern/cmd/postern-sync/internal/natstest"
)

// posternBinary builds postern, once.
func posternBinary(t testing.TB) string {
	t.Helper()
	binary, err := buildPostern()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// built is the folder of what buildPostern builds, which TestMain removes.
var built string

var buildPostern = sync.OnceValues(func() (string, error) {
	var err error
	if built, err = os.MkdirTemp("", "postern-sync-test-"); err != nil {
		return "", err
	}
	binary := filepath.Join(built, "postern")
	build := exec.Command("go", "build", "-o", binary, "./cmd/postern")
	build.Dir = "../.." // another module
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return binary, nil
})

// process is a program that runs until it is killed, or the test ends.
type process struct {
	testing.TB
	make func() *exec.Cmd
	cmd  *exec.Cmd
	log  buffer
}

// start runs what make makes.
func start(t testing.TB, make func() *exec.Cmd) *process {
	t.Helper()
	p := &process{TB: t, make: make}
	p.start()
	t.Cleanup(p.kill)
	return p
}

func (p *process) start() {
	p.Helper()
	p.cmd = p.make()
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		p.Fatal(err)
	}
}

// kill ends the process with SIGKILL, and fails if it has ended by itself.
func (p *process) kill() {
	p.Helper()
	if p.cmd.ProcessState != nil {
		return
	}
	p.cmd.Process.Kill()
	p.cmd.Wait()
	if p.cmd.ProcessState.Exited() {
		p.Errorf("%s has ended by itself: %v\n%s", p.cmd.Args, p.cmd.ProcessState, p.log.String())
	}
}

// again kills the process, and starts it anew.
func (p *process) again() {
	p.Helper()
	p.kill()
	p.start()
}

// itself runs the test's binary as postern-sync.
func itself(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), runMain+"=1")
	return cmd
}

// answers waits until url answers 200.
func answers(t testing.TB, client *http.Client, url string, log *buffer) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		r, err := client.Get(url)
		if err == nil {
			r.Body.Close()
			if r.StatusCode == 200 {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %v\n%s", url, err, log)
		}
	}
}

func port(t testing.TB) string { return fmt.Sprint(natstest.FreePort(t)) }
