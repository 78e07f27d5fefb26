package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// policiesOf is a policy directory whose organization policy has an effect on
// everything, and whose bucket b has a policy that allows.
func policiesOf(t *testing.T, dir, effect string) string {
	t.Helper()
	return write(t, dir, "acme/access-policies/p.json", organizationPolicy(effect),
		"acme/buckets/b.json", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]}}`)
}

// decides waits until readKey is answered so: a part of the answer.
func (s *server) decides(what, answer string) {
	s.t.Helper()
	s.await(what, func() bool {
		code, body := s.ask(readKey)
		return code == 200 && strings.Contains(body, answer)
	})
}

const (
	isAllowed     = `"decision":true`
	isDenied      = `"organization_deny"`
	isUnavailable = `"organization_unavailable"`
)

// kill is kill -9.
func (s *server) kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	s.wait()
}

// namespaced runs a test again in a process that is root of a user and mount
// namespace of its own, where it may mount and set limits that nobody else
// feels. It reports whether this is that process.
func namespaced(t *testing.T) bool {
	t.Helper()
	const child = "POSTERN_TEST_NAMESPACE"
	if os.Getenv(child) != "" {
		return true
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), child+"=1", childBinary+"="+binary)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Skip("this machine makes no user namespace:", err)
	case err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Fatalf("in a namespace: %v\n%s", err, out)
	}
	return false
}

// mount mounts in the namespace that the test runs in.
func mount(t *testing.T, source, target, kind string, flags uintptr, data string) {
	t.Helper()
	if err := syscall.Mount(source, target, kind, flags, data); err != nil {
		t.Fatalf("mount %s: %v", target, err)
	}
	t.Cleanup(func() { syscall.Unmount(target, syscall.MNT_DETACH) })
}

// fullState plays a state directory that takes small files and no large ones:
// start runs the server with it.
func fullState(t *testing.T, dir, why string, start func() *server) {
	t.Helper()
	s := start()
	s.decides("it serves", isAllowed)
	large := strings.Replace(organizationPolicy("Deny"), `"p"`, `"p`+strings.Repeat("x", 100)+`"`, 1) + strings.Repeat(" ", 300<<10)
	write(t, dir, "acme/access-policies/p.json", large)
	s.decides("a change is in force, mirrored or not", isDenied)
	s.await("the log says so", func() bool { return strings.Contains(s.log(), why) })
	write(t, dir, "acme/buckets.json", `{"buckets":["c"]}`)
	s.await("everything goes on being updated", func() bool {
		_, body := s.get("/v1/status")
		return strings.Contains(body, `"buckets":2`)
	})
	if n := strings.Count(s.log(), "the state directory cannot be written"); n != 1 {
		t.Errorf("%d log lines about it", n)
	}
	s.kill()

	// What was last good could not be kept, and the content before it allowed.
	write(t, dir, "acme/access-policies/p.json", "{")
	s = start()
	s.decides("it serves, and denies", isUnavailable)
	write(t, dir, "acme/access-policies/p.json", organizationPolicy("Allow"))
	s.decides("it is mended", isAllowed)
	s.stop() // which waits until it is mirrored
	write(t, dir, "acme/access-policies/p.json", "{")
	s = start()
	s.decides("what was mirrored again is in force", isAllowed)
}

func TestFullDisk(t *testing.T) {
	if !namespaced(t) {
		return
	}
	dir, state := policiesOf(t, t.TempDir(), "Allow"), t.TempDir()
	mount(t, "none", state, "tmpfs", 0, "size=128k")
	fullState(t, dir, "no space left on device", func() *server { return start(t, "serve", "-policies", dir, "-state", state) })
}

func TestFileSizeLimit(t *testing.T) {
	dir, state := policiesOf(t, t.TempDir(), "Allow"), t.TempDir()
	fullState(t, dir, "file too large", func() *server {
		s := launch(t, exec.Command("sh", "-c", `ulimit -f 128 && exec "$0" "$@"`, binary, "serve", "-policies", dir, "-state", state))
		s.ready()
		return s
	})
}

// limited is a server in a namespace whose processes get no more than n of
// what inotify has.
func limited(t *testing.T, what string, n int, rescan, dir string) *server {
	t.Helper()
	if err := os.WriteFile("/proc/sys/user/max_inotify_"+what, []byte(strconv.Itoa(n)), 0); err != nil {
		t.Fatal(err)
	}
	return start(t, "serve", "-policies", dir, "-rescan", rescan)
}

// "a lost watch, an exhausted watch limit and file systems without events are
// all covered by a full rescan"
func TestExhaustedWatches(t *testing.T) {
	if !namespaced(t) {
		return
	}
	dir := policiesOf(t, t.TempDir(), "Allow")
	s := limited(t, "watches", 2, "100ms", dir)
	s.decides("it serves", isAllowed)
	s.await("the log says so", func() bool {
		r := s.find("a folder cannot be watched: changes in it are found by the rescan")
		return r != nil && r["error"] == "no space left on device"
	})
	for _, effect := range []string{"Deny", "Allow", "Deny"} {
		write(t, dir, "acme/access-policies/p.json", organizationPolicy(effect))
		s.decides("a change is found", map[string]string{"Allow": isAllowed, "Deny": isDenied}[effect])
	}
	if n := strings.Count(s.log(), "a folder cannot be watched"); n != 1 {
		t.Errorf("%d log lines about it", n)
	}
}

func TestNoEvents(t *testing.T) {
	if !namespaced(t) {
		return
	}
	dir := policiesOf(t, t.TempDir(), "Allow")
	s := limited(t, "instances", 0, "100ms", dir)
	s.decides("it serves", isAllowed)
	s.await("the log says so", func() bool {
		return s.find("no watching: the policy directory is looked at from time to time only") != nil
	})
	write(t, dir, "acme/access-policies/p.json", organizationPolicy("Deny"))
	s.decides("a change is found", isDenied)
	if err := os.RemoveAll(filepath.Join(dir, "acme/access-policies")); err != nil {
		t.Fatal(err)
	}
	s.decides("a removal is found", `"no_organization_policy"`)
}

// TestQueueOverflow stops the process until the system's queue of events is
// full, and changes a file when no event about it can be kept any more.
func TestQueueOverflow(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		t.Skip("this system has no inotify:", err)
	}
	most, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || most > 200_000 {
		t.Skipf("a queue of %s events is too long to fill", text)
	}
	dir := policiesOf(t, t.TempDir(), "Allow")
	write(t, dir, "acme/x.tmp", "", "acme/y.tmp", "")
	s := start(t, "serve", "-policies", dir, "-rescan", "1h")
	s.decides("it serves", isAllowed)
	// The first change may be found by the look that follows a start; the second
	// only by an event, so that then everything is watched.
	write(t, dir, "acme/access-policies/p.json", organizationPolicy("Deny"))
	s.decides("a change is found", isDenied)
	write(t, dir, "acme/access-policies/p.json", organizationPolicy("Allow"))
	s.decides("another is found", isAllowed)
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for i := range 2 * most { // the system joins equal events that follow each other
		if err := os.Chtimes(filepath.Join(dir, "acme", []string{"x.tmp", "y.tmp"}[i%2]), now, now); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, "acme/access-policies/p.json", organizationPolicy("Deny"))
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.decides("everything is looked at", isDenied)
	s.await("the log says so", func() bool { return s.find("events were lost: looking at everything") != nil })
}

func TestPolicyDirectoryVanishesAndComesBack(t *testing.T) {
	base := t.TempDir()
	dir := policiesOf(t, filepath.Join(base, "policies"), "Deny")
	s := start(t, "serve", "-policies", dir, "-rescan", "1h")
	s.decides("it serves", isDenied)
	away := filepath.Join(base, "away")
	for _, effect := range []string{"Allow", "Deny"} {
		if err := os.Rename(dir, away); err != nil {
			t.Fatal(err)
		}
		s.await("it is missed", func() bool {
			code, body := s.get("/readyz")
			return code == 200 && strings.Contains(body, `"failure":"no such file or directory"`)
		})
		s.decides("what was in force stays", map[string]string{"Allow": isDenied, "Deny": isAllowed}[effect])
		if _, body := s.get("/metrics"); !strings.Contains(body, `postern_reload_total{result="failed"}`) {
			t.Error("the metrics do not count it")
		}
		policiesOf(t, away, effect)
		if err := os.Rename(away, dir); err != nil {
			t.Fatal(err)
		}
		s.decides("it is back", map[string]string{"Allow": isAllowed, "Deny": isDenied}[effect])
		s.await("nothing is missed", func() bool {
			_, body := s.get("/readyz")
			return !strings.Contains(body, "failure")
		})
	}
	if n := strings.Count(s.log(), "the policy directory cannot be read"); n != 2 {
		t.Errorf("%d log lines about it", n)
	}
}

// TestUnreadable: what postern may not read is at fault, and stays at its last
// good content; root reads everything, so postern is nobody here.
func TestUnreadable(t *testing.T) {
	base, err := os.MkdirTemp("", "postern")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	data, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(base, "postern")
	if err := errors.Join(os.WriteFile(mine, data, 0o755), os.Chmod(base, 0o755)); err != nil {
		t.Fatal(err)
	}
	dir := policiesOf(t, filepath.Join(base, "policies"), "Allow")
	cmd := exec.Command(mine, "serve", "-policies", dir)
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	s := launch(t, cmd)
	s.ready()
	for _, path := range []string{"acme/access-policies/p.json", "acme/access-policies", "acme"} {
		at := filepath.Join(dir, path)
		info, err := os.Stat(at)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(at, 0); err != nil {
			t.Fatal(err)
		}
		s.await(path+" is at fault", func() bool {
			_, body := s.get("/readyz")
			return strings.Contains(body, `"unit":"acme/access-policies"`) && strings.Contains(body, `"last_good":true,"errors":["`+path+`: this f`) && strings.Contains(body, "permission denied")
		})
		s.decides("the last good content holds", isAllowed)
		if err := os.Chmod(at, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
		s.await(path+" is mended", func() bool {
			_, body := s.get("/readyz")
			return strings.Contains(body, `"quarantined":[]`)
		})
	}
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	s.await("the policy directory cannot be read", func() bool {
		_, body := s.get("/readyz")
		return strings.Contains(body, `"failure":"permission denied"`)
	})
	s.decides("what was in force stays", isAllowed)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.await("it is mended", func() bool {
		_, body := s.get("/readyz")
		return !strings.Contains(body, "failure")
	})
}

// rounds is how often a test that needs luck is played: as often as
// POSTERN_TEST_ROUNDS says, else few times, and with -short a quarter of that.
func rounds(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("POSTERN_TEST_ROUNDS")
	if text == "" {
		if testing.Short() {
			return max(few/4, 1)
		}
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(fmt.Errorf("POSTERN_TEST_ROUNDS: %w", err))
	}
	return n
}
