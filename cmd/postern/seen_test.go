package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// records are the log records with a message.
func (s *server) records(message string) (out []map[string]any) {
	s.t.Helper()
	for line := range strings.Lines(s.log()) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			s.t.Fatalf("a log line is no JSON: %q", line)
		}
		if r["msg"] == message {
			out = append(out, r)
		}
	}
	return out
}

// One log line a generation: what changed, how many files, how long each phase
// took.
func TestALineForEachGeneration(t *testing.T) {
	dir := policiesOf(t, t.TempDir(), "Allow")
	s := start(t, "serve", "-policies", dir)
	for i, effect := range []string{"Deny", "Allow"} {
		write(t, dir, "acme/access-policies/p.json", organizationPolicy(effect))
		s.decides("a change is in force", []string{isDenied, isAllowed}[i])
	}
	write(t, dir, "acme/buckets/b.json", bucketFile("Deny", "b"))
	s.decides("a bucket's too", `"bucket_deny"`)
	s.stop()
	lines := s.records("generation published")
	if len(lines) != 4 {
		t.Fatalf("%d lines, want 4", len(lines))
	}
	for i, want := range []struct {
		changed string
		parsed  float64
	}{
		{"[organization acme bucket b]", 2}, {"[organization acme]", 1}, {"[organization acme]", 1}, {"[bucket b]", 1},
	} {
		r := lines[i]
		if r["generation"] != float64(i+1) || r["result"] != "ok" || fmt.Sprint(r["changed"]) != want.changed || r["files"] != float64(2) ||
			r["files_looked_at"].(float64) < want.parsed || r["files_read"].(float64) < want.parsed || r["files_parsed"] != want.parsed || r["quarantined"] != float64(0) {
			t.Errorf("generation %d: %v", i+1, r)
		}
		for _, phase := range []string{"scan", "read", "parse", "compile", "commit", "publish"} {
			if d, ok := r[phase].(float64); !ok || d <= 0 || d > float64(patience) {
				t.Errorf("generation %d: %s took %v", i+1, phase, r[phase])
			}
		}
	}
}

// Whoever looks at the log, at /readyz, at /v1/status or at the metrics learns
// that something is quarantined; the first three say what, why, and since when.
func TestWhatIsQuarantinedSinceWhenAndWhy(t *testing.T) {
	dir := policiesOf(t, t.TempDir(), "Allow")
	s := start(t, "serve", "-policies", dir)
	before := time.Now().Add(-time.Second)
	write(t, dir, "acme/access-policies/p.json", "{\n \"version\": \"v1alpha1\",\n \"name\": 7}")
	s.await("it is at fault", func() bool { return s.find("quarantined") != nil })
	const where = "acme/access-policies/p.json:3:10: "

	r := s.find("quarantined")
	if r["unit"] != "acme/access-policies" || r["last_good"] != true || !strings.Contains(fmt.Sprint(r["errors"]), where) || r["time"] == nil {
		t.Errorf("the log says %v", r)
	}
	type unit struct {
		Unit     string
		Since    time.Time
		LastGood bool `json:"last_good"`
		Errors   []string
	}
	var ready struct {
		Ready       bool
		Quarantined []unit
	}
	var status struct {
		Quarantined   []unit
		Result        string `json:"last_reload_result"`
		Organizations []struct {
			Name        string
			Quarantined []unit
		}
	}
	check := func(where string, path string, into any, units func() []unit) unit {
		t.Helper()
		var got []unit
		s.await(path+" says so", func() bool {
			code, body := s.get(path)
			if err := json.Unmarshal([]byte(body), into); err != nil || code != 200 {
				t.Fatalf("%s: %d %v", path, code, err)
			}
			got = units()
			return len(got) > 0
		})
		u := got[0]
		if len(got) != 1 || u.Unit != "acme/access-policies" || !u.LastGood || !strings.Contains(strings.Join(u.Errors, "\n"), where) || u.Since.Before(before) || u.Since.After(time.Now().Add(time.Second)) {
			t.Errorf("%s says %+v", path, got)
		}
		return u
	}
	first := check(where, "/readyz", &ready, func() []unit { return ready.Quarantined })
	check(where, "/v1/status", &status, func() []unit { return status.Quarantined })
	if !ready.Ready || status.Result != "quarantined" || len(status.Organizations) != 1 || len(status.Organizations[0].Quarantined) != 1 {
		t.Errorf("/readyz %+v, /v1/status %+v", ready, status)
	}
	if _, body := s.get("/metrics"); !strings.Contains(body, "\npostern_quarantined_units 1\n") || strings.Contains(body, `postern_reload_total{result="quarantined"} 0`) {
		t.Errorf("the metrics say\n%s", body)
	}
	s.decides("its last good content holds", isAllowed)

	// Another mistake is another reason since the same time.
	write(t, dir, "acme/access-policies/p.json", "[]")
	s.await("the reason is another", func() bool {
		_, body := s.get("/readyz")
		return strings.Contains(body, "acme/access-policies/p.json:1:1: ")
	})
	if again := check("acme/access-policies/p.json:1:1: ", "/readyz", &ready, func() []unit { return ready.Quarantined }); !again.Since.Equal(first.Since) {
		t.Errorf("since %v, and with another mistake since %v", first.Since, again.Since)
	}
	write(t, dir, "acme/access-policies/p.json", organizationPolicy("Deny"))
	s.decides("it is mended", isDenied)
	s.await("nothing is quarantined", func() bool {
		_, body := s.get("/metrics")
		return strings.Contains(body, "\npostern_quarantined_units 0\n")
	})
	if r := s.find("no longer quarantined"); r == nil || r["unit"] != "acme/access-policies" {
		t.Errorf("the log says %v", r)
	}
}

// manyFiles writes an organization of n bucket files.
func manyFiles(t *testing.T, dir string, n int, content func(bucket string) string) {
	t.Helper()
	write(t, dir, "acme/access-policies/p.json", organizationPolicy("Allow"))
	if err := os.MkdirAll(filepath.Join(dir, "acme/buckets"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		name := fmt.Sprintf("b%d", i)
		if err := os.WriteFile(filepath.Join(dir, "acme/buckets", name+".json"), []byte(content(name)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// terminal opens a pseudo-terminal and returns its two ends.
func terminal(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this machine makes no pseudo-terminal:", err)
	}
	t.Cleanup(func() { ours.Close() })
	var n, unlock uint32
	for request, arg := range map[uintptr]*uint32{syscall.TIOCGPTN: &n, syscall.TIOCSPTLCK: &unlock} {
		if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, ours.Fd(), request, uintptr(unsafe.Pointer(arg))); e != 0 {
			t.Skip("this machine makes no pseudo-terminal:", e)
		}
	}
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this machine makes no pseudo-terminal:", err)
	}
	t.Cleanup(func() { theirs.Close() })
	return ours, theirs
}

// A first load that takes long says on a terminal how far it is.
func TestProgressOnATerminal(t *testing.T) {
	dir := t.TempDir()
	manyFiles(t, dir, 3000, func(name string) string { return bucketFile("Allow", name) })
	text := ""
	for range 10 { // until the load was stopped in its midst
		if text = stoppedInTheLoad(t, dir); strings.Contains(text, "reading policies") {
			break
		}
	}
	_, line, _ := strings.Cut(text, "\r\x1b[K")
	done, of := 0, 3001
	if _, err := fmt.Sscanf(line, "reading policies: %d of %d files", &done, &of); err != nil { // buckets are not counted yet
		_, err = fmt.Sscanf(line, "reading policies: %d files", &done)
		if err != nil {
			t.Error(err)
		}
	}
	if done <= 0 || done > of || of != 3001 {
		t.Errorf("it said %d of %d files:\n%q", done, of, text)
	}
	if !strings.Contains(line, "\r\x1b[K") || !strings.Contains(line, "level=INFO msg=ready") {
		t.Errorf("the line is not wiped, or the log is no text:\n%q", text)
	}
}

// stoppedInTheLoad makes a load long by stopping the process once it serves,
// and returns what it wrote on its terminal until it was ready.
func stoppedInTheLoad(t *testing.T, dir string) string {
	t.Helper()
	ours, theirs := terminal(t)
	cmd := exec.Command(binary, "serve", "-policies", dir, "-listen", "127.0.0.1:0")
	cmd.Stderr = theirs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	ready := make(chan string, 1)
	go func() {
		text, b, stopped := "", make([]byte, 4096), false
		for !strings.Contains(text, "msg=ready") {
			n, err := ours.Read(b)
			if err != nil {
				break
			}
			text += string(b[:n])
			if !stopped && strings.Contains(text, "serving") {
				stopped = true
				cmd.Process.Signal(syscall.SIGSTOP)
				time.Sleep(progressAfter + 100*time.Millisecond)
				cmd.Process.Signal(syscall.SIGCONT)
			}
		}
		ready <- text
	}()
	select {
	case text := <-ready:
		return text
	case <-time.After(patience):
		t.Fatal("it does not get ready")
		return ""
	}
}

// TestStopDuringTheFirstMirror: writing the mirror of many files takes long,
// and a stop does not wait for it. What is mirrored by then is whole.
func TestStopDuringTheFirstMirror(t *testing.T) {
	const n = 1000
	dir, state := t.TempDir(), t.TempDir()
	manyFiles(t, dir, n, func(name string) string { return bucketFile("Deny", name) })
	s := start(t, "serve", "-policies", dir, "-state", state)
	if code := s.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	mirrored, err := filepath.Glob(filepath.Join(state, "acme/buckets/*.json"))
	if err != nil || len(mirrored) == 0 {
		t.Fatal("nothing is mirrored", err)
	}
	manyFiles(t, dir, n, func(string) string { return "{" })
	s = start(t, "serve", "-policies", dir, "-state", state)
	var status struct {
		Quarantined []struct {
			Unit     string
			LastGood bool `json:"last_good"`
		}
	}
	if _, body := s.get("/v1/status"); json.Unmarshal([]byte(body), &status) != nil || len(status.Quarantined) != n {
		t.Fatalf("%d units are quarantined, want %d", len(status.Quarantined), n)
	}
	kept := 0
	for i, u := range status.Quarantined {
		if u.LastGood {
			kept++
		}
		if i%10 > 0 {
			continue
		}
		bucket := strings.TrimSuffix(filepath.Base(u.Unit), ".json")
		want := `"bucket_policy_unavailable"`
		if u.LastGood {
			want = `"bucket_deny"`
		}
		if _, body := s.ask(strings.Replace(readKey, "b/k", bucket+"/k", 1)); !strings.Contains(body, want) {
			t.Fatalf("%s (last good %v): %s", bucket, u.LastGood, body)
		}
	}
	if kept != len(mirrored) {
		t.Errorf("%d units were mirrored, %d came back", len(mirrored), kept)
	}
	if strings.Contains(s.log(), "cannot be restored") {
		t.Error("something is damaged")
	}
	t.Logf("%d of %d units were mirrored when it stopped", len(mirrored), n)
}
