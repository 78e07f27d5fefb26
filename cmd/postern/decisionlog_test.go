package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// logLine is a line of the decision log, as far as tests look at it.
type logLine struct {
	Time       string
	Seq        int
	ID         string
	Item       *int
	Peer, Door string
	Request    json.RawMessage
	Decision   *bool
	Reason     string
	Digest     string
	Dropped    *struct{ Allow, Deny int }
	From, To   string
	Start      *struct{ Flags map[string]string }
	Stop       *struct{ Flags map[string]string }
	Reload     *struct{ Old, New string }
	Shadow     *struct{ Result string }
	text       string
}

// readLog reads a decision log, and holds each line to the schema.
func readLog(t *testing.T, name string) (lines []logLine) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(string(data)) {
		fits(t, "../../docs/decision-log.schema.json", text)
		line := logLine{text: text}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		lines = append(lines, line)
	}
	return lines
}

// TestLogSchema: the lines that hold the format are as the schema says.
func TestLogSchema(t *testing.T) {
	if n := len(readLog(t, "../../internal/decisionlog/testdata/lines.golden")); n < 10 {
		t.Errorf("%d lines only", n)
	}
}

// TestDecisionLog: the whole way of a decision, from the door to the file, on the real
// binary.
func TestDecisionLog(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"), "acme/buckets.json", `{"buckets":["b"]}`)
	name := filepath.Join(t.TempDir(), "decisions.log")
	s := start(t, "serve", "-policies", dir, "-decision-log", name)
	ids := map[string]string{}
	for _, id := range []string{"", "mine"} {
		r, err := http.NewRequest("POST", "http://"+s.address+"/access/v1/evaluation", strings.NewReader(readKey))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if id != "" {
			r.Header.Set("X-Request-ID", id)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if code, body := read(t, answer); code != 200 || !strings.Contains(body, `"decision":true`) {
			t.Fatalf("%d %s", code, body)
		}
		ids[id] = answer.Header.Get("X-Request-ID")
	}
	if ids[""] == "" || ids["mine"] != "mine" {
		t.Errorf("the answers have the ids %q", ids)
	}
	if code := s.stop(); code != 0 {
		t.Fatalf("exit %d", code)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v, %v", info.Mode(), err)
	}
	lines := readLog(t, name)
	if len(lines) != 5 || lines[0].Start == nil || lines[0].Start.Flags["decision-log"] != name || lines[1].Reload == nil || lines[4].Stop == nil {
		t.Fatalf("the log is\n%v", lines)
	}
	for i, line := range lines {
		if line.Seq != i+1 {
			t.Errorf("line %d has seq %d", i, line.Seq)
		}
	}
	for i, id := range []string{ids[""], "mine"} {
		if l := lines[2+i]; l.ID != id || l.Decision == nil || !*l.Decision || l.Reason != "allowed" || l.Door != "evaluation" || l.Digest != lines[1].Reload.New ||
			!strings.HasPrefix(l.Peer, "127.0.0.1:") || !strings.Contains(string(l.Request), `"s3:GetObject"`) {
			t.Errorf("the decision %s is logged as %s", id, l.text)
		}
	}
}

// loadAnswers are what a load was answered: the number of answers by id, and when.
type loadAnswers struct {
	mu  sync.Mutex
	ids map[string]time.Time
}

// load asks on some connections until stop is closed, and every answer has to be a 200
// until then; connections that break end quietly. One request in three is denied, one
// in twenty is a batch of ten.
func (s *server) load(connections int, stop <-chan struct{}) (*loadAnswers, *sync.WaitGroup) {
	all, group := &loadAnswers{ids: map[string]time.Time{}}, &sync.WaitGroup{}
	denied := strings.Replace(readKey, "s3:GetObject", "s3:DeleteObject", 1)
	batch := `{"evaluations":[` + strings.Repeat(readKey+",", 9) + denied + `]}`
	for range connections {
		group.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				path, body := "/access/v1/evaluation", readKey
				switch {
				case i%20 == 7:
					path, body = "/access/v1/evaluations", batch
				case i%3 == 0:
					body = denied
				}
				r, err := client.Post("http://"+s.address+path, "application/json", strings.NewReader(body))
				if err != nil {
					return
				}
				_, err = io.Copy(io.Discard, r.Body)
				r.Body.Close()
				if err != nil || r.StatusCode != 200 {
					return
				}
				at := time.Now()
				all.mu.Lock()
				for item := range 10 {
					all.ids[fmt.Sprint(r.Header.Get("X-Request-ID"), " ", item)] = at
					if path == "/access/v1/evaluation" {
						break
					}
				}
				all.mu.Unlock()
			}
		})
	}
	return all, group
}

// accounts tells of a log which of the answers are neither in it nor in a span of what
// was dropped. A line that was cut, which must be the last of a file, is skipped.
func (a *loadAnswers) accounts(t *testing.T, data []byte) (missing []time.Time, lines int, cut bool) {
	t.Helper()
	found := map[string]int{}
	var spans [][2]time.Time
	for text := range strings.Lines(string(data)) {
		if !strings.HasSuffix(text, "\n") {
			cut = true
			continue
		}
		var l logLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		lines++
		if l.ID != "" {
			item := 0
			if l.Item != nil {
				item = *l.Item
			}
			found[fmt.Sprint(l.ID, " ", item)]++
		}
		if l.Dropped != nil {
			from, err := time.Parse(time.RFC3339, l.From)
			if err != nil {
				t.Fatal(err)
			}
			to, err := time.Parse(time.RFC3339, l.To)
			if err != nil {
				t.Fatal(err)
			}
			spans = append(spans, [2]time.Time{from, to.Add(time.Second)}) // until the client had the answer
		}
	}
	for id, n := range found {
		if n > 1 {
			t.Errorf("%s is logged %d times", id, n)
		}
	}
	for id, at := range a.ids {
		if found[id] > 0 {
			continue
		}
		in := false
		for _, s := range spans {
			in = in || !at.Before(s[0]) && !at.After(s[1])
		}
		if !in {
			missing = append(missing, at)
		}
	}
	return missing, lines, cut
}

// TestDecisionLogUnderLoad: every answer of the real binary is logged once, or in a span
// of what was dropped, while the file is rotated and policies change.
func TestDecisionLogUnderLoad(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"), "acme/buckets.json", `{"buckets":["b"]}`)
	candidate := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Deny"), "acme/buckets.json", `{"buckets":["b"]}`, "acme/access-policies/broken.json", "{")
	name := filepath.Join(t.TempDir(), "decisions.log")
	s := start(t, "serve", "-policies", dir, "-decision-log", name, "-shadow", candidate)
	stop := make(chan struct{})
	all, group := s.load(4, stop)
	var data []byte
	for i := range 3 {
		time.Sleep(300 * time.Millisecond)
		if err := os.Rename(name, fmt.Sprint(name, i)); err != nil {
			t.Fatal(err)
		}
		if err := s.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		s.await("the log is opened anew", func() bool { _, err := os.Stat(name); return err == nil })
		write(t, dir, "acme/access-policies/more.json", strings.Replace(organizationPolicy("Allow"), `"name":"`, fmt.Sprintf(`"name":"v%d`, i), 1))
	}
	write(t, candidate, "acme/access-policies/p.json", organizationPolicy("Allow"))
	time.Sleep(300 * time.Millisecond)
	close(stop)
	group.Wait()
	_, metrics := s.get("/metrics")
	if code := s.stop(); code != 0 {
		t.Fatalf("exit %d", code)
	}
	for _, file := range []string{name + "0", name + "1", name + "2", name} {
		more, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, more...)
		n := 0
		for text := range strings.Lines(string(more)) {
			if n++; n%100 == 1 {
				fits(t, "../../docs/decision-log.schema.json", text)
			}
		}
	}
	missing, lines, cut := all.accounts(t, data)
	if len(missing) > 0 || cut || lines < len(all.ids) || len(all.ids) < 100 {
		t.Errorf("of %d answers %d are not accounted for; %d lines, cut %v", len(all.ids), len(missing), lines, cut)
	}
	for _, want := range []string{`"reload":`, `"determining":[{`, `"shadow":{"result":"lost"`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no line has %s", want)
		}
	}
	total := 0
	for line := range strings.Lines(metrics) {
		var n int
		if label, ok := strings.CutPrefix(line, `postern_shadow_decisions_total{result="`); ok {
			if _, err := fmt.Sscan(label[strings.Index(label, " ")+1:], &n); err != nil {
				t.Fatal(err)
			}
			total += n
		}
	}
	if total == 0 {
		t.Errorf("the candidate decided nothing:\n%s", metrics)
	}
	t.Logf("%d answers, %d lines", len(all.ids), lines)
}

// TestDecisionLogKilled: after kill -9 at most the answers of the last 200 ms are missing,
// and the next start goes on at a new line.
func TestDecisionLogKilled(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"), "acme/buckets.json", `{"buckets":["b"]}`)
	name := filepath.Join(t.TempDir(), "decisions.log")
	for range 3 {
		s := start(t, "serve", "-policies", dir, "-decision-log", name)
		before, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		all, group := s.load(2, stop)
		time.Sleep(500 * time.Millisecond)
		killed := time.Now()
		s.cmd.Process.Kill()
		<-s.done
		close(stop)
		group.Wait()
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		missing, lines, _ := all.accounts(t, data[len(before):])
		for _, at := range missing {
			if killed.Sub(at) > 200*time.Millisecond {
				t.Errorf("an answer %v before the end is missing", killed.Sub(at))
			}
		}
		if lines < 10 {
			t.Errorf("%d lines", lines)
		}
		// What a cut would leave.
		f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.WriteString(`{"time":"cut`)
		f.Close()
	}
	s := start(t, "serve", "-policies", dir, "-decision-log", name)
	s.stop()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	whole := 0
	for text := range strings.Lines(string(data)) {
		if json.Valid([]byte(text)) {
			whole++
		} else if text != "{\"time\":\"cut\n" && !strings.HasSuffix(text, "{\"time\":\"cut\n") {
			t.Errorf("neither a line nor a cut one: %q", text)
		}
	}
	if !strings.HasSuffix(string(data), "}\n") || whole < 30 {
		t.Errorf("the file has %d whole lines and ends with %.100q", whole, data[max(0, len(data)-100):])
	}
}

// TestDecisionLogFullDisk: when the disk is full the process goes on answering, tells that
// it drops, and leaves a file of whole lines.
func TestDecisionLogFullDisk(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"), "acme/buckets.json", `{"buckets":["b"]}`)
	name := filepath.Join(t.TempDir(), "decisions.log")
	// The shell's limit is in blocks of 512 or 1,024 bytes.
	s := launch(t, exec.Command("sh", "-c", `trap "" XFSZ; ulimit -f 64; exec "$@"`, "sh", binary, "serve", "-listen", "127.0.0.1:0", "-policies", dir, "-decision-log", name, "-log-buffer", "1MiB"))
	s.ready()
	stop := make(chan struct{})
	_, group := s.load(4, stop)
	s.await("something is dropped", func() bool {
		_, metrics := s.get("/metrics")
		return strings.Contains(metrics, `postern_decision_log_dropped_total{outcome="allow"} `) && !strings.Contains(metrics, `postern_decision_log_dropped_total{outcome="allow"} 0`+"\n")
	})
	if code, body := s.ask(readKey); code != 200 || !strings.Contains(body, `"decision":true`) {
		t.Errorf("%d %s", code, body)
	}
	close(stop)
	group.Wait()
	s.stop()
	if !strings.Contains(s.log(), "the decision log cannot be written") {
		t.Errorf("nothing is said:\n%s", s.log())
	}
	lines := readLog(t, name)
	if data, err := os.ReadFile(name); err != nil || len(lines) < 10 || data[len(data)-1] != '\n' {
		t.Errorf("%d lines, ending with %q, %v", len(lines), data[len(data)-20:], err)
	}
}

// TestDecisionLogStandardOutput: `-` is the standard output, which has nothing else.
func TestDecisionLogStandardOutput(t *testing.T) {
	dir := write(t, t.TempDir(), "acme/access-policies/p.json", organizationPolicy("Allow"), "acme/buckets.json", `{"buckets":["b"]}`)
	name := filepath.Join(t.TempDir(), "out")
	out, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(binary, "serve", "-policies", dir, "-decision-log", "-", "-log-allows", "none")
	cmd.Stdout = out
	s := launch(t, cmd)
	s.ready()
	s.ask(readKey)
	s.ask(strings.Replace(readKey, "acme", "nobody", 1))
	s.stop()
	if lines := readLog(t, name); len(lines) != 4 || *lines[2].Decision {
		t.Errorf("the lines are %v", lines)
	}
}

// TestLogFlags: what could not work is told at the start.
func TestLogFlags(t *testing.T) {
	dir := t.TempDir()
	for args, want := range map[string]string{
		"-log-allows none":                                        "-decision-log",
		"-log-mask a":                                             "-decision-log",
		"-decision-log f -log-allows some":                        "1/N",
		"-decision-log f -log-allows 1/0":                         "from 1",
		"-decision-log f -log-buffer 1KiB":                        "1MiB",
		"-decision-log f -log-full wait":                          "drop or block or deny",
		"-decision-log f -log-wait -1s":                           "no time",
		"-shadow-sample 3":                                        "-shadow DIR",
		"-shadow d -shadow-sample 0":                              "one in N",
		"-listen 127.0.0.1:0 -decision-log " + dir:                "directory",
		"-listen 127.0.0.1:0 -decision-log unix:" + dir + "/none": "no such file",
	} {
		var out, errs strings.Builder
		if code := run(append([]string{"serve", "-policies", dir}, strings.Fields(args)...), func(string) (string, bool) { return "", false }, nil, &out, &errs); code != exitFailed || !strings.Contains(errs.String(), want) {
			t.Errorf("%s: exit %d, %s", args, code, errs.String())
		}
	}
}
