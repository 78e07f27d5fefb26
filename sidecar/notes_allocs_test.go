//go:build !race

package sidecar

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/internal/decisionlog"
)

// stuck opens a log whose writer waits for a reader of a pipe, so that it does nothing
// while something is measured, and lets it go at the end of the test.
func stuck(t *testing.T, change func(*decisionlog.Config)) *decisionlog.Log {
	t.Helper()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := makeFIFO(fifo); err != nil {
		t.Fatal(err)
	}
	l, _ := logBuilt(t, func(c *decisionlog.Config) {
		if change != nil {
			change(c)
		}
		c.Path = fifo
	})
	s := build(t, func(c *Config) { c.Log = l })
	ctx := call(t, s, post(pathEvaluation, evaluation("max", "s3:GetObject", "object", "closed/k")))
	for lines, same := l.Stats().Lines, 0; same < 3; time.Sleep(100 * time.Millisecond) {
		for range 200 { // some 100 KiB of lines; a pipe holds 64
			ctx.Response.Reset()
			s.handle(ctx)
		}
		if now := l.Stats().Lines; now != lines {
			lines, same = now, 0
		} else {
			same++
		}
	}
	t.Cleanup(func() { // before that of logBuilt
		reader, err := os.Open(fifo)
		if err != nil {
			t.Error(err)
			return
		}
		go func() {
			_, _ = io.Copy(io.Discard, reader)
			reader.Close()
		}()
	})
	return l
}

// TestNotesAllocateNothing is TestThePlainPathAllocatesNothing with a decision log, and
// TestDoorsAllocateNothing. What the writer does, beside, is none of an answer's.
func TestNotesAllocateNothing(t *testing.T) {
	yes, no := evaluation("jean", "s3:GetObject", "object", "closed/k"), evaluation("max", "s3:GetObject", "object", "closed/k")
	for mode, change := range map[string]func(*decisionlog.Config){
		"all": nil, "denies": func(c *decisionlog.Config) { c.Allows = 0 }, "some": func(c *decisionlog.Config) { c.Allows = 3 },
		"full": func(c *decisionlog.Config) { c.Buffer = decisionlog.MinBuffer },
	} {
		l := stuck(t, change)
		s := build(t, func(c *Config) { c.Log = l })
		for name, text := range map[string]string{
			"allow": post(pathEvaluation, yes), "deny": post(pathEvaluation, no), "with request id": post(pathEvaluation, yes, "X-Request-ID: 0123456789"),
			"batch": post(pathEvaluations, `{"evaluations":[`+strings.Repeat(yes+","+no+",", 49)+yes+`]}`),
		} {
			ctx := call(t, s, text)
			runs := 200
			if mode == "full" {
				runs = 2000
			}
			if n := testing.AllocsPerRun(runs, func() {
				ctx.Response.Reset()
				s.handle(ctx)
			}); n != 0 {
				t.Errorf("%s, %s: %v allocations", mode, name, n)
			}
		}
		c := &conn{listener: &listener{server: s.Server}, all: s.connections, repeat: repeat{at: endpointEvaluation}}
		body := []byte(no)
		if n := testing.AllocsPerRun(200, func() { s.repeated(c, body) }); n != 0 {
			t.Errorf("%s, a head that comes again: %v allocations", mode, n)
		}
		if mode == "full" && l.Stats().DroppedAllow == 0 {
			t.Error("nothing was dropped, so that this was not measured")
		}
	}
	l := stuck(t, nil)
	for name, c := range doorRequests(t) {
		logTo(c.server, l)
		ctx := call(t, c.server, c.text)
		if n := testing.AllocsPerRun(200, func() {
			ctx.Response.Reset()
			c.server.handle(ctx)
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
