//go:build !race

package sidecar

import (
	"runtime"
	"strings"
	"testing"
)

// TestThePlainPathAllocatesNothing: reading the body, deciding, answering and
// counting, through the real handler.
func TestThePlainPathAllocatesNothing(t *testing.T) {
	s := build(t, nil)
	yes, no := evaluation("jean", "s3:GetObject", "object", "closed/k"), evaluation("max", "s3:GetObject", "object", "closed/k")
	for name, c := range map[string]struct{ text, want string }{
		"allow":           {post(pathEvaluation, yes), allowed},
		"deny":            {post(pathEvaluation, no), denyNoMatch},
		"with request id": {post(pathEvaluation, yes, "X-Request-ID: 0123456789"), allowed},
		"escaped":         {post(pathEvaluation, strings.Replace(no, "max", `\u006dax`, 1)), denyNoMatch},
		"batch":           {post(pathEvaluations, `{"evaluations":[`+strings.Repeat(yes+","+no+",", 49)+yes+`]}`), `{"evaluations":[` + strings.Repeat(allowed+","+denyNoMatch+",", 49) + allowed + `]}`},
		"batch of one":    {post(pathEvaluations, yes), allowed},
		"obligation":      {post(pathEvaluation, opening()), opened},
		"obligations":     {post(pathEvaluations, `{"evaluations":[`+opening()+","+no+","+yes+`]}`), `{"evaluations":[` + opened + "," + denyNoMatch + "," + allowed + `]}`},
	} {
		ctx := call(t, s, c.text)
		n := testing.AllocsPerRun(200, func() {
			ctx.Response.Reset()
			s.handle(ctx)
		})
		if got := string(ctx.Response.Body()); got != c.want || ctx.Response.StatusCode() != 200 {
			t.Errorf("%s: %d %s", name, ctx.Response.StatusCode(), got)
		}
		if n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestRepeatAllocatesNothing is the same for a head that comes again.
func TestRepeatAllocatesNothing(t *testing.T) {
	s := build(t, func(c *Config) { c.Now = nil })
	for subject, want := range map[string]string{"jean": allowed, "max": denyNoMatch, "open": opened} {
		c := &conn{listener: &listener{server: s.Server}, all: s.connections, repeat: repeat{at: endpointEvaluation}}
		body := []byte(evaluation(subject, "s3:GetObject", "object", "closed/k"))
		if subject == "open" {
			body = []byte(opening())
		}
		var answer []byte
		if n := testing.AllocsPerRun(200, func() { answer = s.repeated(c, body) }); n != 0 {
			t.Errorf("%s: %v allocations", subject, n)
		}
		if !strings.HasSuffix(string(answer), "\r\n\r\n"+want) {
			t.Errorf("%s: %q", subject, answer)
		}
	}
}

// TestRepeatOfStoresAllocatesNothing is the same for the doors of stores.
func TestRepeatOfStoresAllocatesNothing(t *testing.T) {
	for name, want := range doorRequests(t) {
		head, body, _ := strings.Cut(want.text, "\r\n\r\n")
		at := find([]byte(strings.Fields(head)[1]))
		if !table[at].repeats {
			continue
		}
		c := &conn{listener: &listener{server: want.server.Server}, all: want.server.connections, repeat: repeat{at: at}}
		var h headers
		h.read([]byte(head[strings.Index(head, "\r\n")+2:] + "\r\n\r\n"))
		c.repeat.shown = h.credentials
		text := []byte(body)
		var answer []byte
		if n := testing.AllocsPerRun(200, func() { answer = want.server.repeated(c, text) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if _, got, _ := strings.Cut(string(answer), "\r\n\r\n"); "200"+got != want.want {
			t.Errorf("%s: %q", name, answer)
		}
	}
}

// TestFormsAllocateNothing is the same for heads of one form.
func TestFormsAllocateNothing(t *testing.T) {
	for name, want := range doorRequests(t) {
		f := want.server.forward
		if f == nil {
			continue
		}
		ctx := call(t, want.server, want.text)
		c := &conn{listener: &listener{server: want.server.Server}, all: want.server.connections}
		var h headers
		h.read(ctx.Request.Header.RawHeaders())
		c.form.keep(find([]byte(pathAuthorize)), &ctx.Request.Header, &h, f.uri == "")
		text := []byte(want.text)
		var answer []byte
		matched := true
		n := testing.AllocsPerRun(200, func() {
			q, ok := c.form.match(text)
			matched = matched && ok
			answer = want.server.formed(c, q)
		})
		if n != 0 || !matched {
			t.Errorf("%s: %v allocations; it is of its own form: %v", name, n, matched)
		}
		if head, body, _ := strings.Cut(string(answer), "\r\n\r\n"); len(head) < 20 || head[9:12] != want.want[:3] || !strings.HasSuffix(want.want, body) {
			t.Errorf("%s: %q", name, answer)
		}
	}
}

// TestBlocksStayFew: counting costs a block for each request that is answered at
// the same time as others, not for each request. (Under the race detector a
// sync.Pool drops what it is given at random.)
func TestBlocksStayFew(t *testing.T) {
	s := build(t, nil)
	ctx := call(t, s, post(pathEvaluation, evaluation("jean", "s3:GetObject", "object", "closed/k")))
	for i := range 1000 {
		if i%100 == 0 {
			runtime.GC()
		}
		ctx.Response.Reset()
		s.handle(ctx)
	}
	s.blocks.mu.Lock()
	defer s.blocks.mu.Unlock()
	if n := len(s.blocks.all); n > 20 {
		t.Errorf("%d blocks after 1000 requests, one at a time", n)
	}
}

func BenchmarkHandler(b *testing.B) {
	s := build(b, func(c *Config) { c.Now = nil })
	yes, no := evaluation("jean", "s3:GetObject", "object", "closed/k"), evaluation("max", "s3:GetObject", "object", "closed/k")
	for _, c := range []struct{ name, text, want string }{
		{"Allow", post(pathEvaluation, yes), allowed},
		{"Deny", post(pathEvaluation, no), denyNoMatch},
		{"BatchOf100", post(pathEvaluations, `{"evaluations":[`+strings.TrimSuffix(strings.Repeat(yes+",", 100), ",")+`]}`), ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			ctx := call(b, s, c.text)
			b.ReportAllocs()
			for b.Loop() {
				ctx.Response.Reset()
				s.handle(ctx)
			}
			if got := string(ctx.Response.Body()); c.want != "" && got != c.want {
				b.Fatal(got)
			}
		})
	}
}

// TestDoorsAllocateNothing is the same for the doors of proxies and stores.
func TestDoorsAllocateNothing(t *testing.T) {
	for name, c := range doorRequests(t) {
		ctx := call(t, c.server, c.text)
		n := testing.AllocsPerRun(200, func() {
			ctx.Response.Reset()
			c.server.handle(ctx)
		})
		if got := c.told(ctx); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
