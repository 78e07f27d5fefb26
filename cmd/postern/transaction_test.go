package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// "a sidecar that starts under [a transaction] takes `-state`, or answers 503
// until it ends" (specification 4).
func TestServeStartsUnderATransaction(t *testing.T) {
	dir, state := policiesOf(t, t.TempDir(), "Allow"), t.TempDir()
	hold := filepath.Join(dir, ".hold")
	write(t, dir, ".hold", "transaction 1")
	for _, with := range [][]string{nil, {"-state", state}} { // which is empty
		s := launch(t, exec.Command(binary, append([]string{"serve", "-policies", dir}, with...)...))
		s.await("it serves", func() bool { return s.find("serving") != nil })
		s.address = s.find("serving")["address"].(string)
		s.await("it found the hold", func() bool { return s.find(".hold stands: nothing new is published") != nil })
		if code, body := s.get("/healthz"); code != 200 {
			t.Errorf("/healthz: %d %s", code, body)
		}
		var code int
		var body string
		s.await("/readyz knows the hold", func() bool {
			code, body = s.get("/readyz")
			return strings.Contains(body, "transaction")
		})
		if code != 503 || !strings.Contains(body, "a transaction holds the policy directory") || !strings.Contains(body, `"transaction":true`) {
			t.Errorf("/readyz: %d %s", code, body)
		}
		if code, body := s.ask(readKey); code != 503 || strings.Contains(body, "decision") {
			t.Errorf("a decision: %d %s", code, body)
		}
		if _, body := s.get("/metrics"); !strings.Contains(body, "postern_generation 0\n") {
			t.Errorf("/metrics: %s", body)
		}
		if err := os.Remove(hold); err != nil {
			t.Fatal(err)
		}
		s.ready()
		s.decides("its end is the first load", isAllowed)
		if code := s.stop(); code != 0 {
			t.Errorf("exit %d", code)
		}
		write(t, dir, ".hold", "transaction 1")
	}

	// Now the mirror has what was in force, and what is in the making is not.
	policiesOf(t, dir, "Deny")
	s := start(t, "serve", "-policies", dir, "-state", state)
	s.decides("what was in force is", isAllowed)
	if code, body := s.get("/readyz"); code != 200 || !strings.Contains(body, `"transaction":true`) {
		t.Errorf("/readyz: %d %s", code, body)
	}
	if err := os.Remove(hold); err != nil {
		t.Fatal(err)
	}
	s.decides("what was made is published", isDenied)
}

// A process that waits for a transaction's end ends when it is asked to.
func TestServeStopsUnderATransaction(t *testing.T) {
	dir := policiesOf(t, t.TempDir(), "Allow")
	write(t, dir, ".hold", "transaction 1")
	s := launch(t, exec.Command(binary, "serve", "-policies", dir))
	s.await("it found the hold", func() bool { return s.find(".hold stands: nothing new is published") != nil })
	if code := s.stop(); code != 0 {
		t.Errorf("exit %d:\n%s", code, s.log())
	}
}
