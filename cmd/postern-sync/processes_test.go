package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

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
	make  func() *exec.Cmd
	cmd   *exec.Cmd
	ended chan struct{} // is closed once it has
	log   buffer
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
	cmd, ended := p.make(), make(chan struct{})
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	if err := cmd.Start(); err != nil {
		p.Fatal(err)
	}
	go func() {
		cmd.Wait()
		close(ended)
	}()
	p.cmd, p.ended = cmd, ended
}

// kill ends the process with SIGKILL, if it has not ended, and fails unless a SIGKILL has
// ended it.
func (p *process) kill() {
	p.Helper()
	p.cmd.Process.Kill()
	<-p.ended
	if p.cmd.ProcessState.Exited() {
		p.Errorf("%s has ended by itself: %v\n%s", p.cmd.Args, p.cmd.ProcessState, p.log.String())
	}
}

// dead reports whether the process has ended.
func (p *process) dead() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// again kills the process, and starts it anew.
func (p *process) again() {
	p.Helper()
	p.kill()
	p.start()
}

// killAt is the environment variable that says at which step of its applies a puller has
// whom killed: "STEP PID...", where the PID 0 is its own.
const killAt = "POSTERN_SYNC_TEST_KILL"

// stepFrom returns what is called before each step.
func stepFrom(kill string) func(string) error {
	words := strings.Fields(kill)
	if len(words) == 0 {
		return nil
	}
	var numbers []int
	for _, w := range words {
		n, err := strconv.Atoi(w)
		if err != nil {
			panic(err)
		}
		numbers = append(numbers, n)
	}
	left := numbers[0]
	return func(string) error {
		if left--; left == -1 {
			for _, pid := range numbers[1:] {
				if pid == 0 {
					pid = os.Getpid()
				}
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					panic(err)
				}
			}
		}
		return nil
	}
}

// natsServer is the process of a server whose options are its arguments: its name, port,
// folder, port for the others, and the URLs of all.
func natsServer() {
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			panic(err)
		}
		return n
	}
	a := os.Args[1:]
	s, err := natstest.Run(&server.Options{
		ServerName: a[0], Host: "127.0.0.1", Port: number(a[1]), JetStream: true, StoreDir: a[2], NoLog: true, NoSigs: true,
		Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: number(a[3])}, Routes: server.RoutesFromStr(a[4]),
	})
	if err != nil {
		panic(err)
	}
	s.WaitForShutdown()
}

// cluster starts three servers as processes, and returns them and their URLs.
func cluster(t testing.TB) (servers []*process, urls []string) {
	t.Helper()
	dir := t.TempDir()
	var ports, routes []string
	for range 3 {
		ports = append(ports, port(t))
		routes = append(routes, "nats://127.0.0.1:"+ports[len(ports)-1])
	}
	for i := range ports {
		at := port(t)
		urls = append(urls, "nats://127.0.0.1:"+at)
		servers = append(servers, start(t, func() *exec.Cmd {
			cmd := exec.Command(os.Args[0], fmt.Sprint("n", i), at, filepath.Join(dir, fmt.Sprint(i)), ports[i], strings.Join(routes, ","))
			cmd.Env = append(os.Environ(), runMain+"=server")
			return cmd
		}))
	}
	return servers, urls
}

// itself runs the test's binary as postern-sync.
func itself(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), runMain+"=1")
	return cmd
}

func port(t testing.TB) string { return fmt.Sprint(natstest.FreePort(t)) }
