package benchmarks

import (
	"flag"
	"net"
	"testing"
)

var constantAt = flag.String("constant", "", "serve the constant answer at `ADDRESS`, for ever: what wrk compares postern with")

// TestServeConstant is no test: with -constant it serves what the HTTP
// benchmarks measure postern against, for a client of another make. In three
// terminals, the last two lines by turns:
//
//	go run ./cmd/postern serve -policies examples/policies
//	go test ./benchmarks -run TestServeConstant -timeout 0 -constant 127.0.0.1:8181
//
//	wrk -t2 -c32 -d10s --latency -s benchmarks/wrk.lua http://127.0.0.1:8180
//	wrk -t2 -c32 -d10s --latency -s benchmarks/wrk.lua http://127.0.0.1:8181
//
// wrk looks at no body; with CHECK=1 in its environment the script does.
func TestServeConstant(t *testing.T) {
	if *constantAt == "" {
		t.Skip("a server for wrk, which runs only with -constant ADDRESS")
	}
	l, err := net.Listen("tcp", *constantAt)
	if err != nil {
		t.Fatal(err)
	}
	t.Fatal(constantServer(`{"decision":true}`).Serve(l))
}
