package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// traced is a server whose calls of fsync, and writes to a place in a file, are
// traced.
type traced struct {
	*server
	file string
}

func startTraced(t *testing.T, inject string, args ...string) *traced {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trace")
	// -D: the process that is started is the server, and the tracer is beside it.
	trace := []string{"-D", "-f", "-y", "-o", file, "-e", "trace=fsync,pwrite64"}
	if inject != "" {
		trace = append(trace, "-e", "inject="+inject)
	}
	s := launch(t, exec.Command("strace", append(append(trace, binary, "serve"), args...)...))
	s.ready()
	return &traced{s, file}
}

// ended stops the server, and returns the whole trace.
func (s *traced) ended() (trace string) {
	s.t.Helper()
	s.stop()
	s.await("the trace ends", func() bool {
		data, err := os.ReadFile(s.file)
		if err != nil {
			s.t.Fatal(err)
		}
		trace = string(data)
		return regexp.MustCompile(`\+\+\+ exited with \d+ \+\+\+\n$`).MatchString(trace)
	})
	return trace
}

// "The marks of a generation are one write to one file, without fsync
// (-state-sync adds it, for power loss)" (specification 4, Restart).
func TestStateSync(t *testing.T) {
	for _, with := range []string{"", "-state-sync"} {
		t.Run(with, func(t *testing.T) {
			dir := policiesOf(t, t.TempDir(), "Allow")
			args := strings.Fields("-policies " + dir + " -state " + t.TempDir() + " " + with)
			s := startTraced(t, "", args...)
			s.decides("it serves", isAllowed)
			write(t, dir, ".p.tmp", organizationPolicy("Deny"))
			if err := os.Rename(filepath.Join(dir, ".p.tmp"), filepath.Join(dir, "acme/access-policies/p.json")); err != nil {
				t.Fatal(err)
			}
			s.decides("the change is in force", isDenied)
			trace := s.ended()
			writes := regexp.MustCompile(`pwrite64\(\d+<[^>]*/overtaken\.marks>`).FindAllStringIndex(trace, -1)
			syncs := regexp.MustCompile(`fsync\(\d+<[^>]*/overtaken\.marks>`).FindAllStringIndex(trace, -1)
			if len(writes) != 2 { // of the first generation, and of the change
				t.Errorf("%d writes to the marks:\n%s", len(writes), trace)
			}
			if with == "" && len(syncs) > 0 || with != "" && len(syncs) != len(writes) {
				t.Errorf("%d times synced, %d times written:\n%s", len(syncs), len(writes), trace)
			}
			for i := range syncs {
				if syncs[i][0] < writes[i][0] || i+1 < len(writes) && syncs[i][0] > writes[i+1][0] {
					t.Errorf("a sync does not follow its write:\n%s", trace)
				}
			}
		})
	}
}

// With -state-sync nothing is in force before the disk has its marks: that it has
// them not is told before the generation is published, which it is all the same.
func TestStateSyncFails(t *testing.T) {
	const failed = "the state directory cannot be written before a generation is in force"
	for _, with := range []string{"", "-state-sync"} {
		t.Run(with, func(t *testing.T) {
			dir := policiesOf(t, t.TempDir(), "Allow")
			args := strings.Fields("-policies " + dir + " -state " + t.TempDir() + " " + with)
			s := startTraced(t, "fsync:error=EIO", args...)
			s.decides("it serves", isAllowed)
			policiesOf(t, dir, "Deny")
			s.decides("a revocation does not wait for a disk", isDenied)
			at, published := strings.Index(s.log(), failed), strings.Index(s.log(), "generation published")
			if with == "" && at >= 0 || with != "" && (at < 0 || at > published) {
				t.Errorf("what is told of the marks, at %d, and of the generation, at %d:\n%s", at, published, s.log())
			}
			if _, body := s.get("/readyz"); strings.Contains(body, "before a generation is in force") != (with != "") {
				t.Errorf("/readyz: %s", body)
			}
		})
	}
}
