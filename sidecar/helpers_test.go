package sidecar

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"postern/compile"
	"postern/index"
	"postern/internal/policyjson"
	"postern/policy"
)

// The paths that only tests name.
const (
	pathEvaluations    = "/access/v1/evaluations"
	pathSearchSubject  = "/access/v1/search/subject"
	pathSearchResource = "/access/v1/search/resource"
	pathSearchAction   = "/access/v1/search/action"
)

// organizationPolicy, bucketPolicy and accessPolicy are what most tests are
// served with: an organization whose principals may do everything but delete,
// one of its buckets with a policy of its own, and an organization whose iam layer
// gives an allow with an obligation.
const (
	organizationPolicy = `{"version":"v1alpha1","name":"all","statements":[
  {"name":"do","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["*"]},
  {"name":"keep","effect":"Deny","actions":["s3:DeleteObject"],"resources":["*"],"principals":["*"]},
  {"name":"look","effect":"Allow","actions":["cwobject:List*"],"resources":["*"],"principals":["role/Auditor"]}]}`
	bucketPolicy = `{"Version":"2012-10-17","Statement":[
  {"Sid":"jean","Effect":"Allow","Principal":{"CW":"arn:aws:iam::o1:saml/jean"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::closed/*",
   "Condition":{"DateLessThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"}}}]}`
	accessPolicy = `{"apiVersion":"postern/v1","kind":"AccessPolicy","metadata":{"name":"opening"},
  "roles":{"opener":{"rules":[{"actions":["environment:open"],"resources":["environment:*"],"constraints":{"maxOpenSeconds":3600}}]}},
  "bindings":[{"id":"jean","roles":["opener"],"members":["saml/jean"]}]}`
)

// clock is the server's in most tests.
var clock = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// snapshotOf compiles files named as in a policy directory.
func snapshotOf(t testing.TB, generation uint64, files map[string]string) *index.Snapshot {
	t.Helper()
	d := &policy.Directory{Organizations: map[string]*policy.DirectoryOrganization{}, Buckets: map[string]*policy.DirectoryBucket{}}
	for name, content := range files {
		org, rest, _ := strings.Cut(name, "/")
		o := d.Organizations[org]
		if o == nil {
			o = &policy.DirectoryOrganization{}
			d.Organizations[org] = o
		}
		if bucket, ok := strings.CutPrefix(rest, "buckets/"); ok {
			bucket = strings.TrimSuffix(bucket, ".json")
			doc, ds := policyjson.ParseBucket(name, bucket, []byte(content), policyjson.Limits{})
			if policy.HasErrors(ds) {
				t.Fatal(ds)
			}
			d.Buckets[bucket] = &policy.DirectoryBucket{Owner: org, Policy: doc}
			continue
		}
		if bucket, ok := strings.CutPrefix(rest, "bare/"); ok { // without a policy
			d.Buckets[bucket] = &policy.DirectoryBucket{Owner: org}
			continue
		}
		if strings.HasPrefix(rest, "iam/") {
			doc, ds := policyjson.ParseAccess(name, []byte(content), policyjson.Limits{})
			if policy.HasErrors(ds) {
				t.Fatal(ds)
			}
			o.Access = append(o.Access, doc)
			continue
		}
		doc, ds := policyjson.ParseOrganization(name, []byte(content), policyjson.Limits{})
		if policy.HasErrors(ds) {
			t.Fatal(ds)
		}
		o.Policies = append(o.Policies, doc)
	}
	s, ds := compile.Compiler{}.Directory(d, generation)
	if policy.HasErrors(ds) {
		t.Fatal(ds)
	}
	b := index.NewBuilder(s)
	b.SetDigest(testDigest)
	return b.Freeze(generation)
}

// testDigest is that of every snapshot of the tests.
var testDigest = policy.Digest{0xd1, 0x9e, 0x57, 31: 0x01}

func usual(t testing.TB) *index.Current {
	t.Helper()
	var c index.Current
	c.Store(snapshotOf(t, 7, map[string]string{
		"o1/access-policies/all.json": organizationPolicy, "o1/buckets/closed.json": bucketPolicy, "o3/iam/opening.json": accessPolicy,
	}))
	return &c
}

// logBook keeps what was logged.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// served is a server with one TCP listener.
type served struct {
	*Server
	address string
	log     *logBook
}

// serve starts a server; change may be nil. It is shut down with the test.
func serve(t testing.TB, change func(*Config)) *served {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, change, l)
}

func serveOn(t testing.TB, change func(*Config), listeners ...net.Listener) *served {
	t.Helper()
	s := build(t, change)
	s.address = listeners[0].Addr().String()
	errs := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { errs <- s.Serve(l) }()
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		for range listeners {
			if err := <-errs; err != nil && !errors.Is(err, ErrClosed) {
				t.Errorf("Serve: %v", err)
			}
		}
	})
	return s
}

// build makes a server that listens nowhere.
func build(t testing.TB, change func(*Config)) *served {
	t.Helper()
	book := &logBook{}
	c := Config{
		Current: usual(t),
		Status:  func() *policy.Status { return &policy.Status{Files: 2} },
		Now:     func() time.Time { return clock },
		Logger:  slog.New(slog.NewTextHandler(book, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return &served{Server: s, log: book}
}

// client is one connection of a test.
type client struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func dial(t testing.TB, network, address string) *client {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{t: t, Conn: c, r: bufio.NewReader(c)}
}

func (s *served) dial(t testing.TB) *client { t.Helper(); return dial(t, "tcp", s.address) }

func (c *client) send(text string) *client {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, text); err != nil {
		c.t.Fatalf("sending: %v", err)
	}
	return c
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	last   bool // the connection is closed after it
}

// answer reads one answer.
func (c *client) answer() answer {
	c.t.Helper()
	r, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatalf("reading the answer: %v", err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Fatalf("reading the answer's body: %v", err)
	}
	a := answer{r.StatusCode, r.Header, string(body), r.Close}
	if a.status != 200 && strings.Contains(a.body, "decision") {
		c.t.Errorf("an answer %d holds a decision: %s", a.status, a.body)
	}
	return a
}

// closed waits for the server to close the connection.
func (c *client) closed() {
	c.t.Helper()
	if b, err := io.ReadAll(c.r); err != nil || len(b) > 0 {
		c.t.Errorf("want the connection closed, got %q, %v", b, err)
	}
}

// post is a POST with a JSON body.
func post(path, body string, headers ...string) string {
	head := "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n"
	for _, h := range headers {
		head += h + "\r\n"
	}
	return head + "\r\n" + body
}

func get(path string, headers ...string) string {
	head := "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n"
	for _, h := range headers {
		head += h + "\r\n"
	}
	return head + "\r\n"
}

// ask sends one request on a connection of its own.
func (s *served) ask(t testing.TB, text string) answer {
	t.Helper()
	return s.dial(t).send(text).answer()
}

// evaluation is a body.
func evaluation(subject, action, typ, id string) string {
	return `{"subject":{"type":"saml","id":"` + subject + `","properties":{"org":"o1"}},"action":{"name":"` + action + `"},"resource":{"type":"` + typ + `","id":"` + id + `"}}`
}

func decode(t testing.TB, s *served, body string, headers ...string) answer {
	t.Helper()
	return s.ask(t, post(pathEvaluation, body, headers...))
}

// counted checks a number of requests in /metrics; labels are endpoint and code.
func (s *served) counted(t testing.TB, labels string, want int) {
	t.Helper()
	line := "postern_http_requests_total" + labels + " " + strconv.Itoa(want) + "\n"
	if got := s.ask(t, get("/metrics")); !strings.Contains(got.body, line) {
		t.Errorf("no %s in the metrics:\n%s", line, got.body)
	}
}

// policyStatus is a status that tests change.
type policyStatus struct {
	now     atomic.Pointer[policy.Status]
	current *index.Snapshot
}

func (p *policyStatus) get() *policy.Status {
	if s := p.now.Load(); s != nil {
		return s
	}
	return &policy.Status{}
}

func (p *policyStatus) files(n int) { p.now.Store(&policy.Status{Files: n}) }

func (p *policyStatus) quarantined() {
	p.now.Store(&policy.Status{Quarantined: []policy.QuarantinedUnit{{Unit: "o1/iam"}}})
}

func (p *policyStatus) none() *index.Current { return new(index.Current) }

// call makes a context as the server does, with a connection of a listener.
func call(t testing.TB, s *served, text string) *fasthttp.RequestCtx {
	t.Helper()
	var ctx fasthttp.RequestCtx
	ctx.Init2(&conn{listener: &listener{server: s.Server}, all: s.connections}, quiet{s.Server.log}, false)
	if err := ctx.Request.Read(bufio.NewReader(strings.NewReader(text))); err != nil {
		t.Fatal(err)
	}
	return &ctx
}
