package decisionlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"postern/policy"
)

// parsed is a line, as far as these tests look at it.
type parsed struct {
	Seq     int
	Time    time.Time
	ID      string
	Item    int
	Dropped *struct{ Allow, Deny int }
	From    time.Time
	To      time.Time
	Start   *struct{}
	Stop    *struct{}
}

func parse(t testing.TB, text string) (out []parsed) {
	t.Helper()
	for line := range strings.Lines(text) {
		var p parsed
		if err := json.Unmarshal([]byte(line), &p); err != nil || !strings.HasSuffix(line, "\n") {
			t.Fatalf("%v in %q", err, line)
		}
		out = append(out, p)
	}
	return out
}

func closeLog(t testing.TB, l *Log) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := l.Close(ctx); err != nil {
		t.Error(err)
	}
}

// TestEveryRecordOnce: whatever many goroutines commit at once, of all lengths and in
// batches, through rings that are often full, is written once or counted as dropped,
// each within the span that its line says; lines count on.
func TestEveryRecordOnce(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	l, err := Open(Config{Path: name, Allows: 1, Buffer: MinBuffer})
	if err != nil {
		t.Fatal(err)
	}
	const workers, answers = 8, 3000
	type sent struct {
		at    time.Time
		allow bool
	}
	all := make([]map[string]sent, workers)
	var group sync.WaitGroup
	for w := range workers {
		all[w] = map[string]sent{}
		group.Go(func() {
			s := l.Source()
			var notes []byte
			long := plain("x")
			long.Action = strings.Repeat("a", 3000)
			for i := range answers {
				notes = notes[:0]
				r, d, items := plain("x"), allowed, 1
				if i%7 == 0 {
					r = long
				}
				if i%3 == 0 {
					d = denied
				}
				if i%100 == 0 {
					items = 50
				}
				for n := range items {
					notes = l.Note(notes, &Note{Request: r, Decision: d, Item: n})
				}
				id := string(l.AppendID(nil, &s))
				a := Answer{Began: time.Now(), ID: []byte(id), Door: "evaluations", Notes: notes, Items: items, Batch: true}
				if !l.Commit(&s, &a) {
					t.Error("refused")
				}
				for n := range items {
					all[w][fmt.Sprint(id, " ", n)] = sent{a.Began.Truncate(time.Microsecond), d.Outcome == policy.Allow}
				}
			}
		})
	}
	group.Wait()
	closeLog(t, l)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	found, lines := map[string]int{}, parse(t, string(data))
	var spans []parsed
	dropped := map[bool]int{}
	for i, line := range lines {
		if line.Seq != i+1 {
			t.Fatalf("line %d has seq %d", i, line.Seq)
		}
		switch {
		case line.Dropped != nil:
			spans = append(spans, line)
			dropped[true] += line.Dropped.Allow
			dropped[false] += line.Dropped.Deny
		case line.ID != "":
			found[fmt.Sprint(line.ID, " ", line.Item)]++
		}
	}
	missing := map[bool]int{}
	for _, m := range all {
		for id, s := range m {
			switch found[id] {
			case 1:
			case 0:
				missing[s.allow]++
				in := false
				for _, d := range spans {
					in = in || !s.at.Before(d.From) && !s.at.After(d.To)
				}
				if !in {
					t.Errorf("%s of %v is neither logged nor in a span", id, s.at)
				}
			default:
				t.Errorf("%s is there %d times", id, found[id])
			}
		}
	}
	if missing[true] != dropped[true] || missing[false] != dropped[false] {
		t.Errorf("missing are %v, counted %v (by allow)", missing, dropped)
	}
	st := l.Stats()
	if int(st.DroppedAllow) != dropped[true] || int(st.DroppedDeny) != dropped[false] || int(st.Lines) != len(lines) {
		t.Errorf("the figures are %+v, of %d lines with %v dropped", st, len(lines), dropped)
	}
	t.Logf("%d lines, dropped (by allow) %v", len(lines), dropped)
}

// TestDropOrder: allows drop when three quarters of a ring are full, denies when all of
// it is; what drops between two lines is told by the next.
func TestDropOrder(t *testing.T) {
	l, m := quiet(Config{Allows: 1})
	at := [2]uint64{}
	for i, d := range []policy.Decision{allowed, denied} {
		for l.Stats().DroppedAllow+l.Stats().DroppedDeny == uint64(i) {
			commit(l, Answer{ID: []byte("x"), Door: "evaluation"}, Note{Request: plain("x"), Decision: d, Item: -1})
		}
		at[i] = l.rings[0].head.Load()
	}
	size := l.rings[0].size
	if at[0] > size/4*3 || at[0] < size/4*3-512 || at[1] > size || at[1] < size-512 {
		t.Errorf("of %d bytes %d were taken when an allow dropped, %d when a deny did", size, at[0], at[1])
	}
	l.writer.pass()
	if !strings.Contains(m.String()[:200], `"dropped":{"allow":1,"deny":1}`) {
		t.Errorf("the first line is %.300s", m.String())
	}
	n := m.Len()
	l.writer.pass()
	if m.Len() != n {
		t.Errorf("dropped is told twice: %s", m.String()[n:])
	}
}

// TestBatchFits: 1,000 ordinary items fit an empty ring, of the default size and of the
// smallest.
func TestBatchFits(t *testing.T) {
	for _, size := range []int{MinBuffer, 16 << 20} {
		l, m := quiet(Config{Allows: 1, Buffer: size})
		var notes []Note
		for i := range 1000 {
			r := plain("somebody")
			r.Principal.Org, r.Principal.Groups = "acme", []string{"readers", "writers"}
			r.Resource.ID = fmt.Sprintf("a-bucket-of-acme/some/path/to/an/object-%d.txt", i)
			r.Context = []policy.Attribute{{Key: "aws:SourceIp", Values: text("192.0.2.17")}, {Key: "aws:SecureTransport", Values: text("true")}, {Key: "s3:prefix", Values: text("some/path")}}
			notes = append(notes, Note{Request: r, Caller: "acme", Owner: "acme", Decision: allowed, Item: i})
		}
		commit(l, Answer{ID: []byte("0123456789abcdef"), Peer: []byte("127.0.0.1:40000"), Door: "evaluations", Items: 1000, Batch: true}, notes...)
		l.writer.pass()
		if st := l.Stats(); st.DroppedAllow > 0 || strings.Count(m.String(), "\n") != 1000 {
			t.Errorf("a buffer of %d: %d lines, %+v", size, strings.Count(m.String(), "\n"), st)
		}
	}
}

// broken is a sink that takes a number of bytes and then fails.
type broken struct {
	memory
	left int
}

func (b *broken) write(lines []byte) (int, error) {
	n := wholeLines(lines[:min(b.left, len(lines))])
	b.left -= n
	b.memory.write(lines[:n])
	if n < len(lines) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

// TestFailedWrites: lines that could not be written are written later, once.
func TestFailedWrites(t *testing.T) {
	b := &broken{left: 1000}
	l := newLog(Config{Allows: 1, Buffer: MinBuffer}, b, began)
	for i := range 100 {
		commit(l, Answer{ID: fmt.Append(nil, i), Door: "evaluation"}, Note{Request: plain("x"), Decision: denied, Item: -1})
	}
	for range 2 {
		if l.writer.pass() {
			t.Fatal("a full disk is no failure")
		}
	}
	if st := l.Stats(); st.Failures != 2 || int(st.Lines) != strings.Count(b.String(), "\n") {
		t.Errorf("%+v", st)
	}
	b.left = 1 << 30
	l.writer.pass()
	for i, line := range parse(t, b.String()) {
		if line.ID != fmt.Sprint(i) {
			t.Fatalf("line %d is of %s", i, line.ID)
		}
	}
	if n := strings.Count(b.String(), "\n"); n != 100 {
		t.Errorf("%d lines", n)
	}
}

// TestRegularFile: a file that does not end with a line's end gets one, and what is
// there stays; its mode is for its owner alone; a write that was cut is cut back to
// the last whole line.
func TestRegularFile(t *testing.T) {
	dir := t.TempDir()
	for before, want := range map[string]string{"": "{}\n", "old\n": "old\n{}\n", "cut": "cut\n{}\n"} {
		name := filepath.Join(dir, fmt.Sprintf("f%d", len(before)))
		if before != "" {
			if err := os.WriteFile(name, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := openSink(name)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.write([]byte("{}\n")); n != 3 || err != nil {
			t.Fatal(n, err)
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || string(got) != want {
			t.Errorf("after %q the file is %q, %v", before, got, err)
		}
		if info, _ := os.Stat(name); info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v", info.Mode())
		}
	}
	for _, bad := range []string{dir, filepath.Join(dir, "none", "f"), "unix:" + filepath.Join(dir, "nobody")} {
		if _, err := openSink(bad); err == nil {
			t.Errorf("%s opens", bad)
		}
	}
}

// TestReopen: a file that was renamed is left at a line's end, and the new one goes on;
// one that cannot be opened stays.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "log")
	var logged bytes.Buffer
	l, err := Open(Config{Path: name, Allows: 1, Buffer: MinBuffer, Logger: logger(&logged)})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	send := func() {
		n++
		commit(l, Answer{ID: fmt.Append(nil, n), Door: "evaluation"}, Note{Request: plain("x"), Decision: denied, Item: -1})
	}
	has := func(file string, id int) bool {
		data, _ := os.ReadFile(file)
		return bytes.Contains(data, fmt.Appendf(nil, `"id":"%d"`, id))
	}
	await(t, func() bool { return l.Stats().Lines == 1 })
	send()
	await(t, func() bool { return has(name, 1) })
	if err := os.Rename(name, name+".1"); err != nil {
		t.Fatal(err)
	}
	send()
	await(t, func() bool { return has(name+".1", 2) })
	l.Reopen()
	await(t, func() bool { _, err := os.Stat(name); return err == nil })
	send()
	await(t, func() bool { return has(name, 3) })
	// Nobody can open the place now.
	if err := errors.Join(os.Rename(name, name+".2"), os.Mkdir(name, 0o700)); err != nil {
		t.Fatal(err)
	}
	l.Reopen()
	send()
	await(t, func() bool { return has(name+".2", 4) })
	closeLog(t, l)
	if !strings.Contains(logged.String(), "the old file stays") {
		t.Errorf("the log of the log: %s", logged.String())
	}
	seq := 0
	for _, file := range []string{name + ".1", name + ".2"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range parse(t, string(data)) {
			if seq++; line.Seq != seq {
				t.Errorf("%s: seq %d after %d", file, line.Seq, seq-1)
			}
		}
	}
}

// TestSocket: lines go to whoever listens; when the connection ends, a new one begins
// with a whole line.
func TestSocket(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	l, err := Open(Config{Path: "unix:" + name, Allows: 1, Buffer: MinBuffer})
	if err != nil {
		t.Fatal(err)
	}
	first, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<16)
	if n, err := first.Read(buf); err != nil || parse(t, string(buf[:n]))[0].Start == nil {
		t.Fatal(n, err)
	}
	first.Close()
	commit(l, Answer{ID: []byte("after"), Door: "evaluation"}, Note{Request: plain("x"), Decision: denied, Item: -1})
	second, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	done := make(chan string)
	go func() {
		var b bytes.Buffer
		_, _ = b.ReadFrom(second)
		done <- b.String()
	}()
	closeLog(t, l)
	lines := parse(t, <-done)
	if len(lines) != 2 || lines[0].ID != "after" || lines[1].Stop == nil {
		t.Errorf("the new connection has %+v", lines)
	}
}

// TestFIFO: a pipe that nobody reads holds up nobody; what was dropped meanwhile is
// told to whoever reads then.
func TestFIFO(t *testing.T) {
	name := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Open(Config{Path: name, Allows: 1, Buffer: MinBuffer})
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for ; l.Stats().DroppedAllow < 100; sent++ {
		commit(l, Answer{ID: fmt.Append(nil, sent), Door: "evaluation"}, Note{Request: plain("x"), Decision: allowed, Item: -1})
	}
	reader, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan string)
	go func() {
		var b bytes.Buffer
		chunk := make([]byte, 4096)
		for !bytes.Contains(b.Bytes(), []byte(`"stop"`)) || !bytes.HasSuffix(b.Bytes(), []byte("\n")) {
			n, err := reader.Read(chunk)
			if err != nil {
				break
			}
			b.Write(chunk[:n])
		}
		done <- b.String()
	}()
	closeLog(t, l)
	lines, logged, dropped := parse(t, <-done), 0, 0
	for _, line := range lines {
		if line.ID != "" {
			logged++
		}
		if line.Dropped != nil {
			dropped += line.Dropped.Allow
		}
	}
	if logged+dropped != sent || dropped < 100 {
		t.Errorf("of %d decisions %d are logged and %d dropped", sent, logged, dropped)
	}
}

func await(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
	}
}

// TestRingClears: what was claimed and is not finished is not read, though a record
// stood there before; a record across the end of the memory is read as a whole.
func TestRingClears(t *testing.T) {
	r := newRing(1 << 10)
	for i := range 1000 {
		n := rounded(24 + i%100)
		at, ok := r.claim(n, r.size)
		if !ok {
			t.Fatalf("round %d: an empty ring has no room", i)
		}
		r.begin()
		if r.peek() {
			t.Fatalf("round %d: a record is read that is not finished", i)
		}
		content := bytes.Repeat([]byte{byte(i)}, 24+i%100)
		r.put(at+wordBytes, content)
		r.finish(at, n)
		if !r.peek() || !bytes.HasPrefix(r.next.text, content) {
			t.Fatalf("round %d: read is %x", i, r.next.text)
		}
		r.pass()
		r.release()
	}
}
