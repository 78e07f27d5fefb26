package benchmarks

import (
	"flag"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

var constantAt = flag.String("constant", "", "serve the constant answer at `ADDRESS`, for ever: what wrk compares postern with")

// TestServeConstant asks the server that the HTTP benchmarks measure postern
// against. With -constant it serves it for a client of another make, for ever.
// In three terminals, the last two lines by turns:
//
//	go run ./cmd/postern serve -policies examples/policies
//	go test ./benchmarks -run TestServeConstant -timeout 0 -constant 127.0.0.1:8181
//
//	wrk -t2 -c32 -d10s --latency -s benchmarks/wrk.lua http://127.0.0.1:8180
//	wrk -t2 -c32 -d10s --latency -s benchmarks/wrk.lua http://127.0.0.1:8181
//
// wrk looks at no body; with CHECK=1 in its environment the script does.
func TestServeConstant(t *testing.T) {
	const answer = `{"decision":true}`
	server, at := constantServer(answer), *constantAt
	if at == "" {
		at = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	if *constantAt != "" {
		t.Fatal(server.Serve(l))
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	resp, err := http.Post("http://"+l.Addr().String(), "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK || string(body) != answer {
		t.Errorf("%s %q, %v", resp.Status, body, err)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := server.Shutdown(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
