package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"postern/internal/diagnostic"
)

const readyExamples = `  postern ready
  postern ready -listen 127.0.0.1:9000
  postern ready -socket /run/postern/postern.sock

Asks /readyz, and prints what it says. For exec probes and scripts: a container needs no curl.

Exit status: 0 ready, 1 not ready or no answer, 2 not understood.
`

// mostReady bounds what is read of the answer of /readyz.
const mostReady = 1 << 20

// runReady asks a running server whether it is ready (specification 9.1).
func runReady(args []string, env lookup, _ io.Reader, out, errs io.Writer) int {
	fs := newFlags("ready", "ready [-listen ADDRESS|-socket PATH] [-timeout 1s]", readyExamples)
	address := fs.String("listen", "127.0.0.1:8180", "TCP `ADDRESS` that the server listens on")
	socket := fs.String("socket", "", "`PATH` of the Unix socket that the server listens on; it is asked rather than -listen")
	timeout := fs.Duration("timeout", time.Second, "how long an answer is waited for")
	rest, err := fs.parse(args, env, out)
	if isHelp(err) {
		return exitOK
	}
	if err == nil && len(rest) > 0 {
		err = usagef("takes no arguments, but got %q", rest[0])
	}
	if err == nil && *timeout <= 0 {
		err = usagef("-timeout %s is no time to wait; write one above 0, like 1s", *timeout)
	}
	network, at := "tcp", *address
	if *socket != "" {
		network, at = "unix", *socket
	}
	if _, port, splitErr := net.SplitHostPort(at); err == nil && network == "tcp" && (splitErr != nil || port == "") {
		err = usagef("-listen %q is no address; write HOST:PORT, like 127.0.0.1:8180, or -socket PATH", at)
	}
	if err != nil {
		return complain(errs, "ready", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	said, ready := askReady(ctx, network, at)
	if !ready {
		fmt.Fprintf(errs, "postern ready: not ready: %s\n", diagnostic.Visible(said))
		return exitDenied
	}
	fmt.Fprintln(out, diagnostic.Visible(said))
	return exitOK
}

// askReady asks the server at an address of loopback or a socket, and returns what it
// says, or why it does not, in one line.
func askReady(ctx context.Context, network, at string) (said string, ready bool) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, at)
	}}}
	host := at
	if network == "unix" {
		host = "postern"
	} else if h, port, err := net.SplitHostPort(at); err == nil && (h == "" || net.ParseIP(h) != nil && net.ParseIP(h).IsUnspecified()) {
		host = net.JoinHostPort("localhost", port) // what listens on every address
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+"/readyz", nil)
	if err != nil {
		return err.Error(), false
	}
	answer, err := client.Do(q)
	if err != nil {
		return err.Error(), false
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, mostReady))
	if err != nil {
		return err.Error(), false
	}
	var body struct {
		Status, Error, Reason, Digest string
		Generation                    uint64
		Quarantined                   []json.RawMessage
	}
	if err := json.Unmarshal(data, &body); err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Sprintf("%d %s", answer.StatusCode, strings.TrimSpace(string(data))), false
	}
	return fmt.Sprintf("ready: generation %d, digest %s, %s", body.Generation, body.Digest, plural(len(body.Quarantined), "quarantined unit")), true
}
