package sidecar

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/internal/decisionlog"
)

// logBuilt opens a decision log of its own for a server.
func logBuilt(t testing.TB, change func(*decisionlog.Config)) (l *decisionlog.Log, read func() []loggedLine) {
	t.Helper()
	c := decisionlog.Config{Path: filepath.Join(t.TempDir(), "d.log"), Allows: 1, Buffer: 16 << 20}
	if change != nil {
		change(&c)
	}
	l, err := decisionlog.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	stop := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return l.Close(ctx)
	}
	t.Cleanup(func() { _ = stop() })
	return l, func() (out []loggedLine) {
		t.Helper()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(c.Path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			line := loggedLine{text: lines.Text()}
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Fatalf("%v in %s", err, lines.Text())
			}
			if line.Door != "" {
				out = append(out, line)
			}
		}
		return out
	}
}

type loggedLine struct {
	ID, Peer, Door, Reason string
	Item                   *int
	Decision               bool
	Request                struct {
		Action   struct{ Name string }
		Resource struct{ ID string }
	}
	text string
}

// tells is a short form of a line.
func (l loggedLine) tells() string {
	out := "deny "
	if l.Decision {
		out = "allow "
	}
	out += l.Reason
	if l.Item != nil {
		out = itoa(*l.Item) + " " + out
	}
	if l.Request.Action.Name != "" {
		out += " " + l.Request.Action.Name + " " + l.Request.Resource.ID
	}
	return out
}

func told(lines []loggedLine) (out []string) {
	for _, l := range lines {
		out = append(out, l.tells())
	}
	return out
}

// logTo gives a server another log.
func logTo(s *served, l *decisionlog.Log) {
	s.config.Log = l
	s.introduced.Store(nil)
	s.exchanges = sync.Pool{New: func() any { return s.newExchange() }}
}

// TestNotesOfDoors: each decision of each door is a line, and so is what a door denies
// without a policy.
func TestNotesOfDoors(t *testing.T) {
	yes, no := evaluation("jean", "s3:GetObject", "object", "closed/k"), evaluation("max", "s3:GetObject", "object", "closed/k")
	const allow, deny = "allow allowed s3:GetObject closed/k", "deny bucket_no_match s3:GetObject closed/k"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"single":       {post(pathEvaluation, yes), []string{allow}},
		"explained":    {post(pathEvaluation, no, "X-Postern-Explain: true"), []string{deny}},
		"batch":        {post(pathEvaluations, `{"evaluations":[`+yes+`,{},`+no+`]}`), []string{"0 " + allow, "1 deny bad_request", "2 " + deny}},
		"cut short":    {post(pathEvaluations, `{"options":{"evaluations_semantic":"deny_on_first_deny"},"evaluations":[`+no+`,`+yes+`]}`), []string{"0 " + deny}},
		"cut, behind":  {post(pathEvaluations, `{"evaluations":[`+yes+","+no+`,`+yes+`],"options":{"evaluations_semantic":"deny_on_first_deny"}}`), []string{"0 " + allow, "1 " + deny}},
		"batch of one": {post(pathEvaluations, `{"evaluations":[`+yes+`]}`), []string{"0 " + allow}},
		"no batch":     {post(pathEvaluations, yes), []string{allow}},
		"broken":       {post(pathEvaluations, `{"evaluations":[`+yes+`,]}`), nil},
		"bad request":  {post(pathEvaluation, `{}`), nil},
		"a search":     {post(pathSearchAction, `{"subject":{"type":"saml","id":"jean","properties":{"org":"o1"}},"resource":{"type":"object","id":"closed/k"}}`), nil},
		"a page":       {get("/readyz"), nil},
	} {
		l, read := logBuilt(t, nil)
		s := build(t, func(c *Config) { c.Log = l })
		ctx := call(t, s, c.text)
		s.handle(ctx)
		lines := read()
		if got := told(lines); !slices.Equal(got, c.want) {
			t.Errorf("%s is logged as %q, want %q", name, got, c.want)
		}
		id := string(ctx.Response.Header.Peek("X-Request-ID"))
		for _, line := range lines {
			if line.ID != id || id == "" {
				t.Errorf("%s: a line has the id %q, the answer %q", name, line.ID, id)
			}
		}
		if len(c.want) == 0 && id != "" {
			t.Errorf("%s: the answer has the id %q, and no line", name, id)
		}
	}
	for name, c := range doorRequests(t) {
		l, read := logBuilt(t, nil)
		logTo(c.server, l)
		c.server.handle(call(t, c.server, c.text))
		lines := read()
		if len(lines) == 0 {
			t.Errorf("%s is not logged", name)
			continue
		}
		all := true
		for _, line := range lines {
			all = all && line.Decision
			if (line.Item != nil) != (len(lines) > 1) {
				t.Errorf("%s: %d lines, and an item in %s", name, len(lines), line.text)
			}
		}
		if answered := strings.Contains(c.want, "true") || c.want == "200"; all != answered {
			t.Errorf("%s is answered %s and logged as %q", name, c.want, told(lines))
		}
	}
}

// TestNotesFull: with -log-full deny nothing is answered that is not logged, in each
// door's form.
func TestNotesFull(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := makeFIFO(fifo); err != nil {
		t.Fatal(err)
	}
	for _, full := range []decisionlog.Full{decisionlog.Deny, decisionlog.Block, decisionlog.Drop} {
		l, _ := logBuilt(t, func(c *decisionlog.Config) {
			c.Path, c.Buffer, c.Full, c.Wait = fifo, decisionlog.MinBuffer, full, 20*time.Millisecond
		})
		s := build(t, func(c *Config) { c.Log = l })
		text := post(pathEvaluation, evaluation("max", "s3:GetObject", "object", "closed/k"))
		ctx := call(t, s, text)
		refused, dropped := 0, uint64(0)
		for range 20000 {
			ctx.Response.Reset()
			s.handle(ctx)
			if code := ctx.Response.StatusCode(); code == 503 {
				refused++
				if strings.Contains(string(ctx.Response.Body()), "decision\"") {
					t.Fatalf("a refusal says %s", ctx.Response.Body())
				}
			} else if code != 200 {
				t.Fatal(code)
			}
			if dropped = l.Stats().DroppedDeny; refused > 3 || dropped > 3 {
				break
			}
		}
		if (refused > 0) != (full == decisionlog.Deny) || (dropped > 0) == (full == decisionlog.Deny) {
			t.Errorf("mode %d: %d refused, %d dropped", full, refused, dropped)
		}
		ctx2, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		if err := l.Close(ctx2); err == nil {
			t.Error("the end of a log that nobody reads is no error")
		}
		cancel()
	}
}

// TestNotesAreBounded: what the items of a batch share is not logged with each without
// end; all of them are accounted for.
func TestNotesAreBounded(t *testing.T) {
	l, read := logBuilt(t, nil)
	s := build(t, func(c *Config) { c.Log = l })
	body := `{"subject":{"type":"saml","id":"jean","properties":{"org":"o1"}},"action":{"name":"s3:GetObject"},"context":{"a":"` + strings.Repeat("x", 8000) + `","b":"` + strings.Repeat("y", 8000) + `"},"evaluations":[` +
		strings.TrimSuffix(strings.Repeat(`{"resource":{"type":"object","id":"closed/k"}},`, 1000), ",") + `]}`
	ctx := call(t, s, post(pathEvaluations, body))
	s.handle(ctx)
	if ctx.Response.StatusCode() != 200 {
		t.Fatal(ctx.Response.StatusCode())
	}
	ctx.Conn().(*conn).sent()
	if used := s.answers.used.Load(); used != 0 {
		t.Errorf("%d bytes are still charged", used)
	}
	whole, cut := 0, 0
	for _, line := range read() {
		if strings.Contains(line.text, `"truncated":true`) {
			cut++
		} else {
			whole++
		}
	}
	if st := l.Stats(); whole+cut+int(st.DroppedAllow) != 1000 || whole < 100 || whole > 300 || cut < 100 {
		t.Errorf("%d lines have their requests, %d have not, %+v", whole, cut, st)
	}
}

// TestNotesPeer: a line says who asked.
func TestNotesPeer(t *testing.T) {
	l, read := logBuilt(t, nil)
	socket, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := serveOn(t, func(c *Config) { c.Log, c.Now = l, nil }, tcp, socket)
	text := post(pathEvaluation, evaluation("jean", "s3:GetObject", "object", "closed/k"))
	over := s.dial(t)
	first, second := over.send(text).answer(), over.send(text).answer() // the second with a head that comes again
	if a, b := first.header.Get("X-Request-ID"), second.header.Get("X-Request-ID"); a == "" || b == "" || a == b {
		t.Errorf("the ids of two answers are %q and %q", a, b)
	}
	dial(t, "unix", socket.Addr().String()).send(text).answer()
	lines := read()
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	want := []string{over.LocalAddr().String(), over.LocalAddr().String(), "uid:" + itoa(os.Getuid())}
	for i, line := range lines {
		if line.Peer != want[i] {
			t.Errorf("line %d has the peer %q, want %q", i, line.Peer, want[i])
		}
	}
	if lines[0].ID != first.header.Get("X-Request-ID") || lines[1].ID != second.header.Get("X-Request-ID") {
		t.Errorf("the ids of the lines are %q and %q", lines[0].ID, lines[1].ID)
	}
}
