package benchmarks

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/valyala/fasthttp"

	"postern/index"
	"postern/internal/policygen"
	"postern/policy"
	"postern/sidecar"
)

// BenchmarkHTTP measures evaluations a second through the whole door, over TCP
// and a Unix socket, at 1 and 32 connections, beside a fasthttp server that
// answers a constant. Clients run in the same process, check every answer, and
// cost both servers the same. Names are network/connections/what; compare
// `constant` and `postern` of one run, interleaved with -count.
func BenchmarkHTTP(b *testing.B) {
	w := policygen.Users(10_000, seed)
	snapshot, questions := compiled(b, w, 4096)
	var current index.Current
	current.Store(snapshot)
	requests := make([][]byte, len(questions))
	for i := range questions {
		requests[i] = evaluation(&questions[i].Request)
	}
	server, err := sidecar.New(sidecar.Config{Current: &current, Status: func() *policy.Status { return &policy.Status{} }})
	if err != nil {
		b.Fatal(err)
	}
	constant := &fasthttp.Server{NoDefaultServerHeader: true, NoDefaultDate: true, Handler: func(c *fasthttp.RequestCtx) {
		c.SetContentType("application/json")
		c.SetBodyString(`{"decision":true}`)
	}}
	want := func(i int) []byte {
		if questions[i].Want == policy.Allow {
			return []byte(`{"decision":true`)
		}
		return []byte(`{"decision":false`)
	}
	always := func(int) []byte { return []byte(`{"decision":true`) }
	for _, network := range []string{"tcp", "unix"} {
		for _, connections := range []int{1, 32} {
			for _, s := range []struct {
				name  string
				serve func(net.Listener) error
				want  func(i int) []byte
			}{
				{"constant", constant.Serve, always},
				{"postern", server.Serve, want},
			} {
				b.Run(fmt.Sprintf("%s/%d/%s", network, connections, s.name), func(b *testing.B) {
					address := "127.0.0.1:0"
					if network == "unix" {
						address = filepath.Join(b.TempDir(), "s")
					}
					l, err := net.Listen(network, address)
					if err != nil {
						b.Fatal(err)
					}
					go func() { _ = s.serve(l) }()
					load(b, l.Addr(), connections, requests, s.want) // Shutdown closes l
				})
			}
		}
	}
	if err := server.Shutdown(context.Background()); err != nil {
		b.Error(err)
	}
	if err := constant.Shutdown(); err != nil {
		b.Error(err)
	}
}

// evaluation is a request as an AuthZEN client would post it.
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
	body.WriteString("}}")
	return fmt.Appendf(nil, "POST /access/v1/evaluation HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", body.Len(), body.Bytes())
}

// load sends b.N requests over a number of connections, one at a time on each,
// and checks every answer.
func load(b *testing.B, address net.Addr, connections int, requests [][]byte, want func(i int) []byte) {
	var wait sync.WaitGroup
	conns := make([]net.Conn, connections)
	for i := range conns {
		c, err := net.Dial(address.Network(), address.String())
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		conns[i] = c
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i, c := range conns {
		n := b.N / connections
		if i < b.N%connections {
			n++
		}
		wait.Go(func() {
			r := bufio.NewReaderSize(c, 4096)
			body := make([]byte, 4096)
			for k := range n {
				at := (i*131 + k) % len(requests)
				if _, err := c.Write(requests[at]); err != nil {
					b.Error(err)
					return
				}
				got, err := answer(r, body)
				if err != nil || !bytes.HasPrefix(got, want(at)) {
					b.Errorf("%s\n%s, %v", requests[at], got, err)
					return
				}
			}
		})
	}
	wait.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

// answer reads one answer with status 200 and returns its body, in buf.
func answer(r *bufio.Reader, buf []byte) ([]byte, error) {
	length := -1
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if first && !bytes.Equal(line, []byte("HTTP/1.1 200 OK")) {
			return nil, fmt.Errorf("status %q", line)
		}
		if len(line) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 || length > len(buf) {
		return nil, fmt.Errorf("an answer of %d bytes", length)
	}
	_, err := io.ReadFull(r, buf[:length])
	return buf[:length], err
}
