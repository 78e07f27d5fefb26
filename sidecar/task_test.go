package sidecar

import (
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestTurnsAreFair: organizations take turns whatever each has in line, and work
// that leaves the line is never handed a turn that nobody then gives back.
func TestTurnsAreFair(t *testing.T) {
	turns := turns{free: 1}
	if turns.take("a") != nil {
		t.Fatal("a free turn is not given")
	}
	type waiting struct {
		org string
		c   <-chan struct{}
	}
	var line []waiting
	for _, org := range []string{"a", "a", "a", "b", "a", "c", "b"} {
		line = append(line, waiting{org, turns.take(org)})
	}
	var order []string
	for range line {
		turns.give()
		came := 0
		line = slices.DeleteFunc(line, func(w waiting) bool {
			select {
			case <-w.c:
				order = append(order, w.org)
				came++
				return true
			default:
				return false
			}
		})
		if came != 1 {
			t.Fatalf("%d turns came at one time", came)
		}
	}
	if want := []string{"a", "b", "c", "a", "b", "a", "a"}; !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
	if turns.give(); turns.free != 1 || len(turns.ring) != 0 || len(turns.waiting) != 0 {
		t.Errorf("%+v", &turns)
	}
	if turns.take("a") != nil || turns.pass("a") != nil {
		t.Error("a turn does not go on where nobody else waits")
	}
	turns.give()

	// At random: all turns are back in the end.
	r := rand.New(rand.NewPCG(1, 2))
	turns.free = 3
	held := 0
	line = line[:0]
	for range 10_000 {
		org := string(rune('a' + r.IntN(4)))
		switch n := r.IntN(4); {
		case n == 0 && held > 0:
			turns.give()
			held--
		case n == 1 && len(line) > 0:
			i := r.IntN(len(line))
			turns.leave(line[i].org, line[i].c)
			line = slices.Delete(line, i, i+1)
		case n == 2 && held > 0:
			if c := turns.pass(org); c != nil {
				held--
				line = append(line, waiting{org, c})
			}
		default:
			if c := turns.take(org); c != nil {
				line = append(line, waiting{org, c})
			} else {
				held++
			}
		}
		line = slices.DeleteFunc(line, func(w waiting) bool {
			select {
			case <-w.c:
				held++
				return true
			default:
				return false
			}
		})
		if held+turns.free != 3 || turns.free > 0 && len(line) > 0 {
			t.Fatalf("%d at work, %d free, %d in line", held, turns.free, len(line))
		}
	}
}

// TestGone: a client that has closed its side is gone, whatever it sent before;
// one that is silent, or has sent more, is not.
func TestGone(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(t.TempDir(), "s")
		}
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		c := dial(t, network, l.Addr().String())
		here, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer here.Close()
		if gone(here) {
			t.Errorf("%s: a silent client is gone", network)
		}
		c.send("unread")
		time.Sleep(10 * time.Millisecond)
		if gone(here) {
			t.Errorf("%s: a client that has sent is gone", network)
		}
		c.Close()
		wait(t, "it is seen that the client left", func() bool { return gone(here) })
	}
}

// TestCrowdTakesTurns: past a few that are in their first slice, work waits in
// the line of the organization that its body names first.
func TestCrowdTakesTurns(t *testing.T) {
	for body, want := range map[string]string{`{"org":"a"}`: "a", `{"x":{"org": "b"},"org":"c"}`: "b", `{"org":1}`: "", `{"org":"`: "", `{}`: "", "": "",
		`{"org":"` + strings.Repeat("o", 64) + `"}`: strings.Repeat("o", 64), `{"org":"` + strings.Repeat("o", 65) + `"}`: ""} {
		if got := likelyOrg([]byte(body)); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
	s := build(t, nil)
	free := s.turns.free
	tasks := make([]task, atOnce+free)
	for i := range tasks {
		if !tasks[i].begin(s.Server, nil, time.Now(), nil) || tasks[i].first != (i < atOnce) {
			t.Fatalf("task %d: %+v", i, &tasks[i])
		}
	}
	if s.turns.free != 0 {
		t.Errorf("%d turns are free, want none", s.turns.free)
	}
	for i := range tasks {
		tasks[i].end()
	}
	if s.turns.free != free || s.first.Load() != 0 {
		t.Errorf("%d turns are free, want %d; %d in their first slice", s.turns.free, free, s.first.Load())
	}
}

// TestJoined: those who wait for a text share one, which was begun after each of
// them asked.
func TestJoined(t *testing.T) {
	var j joined
	began, release := make(chan struct{}), make(chan struct{})
	n := 0
	work := func() []byte {
		n++ // one at a time
		if n == 1 {
			close(began)
			<-release
		}
		return []byte{byte(n)}
	}
	var all sync.WaitGroup
	all.Go(func() {
		if got := j.get(work); got[0] != 1 {
			t.Errorf("the first got %d", got[0])
		}
	})
	<-began
	for range 20 {
		all.Go(func() {
			if got := j.get(work); got[0] < 2 {
				t.Errorf("one that came later got %d", got[0])
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	close(release)
	all.Wait()
	if n > 21 || n < 2 {
		t.Errorf("made %d times", n)
	}
}
