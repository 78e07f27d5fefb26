package test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A recorder is a store that does nothing and notes what reaches it.
type recorder struct {
	mu   sync.Mutex
	came []string // METHOD TARGET, with what of Authorization names a caller
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	io.Copy(io.Discard, q.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.came = append(r.came, q.Method+" "+q.RequestURI+" "+q.Header.Get("Authorization"))
}

func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	came := r.came
	r.came = nil
	return came
}

// signed is a signature by somebody's key, which this store does not verify.
func signed(k key) string {
	return "Authorization: AWS4-HMAC-SHA256 Credential=" + k.access + "/20261201/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\n"
}

// smuggled are requests, or what two servers may take for one or for two. All may
// come from alice, who does everything but delete what is kept; none must reach the
// store as a DELETE of that, or as a request by a caller whom nobody knows.
func smuggled(host string) map[string]string {
	alice := "Host: " + host + "\r\n" + signed(callers["user/alice"])
	inner := "DELETE /free/keep/log HTTP/1.1\r\n" + alice + "\r\n"
	put := func(framing, body string) string {
		return "PUT /free/a HTTP/1.1\r\n" + alice + framing + "\r\n" + body
	}
	length := fmt.Sprintf("Content-Length: %d\r\n", len(inner))
	out := map[string]string{
		"Content-Length beside Transfer-Encoding": put(length+"Transfer-Encoding: chunked\r\n", "0\r\n\r\n"+inner),
		"Transfer-Encoding beside Content-Length": put("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"+inner),
		"two lengths":                  put("Content-Length: 0\r\n"+length, inner),
		"two lengths in one":           put("Content-Length: 0, "+length[len("Content-Length: "):], inner),
		"a length with a sign":         put("Content-Length: +0\r\n", inner),
		"a length in hexadecimal":      put("Content-Length: 0x0\r\n", inner),
		"an unknown coding":            put(length+"Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"+inner),
		"two codings":                  put("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"+inner),
		"a coding behind a tab":        put(length+"Transfer-Encoding:\tchunked\r\n", "0\r\n\r\n"+inner),
		"a blank before the colon":     put(length+"Transfer-Encoding : chunked\r\n", "0\r\n\r\n"+inner),
		"a coding under an underscore": put(length+"Transfer_Encoding: chunked\r\n", "0\r\n\r\n"+inner),
		"a folded coding":              put(length+"X: a\r\n Transfer-Encoding: chunked\r\n", "0\r\n\r\n"+inner),
		"a folded first header":        "PUT /free/a HTTP/1.1\r\n Host: x\r\n" + alice + "\r\n" + inner,
		"a line that ends in LF":       "PUT /free/a HTTP/1.1\n" + strings.ReplaceAll(alice, "\r", "") + "Content-Length: 0\n\n" + inner,
		"a lone CR":                    put("X: a\rTransfer-Encoding: chunked\r\n"+length, inner),
		"a chunk with an extension":    put("Transfer-Encoding: chunked\r\n", "0;a=\n\r\n\r\n"+inner),
		"a chunk too long":             put("Transfer-Encoding: chunked\r\n", "fffffffffffffffff0\r\n\r\n"+inner),
		"a body of GET":                "GET /free/a HTTP/1.1\r\n" + alice + length + "\r\n" + inner,
		"a second request":             put("Content-Length: 0\r\n", inner),
		"HTTP/1.0":                     "PUT /free/a HTTP/1.0\r\n" + alice + "Connection: keep-alive\r\n\r\n" + inner,
		"an upgrade":                   "GET /free/a HTTP/1.1\r\n" + alice + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n" + inner,
		"a header that Connection drops": "DELETE /free/keep/log HTTP/1.1\r\n" + alice + "Connection: close, X-Original-Uri, X-Original-Method, X-Forwarded-Method, Authorization\r\n" +
			"X-Original-Method: GET\r\nX-Forwarded-Method: GET\r\n\r\n",
	}
	for name, target := range map[string]string{
		"plain": "/free/keep/log", "an absolute URI": "http://" + host + "/free/keep/log", "an absolute URI of another": "http://other.example/free/keep/log",
		"an escaped slash": "/free%2fkeep%2flog", "an escaped letter": "/free/%6beep/log", "an escape twice": "/free/%256beep/log", "a dot": "/free/./keep/log",
		"two dots": "/free/x/../keep/log", "escaped dots": "/free/x/%2e%2e/keep/log", "two slashes": "/free//keep/log", "two slashes in front": "//free/keep/log",
		"a backslash": `/free\keep\log`, "a parameter": "/free/keep;x/log", "a fragment": "/free/a#/../keep/log", "a NUL": "/free/keep/log%00", "a blank": "/free/keep/log x",
		"a long path": "/free/" + strings.Repeat("x/../", 1600) + "keep/log", "8 KiB": "/free/keep/" + strings.Repeat("a", 8192), "a huge query": "/free/keep/log?" + strings.Repeat("a=b&", 16384),
	} {
		out["DELETE of "+name] = "DELETE " + target + " HTTP/1.1\r\n" + alice + "Content-Length: 0\r\n\r\n"
	}
	for _, header := range []string{
		"X-Original-Method: GET", "X_Original_Method: GET", "X-Original-URI: /free/a", "X_Original_Uri: /free/a", "X-Forwarded-Method: GET", "X-Forwarded-Uri: /free/a", "X_Forwarded_Uri: /free/a",
		"X-HTTP-Method-Override: GET", "X-Method-Override: GET", "X-Rewrite-Url: /free/a", "X-Original-Url: /free/a",
	} {
		out["DELETE with "+header] = "DELETE /free/keep/log HTTP/1.1\r\n" + alice + header + "\r\nContent-Length: 0\r\n\r\n"
	}
	by := "Host: " + host + "\r\n" + signed(stranger)
	for _, header := range []string{
		"X-Postern-Principal: user/alice", "X_Postern_Principal: user/alice", "x-postern-principal: user/alice\r\nX-Postern-Org: acme", "X-Postern-Groups: a\r\nX-Postern-Principals: user/alice",
		"X-Postern-Secret: " + secret, "Connection: X-Postern-Principal", signed(callers["user/alice"])[:len(signed(callers["user/alice"]))-2],
	} {
		out["a stranger with "+header] = "GET /free/a HTTP/1.1\r\n" + by + header + "\r\nContent-Length: 0\r\n\r\n"
	}
	// Where a key may stand in a text, and is not the one that signs.
	for name, target := range map[string]string{
		"the path": "/free/a&X-Amz-Credential=KEY/x", "the path, of version 2": "/free/a&AWSAccessKeyId=KEY", "a parameter": "/free?prefix=a?X-Amz-Credential=KEY/x",
		"a parameter, of version 2": "/free?prefix=a?AWSAccessKeyId=KEY&delimiter=x", "an escaped parameter": "/free?prefix=a%26X-Amz-Credential=KEY/x",
	} {
		out["a stranger with alice's key in "+name] = "GET " + strings.ReplaceAll(target, "KEY", callers["user/alice"].access) + " HTTP/1.1\r\n" + by + "\r\n"
	}
	out["a stranger with alice's key in the query"] = "GET /free/a?X-Amz-Credential=" + callers["user/alice"].access + "%2Fx HTTP/1.1\r\n" + by + "\r\n"
	return out
}

// forbidden reports that a request must not have reached the store.
func forbidden(came string) bool {
	method, rest, _ := strings.Cut(came, " ")
	target, credential, _ := strings.Cut(rest, " ")
	if strings.Contains(credential, stranger.access) {
		return true
	}
	if u, err := url.ParseRequestURI(target); err == nil {
		target = u.Path
	}
	return method == "DELETE" && strings.HasPrefix(path.Clean("/"+strings.ReplaceAll(target, `\`, "/")), "/free/keep/")
}

// TestSmuggling: through each proxy, over one connection and another, nothing that
// postern has not allowed reaches the store (specification 7.5).
func TestSmuggling(t *testing.T) {
	store := new(recorder)
	port := freePort(t)
	server := &http.Server{Addr: address(port), Handler: store}
	go server.ListenAndServe()
	t.Cleanup(func() { server.Close() })
	for _, x := range proxies {
		t.Run(x.name, func(t *testing.T) {
			dir := t.TempDir()
			p := startPostern(t, dir, freePort(t), "-forward-auth", x.name)
			c := newCertificate(t, dir)
			front := freePort(t)
			x.start(t, dir, p, port, front, c)
			pem, err := os.ReadFile(filepath.Clean(c.certificate))
			if err != nil {
				t.Fatal(err)
			}
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM(pem)
			host := "localhost:" + itoa(front)
			// say sends a text over a connection of its own, and returns what comes.
			say := func(text string) string {
				t.Helper()
				d := tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: &tls.Config{RootCAs: pool, ServerName: "localhost", NextProtos: []string{"http/1.1"}}}
				conn, err := d.Dial("tcp", address(front))
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(700 * time.Millisecond))
				io.WriteString(conn, text)
				answer, _ := io.ReadAll(bufio.NewReader(conn))
				return string(answer)
			}
			plain := "PUT /free/a HTTP/1.1\r\nHost: " + host + "\r\n" + signed(callers["user/alice"]) + "Content-Length: 0\r\n\r\n"
			if got := say(plain); !strings.HasPrefix(got, "HTTP/1.1 200") || len(store.take()) != 1 {
				t.Fatalf("what is allowed does not work: %.300s", got)
			}
			var all sync.WaitGroup
			turn := make(chan bool, 8)
			attacks := smuggled(host)
			for _, text := range attacks {
				all.Go(func() {
					turn <- true
					say(text)
					<-turn
				})
			}
			all.Wait()
			// What a store took for the beginning of a request would show now.
			for range 4 {
				say(plain)
			}
			came := store.take()
			for _, r := range came {
				if forbidden(r) {
					t.Errorf("it has reached the store: %.300s", r)
				}
			}
			t.Logf("%d attacks; %d requests reached the store, none of which is denied", len(attacks), len(came))
			if len(came) < 5 {
				t.Errorf("only %q reached the store", came)
			}
		})
	}
}
