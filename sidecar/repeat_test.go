package sidecar

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/index"
)

// script is a connection whose client sends given pieces, one a read, and
// then closes. Everything runs in the goroutine that serves it.
type script struct {
	net.Conn
	pieces          []string
	conn            *conn
	onRead, onWrite func() // called first

	out      bytes.Buffer
	repeated []bool // of each write, whether repeat answered
	closed   int
	// Times that the read deadline was taken away, and that the write deadline
	// was set.
	forever, hurried int
}

func (c *script) Read(b []byte) (int, error) {
	if c.onRead != nil {
		c.onRead()
	}
	for len(c.pieces) > 0 && c.pieces[0] == "" {
		c.pieces = c.pieces[1:]
	}
	if len(c.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.pieces[0])
	c.pieces[0] = c.pieces[0][n:]
	return n, nil
}

func (c *script) Write(b []byte) (int, error) {
	if c.closed > 0 {
		return 0, net.ErrClosed
	}
	if c.onWrite != nil {
		c.onWrite()
	}
	c.repeated = append(c.repeated, c.conn.between)
	return c.out.Write(b)
}

func (c *script) Close() error {
	c.closed++
	return nil
}

func (c *script) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
func (c *script) RemoteAddr() net.Addr { return c.LocalAddr() }
func (c *script) SetReadDeadline(at time.Time) error {
	if at.IsZero() {
		c.forever++
	}
	return nil
}

func (c *script) SetWriteDeadline(time.Time) error {
	c.hurried++
	return nil
}

// play serves one connection that sends pieces. Without repeats, the handler
// answers everything.
func (s *served) play(t testing.TB, repeats bool, pieces ...string) *script {
	t.Helper()
	return s.playOn(t, "tcp", repeats, pieces)
}

// playOn is play for a connection of that network.
func (s *served) playOn(t testing.TB, network string, repeats bool, pieces []string) *script {
	t.Helper()
	c := &script{pieces: slices.Clone(pieces)}
	c.begin(t, s, repeats)
	c.conn.listener.unix = network == "unix"
	_ = s.intake(c.conn.listener).http.ServeConn(c.conn)
	return c
}

// begin makes the connection one of the server's.
func (c *script) begin(t testing.TB, s *served, repeats bool) {
	t.Helper()
	c.conn = s.connections.add(c, &listener{server: s.Server})
	if !repeats {
		c.conn.repeat.unused, c.conn.form.unused = maxUnused, maxUnused
	}
	t.Cleanup(func() { _ = c.conn.Close() })
}

// how is a letter a write: h for the handler's, r for repeat's.
func (c *script) how() string {
	letters := ""
	for _, r := range c.repeated {
		letters += map[bool]string{true: "r", false: "h"}[r]
	}
	return letters
}

var dates = regexp.MustCompile(`\r\nDate: [^\r]*GMT\r\n`)

// text is all that was answered, without the dates.
func (c *script) text() string { return dates.ReplaceAllString(c.out.String(), "\r\nDate: -\r\n") }

// firstLine is that of a head that is kept.
const firstLine = "POST " + pathEvaluation + " HTTP/1.1\r\n"

var (
	repeatYes = post(pathEvaluation, evaluation("jean", "s3:GetObject", "object", "closed/k"))
	repeatNo  = post(pathEvaluation, evaluation("max", "s3:GetObject", "object", "closed/long/enough/for/three/digits/of/length"))
)

// TestRepeat: what repeat answers is, byte for byte, what the handler answers;
// and it answers nothing but whole requests with the head that was kept.
func TestRepeat(t *testing.T) {
	s := build(t, nil)
	yes, no := repeatYes, repeatNo
	bad := post(pathEvaluation, `{"subject":{"type":"saml","id":""}}`)
	behind := func(header string) string { return strings.Replace(yes, "\r\n\r\n", "\r\n"+header+"\r\n\r\n", 1) }
	chunked := firstLine + "Host: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
	half := firstLine + "Host: localhost\r\nX: "
	with := func(header string) string {
		return strings.Replace(yes, "Host: localhost\r\n", "Host: localhost\r\n"+header, 1)
	}
	sized := func(length string) string {
		_, body, _ := strings.Cut(yes, "\r\n\r\n")
		return strings.Replace(yes, fmt.Sprint("Length: ", len(body)), "Length: "+length, 1)
	}
	at := len(yes) - len(evaluation("jean", "s3:GetObject", "object", "closed/k")) // where the body begins
	lower := firstLine + strings.ToLower(yes[len(firstLine):at]) + yes[at:]
	head := func(text string) string { return text[:strings.Index(text, "\r\n\r\n")+4] }
	large := head(sized(fmt.Sprint(len(yes)))) // of a request whose body is yes
	for _, c := range []struct {
		name   string
		pieces []string
		how    string // "" for whatever it is
	}{
		{"one head", []string{yes, no, yes, no, no, yes}, "hrrrrr"},
		{"a bad body", []string{yes, bad, bad, yes, no}, "hhhrr"},
		{"no body", []string{yes, head(sized("0")), yes}, "hhr"},
		{"names in lower case", []string{lower, lower, yes, yes}, "hrhr"},
		{"another method", []string{yes, strings.Replace(yes, "POST", "post", 1), yes}, "hh"},
		{"two heads by turns", []string{yes, with("A: b\r\n"), yes, with("A: b\r\n")}, "hhhh"},
		{"two heads in rows", []string{yes, yes, with("A: b\r\n"), with("A: b\r\n"), with("A: b\r\n")}, "hrhrr"},
		{"a changed value", []string{with("A: b\r\n"), with("A: b\r\n"), with("A: c\r\n"), with("A: b\r\n")}, "hrhh"},
		{"a changed value behind", []string{behind("X-Postern-Expl...: true"), behind("X-Postern-Expl...: true"), behind("X-Postern-Explain: true"), behind("X-Postern-Expl...: true")}, "hrhr"},
		{"two in one piece", []string{yes, yes + no, yes}, "hhr"}, // and so one write
		{"one and a half", []string{yes, yes + no[:30], no[30:], yes}, "hhhr"},
		{"cut in the head", []string{yes, yes[:30], yes[30:], yes}, "hhr"},
		{"cut in the body", []string{yes, yes[:at+9], yes[at+9:], yes}, "hhr"},
		{"cut at first", []string{yes[:30], yes[30:], yes, yes}, "hrr"},
		{"a wait for more", []string{yes, sized("999"), "0123456789"}, "hh"},
		{"less than there is", []string{yes, sized("9"), yes}, "hhh"},
		{"leading zeros", []string{yes, sized("0" + fmt.Sprint(len(yes)-at)), yes}, "hhr"},
		{"a length of six digits", []string{yes, sized("100000") + strings.Repeat(" ", 9000)}, "hh"},
		{"a length of two words", []string{yes, sized(fmt.Sprint(len(yes)-at, "0")), yes}, "hh"},
		{"a request in a header", []string{yes + half, yes, yes}, "hh"},
		{"a request in a body", []string{yes, yes + large, yes, yes}, "hhr"},
		{"many answers and a body to come", []string{yes, strings.Repeat(no, 40) + large, yes, yes}, ""},
		{"explained", []string{with("X-Postern-Explain: true\r\n"), with("X-Postern-Explain: true\r\n"), with("X-Postern-Explain: no\r\n"), with("X-Postern-Explain: no\r\n")}, "hhhh"},
		{"with an id", []string{with("X-Request-ID: 1\r\n"), with("X-Request-ID: 1\r\n"), yes, yes}, "hhhr"},
		{"closing", []string{yes, with("Connection: Close\r\n"), yes}, "hh"},
		{"kept alive in words", []string{with("Connection: keep-alive\r\n"), with("Connection: keep-alive\r\n")}, "hr"},
		{"HTTP/1.0", []string{strings.Replace(with("Connection: keep-alive\r\n"), "HTTP/1.1", "HTTP/1.0", 1), strings.Replace(with("Connection: keep-alive\r\n"), "HTTP/1.1", "HTTP/1.0", 1), with("Connection: keep-alive\r\n"), with("Connection: keep-alive\r\n")}, "hhhr"},
		{"expecting", []string{with("Expect: 100-continue\r\n"), with("Expect: 100-continue\r\n")}, "hhhh"},
		{"chunked", []string{yes, chunked, chunked, yes}, "hhhr"},
		{"a long head", []string{with("A: " + strings.Repeat("b", maxRepeat) + "\r\n"), with("A: " + strings.Repeat("b", maxRepeat) + "\r\n")}, "hh"},
		{"a query", []string{strings.Replace(yes, " HTTP", "?a=b HTTP", 1), strings.Replace(yes, " HTTP", "?a=b HTTP", 1), yes}, "hhh"},
		{"an empty line before", []string{"\r\n" + yes, "\r\n" + yes, yes, yes}, "hhrr"},
		{"a batch", []string{post(pathEvaluations, yes[at:]), post(pathEvaluations, yes[at:])}, "hh"},
		{"another endpoint between", []string{yes, get("/healthz"), yes, get("/healthz")}, "hhrh"},
		{"not to be asked", []string{strings.Replace(yes, "localhost", "example.com", 1), strings.Replace(yes, "localhost", "example.com", 1)}, "h"},
	} {
		got, want := s.play(t, true, c.pieces...), s.play(t, false, c.pieces...)
		if got.text() != want.text() {
			t.Errorf("%s: answered\n%s\nwithout repeats\n%s", c.name, got.text(), want.text())
		}
		if want.text() == "" || strings.Contains(want.how(), "r") {
			t.Errorf("%s: without repeats %q: %q", c.name, want.how(), want.text())
		}
		if c.how != "" && got.how() != c.how {
			t.Errorf("%s: answered by %q, want %q\n%s", c.name, got.how(), c.how, got.text())
		}
	}
}

// TestRepeatLeavesOffTrying: on a connection whose heads never come again,
// none is kept after a while; one that does come again is.
func TestRepeatLeavesOffTrying(t *testing.T) {
	s := build(t, nil)
	var always, late []string
	for i := range 2 * maxUnused {
		traced := strings.Replace(repeatYes, "Host:", fmt.Sprintf("Traceparent: 00-%032x\r\nHost:", i), 1)
		always = append(always, traced)
		if i < maxUnused-1 {
			late = append(late, traced)
		}
	}
	if c := s.play(t, true, append(always, repeatYes, repeatYes)...); strings.Contains(c.how(), "r") || c.conn.repeat.unused != maxUnused {
		t.Errorf("%s, %d", c.how(), c.conn.repeat.unused)
	}
	if c := s.play(t, true, append(late, repeatYes, repeatYes, repeatNo)...); !strings.HasSuffix(c.how(), "hrr") || c.conn.repeat.unused != 0 {
		t.Errorf("%s, %d", c.how(), c.conn.repeat.unused)
	}
}

// TestRepeatCounts: metrics do not tell who answered.
func TestRepeatCounts(t *testing.T) {
	var sums [2]totals
	for i, repeats := range []bool{true, false} {
		s := build(t, nil)
		s.play(t, repeats, repeatYes, repeatNo, repeatYes, repeatNo, post(pathEvaluation, "{"), repeatNo)
		sums[i] = s.blocks.sum()
		n := uint64(0)
		durations := &sums[i].durations[endpointEvaluation]
		for _, d := range durations.counts {
			n += d
		}
		if n != 6 || durations.nanos == 0 {
			t.Errorf("%d durations, %d ns", n, durations.nanos)
		}
		clear(sums[i].durations[:])
	}
	if sums[0] != sums[1] {
		t.Errorf("%+v, without repeats %+v", sums[0], sums[1])
	}
}

// TestRepeatSeesTheServer: the snapshot in force, a snapshot that is gone, a
// panic and the server's end show in a repeated question too.
func TestRepeatSeesTheServer(t *testing.T) {
	var current index.Current
	current.Store(usual(t).Load())
	panicking := false
	s := build(t, func(c *Config) {
		c.Current = &current
		c.Now = func() time.Time {
			if panicking {
				panic("the clock stands still")
			}
			return clock
		}
	})
	c := &script{pieces: []string{repeatYes, repeatYes, repeatNo, repeatYes, repeatYes, repeatYes}}
	c.begin(t, s, true)
	answers := 0
	c.onWrite = func() {
		switch answers++; answers {
		case 2:
			current.Store(snapshotOf(t, 8, nil))
		case 3:
			current.Store(nil)
		case 4:
			current.Store(usual(t).Load())
		case 5:
			panicking = true
		}
	}
	_ = s.intake(c.conn.listener).http.ServeConn(c.conn)
	text := c.text()
	for _, want := range []string{allowed, `"generation":8`, "HTTP/1.1 503", allowed, "HTTP/1.1 500"} {
		at := strings.Index(text, want)
		if at < 0 {
			t.Fatalf("no %s in what is left of the answers: %s", want, text)
		}
		text = text[at+len(want):]
	}
	if c.how() != "hrrhrh" || c.closed != 1 || !strings.Contains(s.log.String(), "the clock stands still") {
		t.Errorf("answered by %s, closed %d times, logged %s", c.how(), c.closed, s.log)
	}

	s = build(t, func(c *Config) { c.MaxBody = len(evaluation("jean", "s3:GetObject", "object", "closed/k")) })
	if c := s.play(t, true, repeatYes, repeatYes, repeatNo); c.how() != "hrh" || !strings.Contains(c.text(), "HTTP/1.1 413") {
		t.Errorf("a body that is too long: answered by %s: %s", c.how(), c.text())
	}

	s = build(t, nil)
	c = &script{pieces: []string{repeatYes, repeatYes, repeatYes, repeatYes}}
	c.begin(t, s, true)
	c.onWrite = func() { s.ending.Store(len(c.repeated) > 0) }
	_ = s.intake(c.conn.listener).http.ServeConn(c.conn)
	if c.how() != "hrhh" {
		t.Errorf("at the server's end: answered by %s", c.how())
	}
}

// TestRepeatAndClose: a connection that Shutdown takes for idle is closed when
// the answer under way has been written, and no further one is read.
func TestRepeatAndClose(t *testing.T) {
	s := build(t, nil)
	c := &script{pieces: []string{repeatYes, repeatNo, repeatNo}}
	c.begin(t, s, true)
	c.onWrite = func() {
		if len(c.repeated) == 1 {
			if err := c.conn.Close(); err != nil || c.closed != 0 {
				t.Errorf("%v, closed %d times", err, c.closed)
			}
		}
	}
	_ = s.intake(c.conn.listener).http.ServeConn(c.conn)
	if c.how() != "hr" || !strings.HasSuffix(c.text(), denyNoMatch) || c.closed != 1 {
		t.Errorf("answered by %s, closed %d times: %s", c.how(), c.closed, c.text())
	}
	if s.connections.closeIf(func(*conn) bool { return true }); len(s.connections.list) != 0 {
		t.Errorf("%d connections are left", len(s.connections.list))
	}
}

// TestRepeatAndTimeouts: a question that comes as the wait for it ends is
// answered, and the deadline taken away; an answer that takes longer than it
// may is the connection's last.
func TestRepeatAndTimeouts(t *testing.T) {
	const late = noEnd - 1
	s := build(t, nil)
	c := &script{pieces: []string{repeatYes, repeatYes, repeatNo}}
	c.begin(t, s, true)
	c.onRead = func() {
		if len(c.repeated) == 1 {
			c.conn.expire(late)
		}
	}
	_ = s.intake(c.conn.listener).http.ServeConn(c.conn)
	if c.how() != "hrr" || c.forever != 1 {
		t.Errorf("the wait ended: answered by %s, and %d deadlines taken away", c.how(), c.forever)
	}

	c = &script{pieces: []string{repeatYes, repeatYes, repeatNo}}
	c.begin(t, s, true)
	c.onWrite = func() {
		if len(c.repeated) == 1 {
			c.conn.expire(late)
		}
	}
	_ = s.intake(c.conn.listener).http.ServeConn(c.conn)
	if c.how() != "hr" || c.closed != 1 || c.hurried != 1 {
		t.Errorf("a slow answer: answered by %s, closed %d times, %d deadlines set", c.how(), c.closed, c.hurried)
	}
}

// TestRepeatedDate: the date is that of the answer.
func TestRepeatedDate(t *testing.T) {
	s := build(t, nil)
	for _, c := range []struct {
		now  time.Time
		want string
	}{
		{clock, "Date: Tue, 03 Feb 2026 04:05:06 GMT\r\n"}, {clock.Add(time.Second - 1), "04:05:06 GMT"},
		{clock.Add(time.Second).In(time.FixedZone("", 3600)), "04:05:07 GMT"}, {clock.Add(48 * time.Hour), "Thu, 05 Feb 2026"},
	} {
		if got := string(s.appendWire(nil, c.now, nil, []byte(allowed))); !strings.Contains(got, c.want) || !strings.HasSuffix(got, "\r\nContent-Length: "+itoa(len(allowed))+"\r\n\r\n"+allowed) {
			t.Errorf("%s: %q", c.now, got)
		}
	}
}

// TestRepeatAtRandom plays requests of several heads, whole, in pieces and
// several in one, with and without repeats.
func TestRepeatAtRandom(t *testing.T) {
	s := build(t, nil)
	r := rand.New(rand.NewPCG(1, 2))
	requests := []string{repeatYes, repeatYes, repeatYes, repeatNo, repeatNo, repeatNo, get("/healthz"), post(pathEvaluation, "{}"), post(pathEvaluation, "{}", "A: b"),
		strings.Replace(repeatYes, "Host:", "HOST:", 1), strings.Replace(repeatNo, "Host:", "HOST:", 1), post(pathEvaluation, repeatYes), repeatYes[:50]}
	repeated := 0
	for range 3000 {
		var pieces []string
		for range 1 + r.IntN(8) {
			text := requests[r.IntN(len(requests))]
			switch r.IntN(6) {
			case 0: // with the one before
				if n := len(pieces); n > 0 {
					pieces[n-1] += text
					continue
				}
			case 1: // cut
				at := 1 + r.IntN(len(text)-1)
				pieces = append(pieces, text[:at])
				text = text[at:]
			}
			pieces = append(pieces, text)
		}
		with, without := s.play(t, true, pieces...), s.play(t, false, pieces...)
		if with.text() != without.text() {
			t.Fatalf("%q\nanswered (%s)\n%s\nwithout repeats\n%s", pieces, with.how(), with.text(), without.text())
		}
		repeated += strings.Count(with.how(), "r")
	}
	if repeated < 1000 {
		t.Errorf("only %d answers were repeat's", repeated)
	}
}

// FuzzRepeat plays a stream with and without repeats. 0xff in it ends a piece,
// and 0x01 to 0x08, 0x0b and 0x0c stand for whole requests: those from 0x04 on of stores,
// from 0x07 on of nginx, and from 0x0b on of Envoy.
func FuzzRepeat(f *testing.F) {
	evaluations, stores, proxies := build(f, nil), storeServer(f, MinIO{}), doorServer(f, Doors{Forward: &Forward{Mode: "nginx"}})
	envoy := doorServer(f, Doors{Forward: &Forward{Mode: "envoy"}})
	asked := forwardHead("nginx", "GET", "/b/k", "10.1.2.3", true, jean...)
	ceph := cephPost(cephBody("GET", "/c/a", "", "a", "c"))
	cephHead, _, _ := strings.Cut(ceph, "Content-Length")
	for _, stream := range []string{
		"\x01\xff\x02\xff\x01", "\x01\xff\x01\x02\xff\x01", "\x01\xff\x03\xff\x02\xff\x03", "\x01" + firstLine + "A: \xff\x01\xff\x02",
		"\x01\xff" + repeatNo + "\xff" + strings.ToLower(repeatYes), get("/healthz") + "\xff\x01\xff\r\n\x01", "\x01\xff" + repeatYes[:50] + "\xff" + repeatYes[50:],
		firstLine + "Host: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\xff\x01\xff\x01",
	} {
		f.Add([]byte(stream))
	}
	for _, stream := range []string{"\x07\xff\x08\xff\x07", "\x07\xff\x07\x08\xff\x08", "\x07\xff" + strings.Replace(asked, "/b/k", "/c\xff/d\r\nA: b", 1) + "\xff\x08", "\x07\xff" + asked[:len(asked)-2] + "A: b\r\n\r\n\xff\x07",
		"\x04\xff\x04\xff\x05\xff\x04", "\x06\xff\x06\xff\x04\xff\x06", "\x04\x01\xff\x04\x06\xff\x01\xff\x01\xff\x04", "\x04\xff" + cephHead + "Content-Length: 2\r\n\r\n{}\xff\x04"} {
		f.Add([]byte(stream))
	}
	for _, stream := range []string{"\x0b\xff\x0c\xff\x0b", "\x0b\xff\x0b\x0c\xff\x0c", "\x0b\xffGET /authorize/b/\xff\x0c", "\x0b\xffPUT /authorize/b/k HTTP/1.1\r\nHost: store\r\nContent-Length: 1\r\n\r\n\xff\x0b"} {
		f.Add([]byte(stream))
	}
	fill := strings.NewReplacer("\x0b", forwardHead("envoy", "GET", "/b/k", "10.1.2.3", true, jean...), "\x0c", forwardHead("envoy", "DELETE", "/b/longer/key", "10.1.2.4", true, jean...),
		"\x01", repeatYes, "\x02", repeatNo, "\x03", post(pathEvaluation, "{}"),
		"\x04", ceph, "\x05", cephPost(cephBody("DELETE", "/c/a", "", "a", "c")), "\x06", minioPost(minioBody("s3:GetObject", "c", "k")),
		"\x07", asked, "\x08", forwardHead("nginx", "DELETE", "/b/longer/key", "10.1.2.4", true, jean...))
	f.Fuzz(func(t *testing.T, stream []byte) {
		pieces := strings.Split(fill.Replace(string(stream)), "\xff")
		if strings.Contains(string(stream), "/metrics") || strings.Contains(string(stream), "/v1/status") {
			return // they tell the time
		}
		s := evaluations
		if bytes.ContainsAny(stream, "\x04\x05\x06") {
			s = stores
		}
		if bytes.ContainsAny(stream, "\x07\x08") {
			s = proxies
		}
		if bytes.ContainsAny(stream, "\x0b\x0c") {
			s = envoy
		}
		with, without := s.play(t, true, pieces...), s.play(t, false, pieces...)
		if with.text() != without.text() {
			t.Errorf("%q\nanswered (%s)\n%s\nwithout repeats\n%s", pieces, with.how(), with.text(), without.text())
		}
	})
}
