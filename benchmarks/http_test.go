package benchmarks

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"testing"

	"github.com/valyala/fasthttp"

	"postern/index"
	"postern/internal/loadgen"
	"postern/internal/policygen"
	"postern/policy"
	"postern/sidecar"
)

// The HTTP benchmarks put the same load on two servers by turns: postern, and a
// fasthttp server that answers a constant. Both send a Date and no Server
// header, read into buffers of 8 KB, take bodies of 1 MiB, and are otherwise as
// fasthttp sets a server up; neither has fasthttp's timeouts, for which postern
// has its own. The constant server reads the request, body and all, and looks
// at none of it.

// constantServer is what postern is measured against.
func constantServer(answer string) *fasthttp.Server {
	body := []byte(answer)
	return &fasthttp.Server{
		NoDefaultServerHeader: true,
		ReadBufferSize:        8 << 10,
		MaxRequestBodySize:    1 << 20,
		Handler: func(c *fasthttp.RequestCtx) {
			c.SetContentType("application/json")
			c.Response.SetBodyRaw(body)
		},
	}
}

// posternServer is the real door before a snapshot.
func posternServer(tb testing.TB, snapshot *index.Snapshot) *sidecar.Server {
	tb.Helper()
	return posternWith(tb, snapshot, sidecar.Doors{})
}

// posternWith is posternServer with further doors.
func posternWith(tb testing.TB, snapshot *index.Snapshot, doors sidecar.Doors) *sidecar.Server {
	tb.Helper()
	var current index.Current
	current.Store(snapshot)
	server, err := sidecar.New(sidecar.Config{Current: &current, Status: func() *policy.Status { return &policy.Status{} }, Doors: doors})
	if err != nil {
		tb.Fatal(err)
	}
	return server
}

// target is one of the two servers, as the load meets it.
type target struct {
	name             string
	network, address string
	check            func(i int, body []byte) error
	status           func(i int) int // of loadgen.Load
}

// load is the requests that both targets are asked.
type load struct {
	requests    [][]byte
	connections int
}

// run puts the load on a target until it has answered n times.
func (l load) run(tb testing.TB, t *target, n int) *loadgen.Result {
	tb.Helper()
	one := loadgen.Load{Network: t.network, Address: t.address, Connections: l.connections, Requests: l.requests, Check: t.check, Status: t.status, Count: uint64(n)}
	r, err := one.Run(context.Background())
	if err != nil {
		tb.Fatalf("%s: %v", t.name, err)
	}
	return r
}

// open starts a server on a network. It runs until the test ends.
func open(b testing.TB, network string, serve func(net.Listener) error, shutdown func()) (address string) {
	b.Helper()
	address = "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(b.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- serve(l) }()
	b.Cleanup(func() {
		shutdown()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	return l.Addr().String()
}

// pair opens both servers on a network, with a workload.
func pair(b *testing.B, network string, w *policygen.Workload) (constant, postern *target, requests [][]byte) {
	b.Helper()
	snapshot, questions := compiled(b, w, hotSet)
	requests = make([][]byte, len(questions))
	for i := range questions {
		requests[i] = loadgen.Post("/access/v1/evaluation", string(evaluation(&questions[i].Request)))
	}
	allowed := []byte(`{"decision":true}`)
	yes := exactly(func(int) []byte { return allowed })
	want := exactly(plainAnswers(snapshot, questions))
	c := constantServer(`{"decision":true}`)
	p := posternServer(b, snapshot)
	constant = &target{name: "constant", network: network, address: open(b, network, c.Serve, func() { _ = c.Shutdown() }), check: yes}
	postern = &target{name: "postern", network: network, address: open(b, network, p.Serve, func() { _ = p.Shutdown(context.Background()) }), check: want}
	return constant, postern, requests
}

// plainAnswers are the answers to questions, byte for byte, as specification 3.2
// writes them.
func plainAnswers(s *index.Snapshot, questions []policygen.Question) func(i int) []byte {
	answers := make([][]byte, len(questions))
	known := map[string][]byte{} // one copy of each, so that comparing finds them near
	var sc index.Scratch
	for i := range questions {
		text := plainAnswer(s.Decide(&questions[i].Request, &sc))
		if known[text] == nil {
			known[text] = []byte(text)
		}
		answers[i] = known[text]
	}
	return func(i int) []byte { return answers[i] }
}

// plainAnswer is the answer of a decision.
func plainAnswer(d policy.Decision) string {
	if d.Outcome == policy.Allow {
		return `{"decision":true}`
	}
	return fmt.Sprintf(`{"decision":false,"context":{"reason":%q,"generation":%d}}`, d.Reason, d.Generation)
}

// exactly returns a check of answers that costs little, and the same for every
// answer.
func exactly(want func(i int) []byte) func(i int, body []byte) error {
	return func(i int, body []byte) error {
		if !bytes.Equal(body, want(i)) {
			return fmt.Errorf("answered %s, want %s", body, want(i))
		}
		return nil
	}
}

// evaluation writes a request as an AuthZEN client would send it.
func evaluation(r *policy.Request) []byte {
	var body bytes.Buffer
	provider, id, _ := bytes.Cut([]byte(r.Principal.IDs[0]), []byte("/"))
	fmt.Fprintf(&body, `{"subject":{"type":%q,"id":%q,"properties":{"org":%q`, provider, id, r.Principal.Org)
	for i, more := range r.Principal.IDs[1:] {
		if i == 0 {
			body.WriteString(`,"principals":[`)
		} else {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, "%q", more)
	}
	if len(r.Principal.IDs) > 1 {
		body.WriteByte(']')
	}
	fmt.Fprintf(&body, `}},"action":{"name":%q},"resource":{"type":%q,"id":%q`, r.Action, r.Resource.Type, r.Resource.ID)
	if r.Resource.Org != "" {
		fmt.Fprintf(&body, `,"properties":{"org":%q}`, r.Resource.Org)
	}
	body.WriteByte('}')
	for i := range r.Context {
		if i == 0 {
			body.WriteString(`,"context":{`)
		} else {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, "%q:%q", r.Context[i].Key, r.Context[i].Values[0].Text) // every workload states one text of each
	}
	if len(r.Context) > 0 {
		body.WriteByte('}')
	}
	body.WriteByte('}')
	return body.Bytes()
}
