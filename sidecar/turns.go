package sidecar

import (
	"sync"
	"time"
)

// Long work, which is a batch or a search past its first slice and an
// explanation, is done in turns: of all that is at work no more than half of the
// processors' number runs at a time, each for a slice and then behind others.
// Organizations take turns, and the work of one organization among itself, so
// that however much one of them asks, another waits for one slice of each
// organization at most. Single decisions take no turn: checks go on beside.

// slice is how long a turn is; an item that is being worked on is finished.
const slice = 2 * time.Millisecond

// turns hands out turns. One that ends goes to whoever is next in line.
type turns struct {
	mu      sync.Mutex
	free    int // turns that nobody has
	waiting map[string]*line
	ring    []*line // the organizations that have somebody waiting, next first
}

// line is the work of one organization that waits.
type line struct {
	org  string
	wait []chan struct{} // next first; closed when the turn begins
}

// take asks for a turn for work of the organization. It returns nil if the turn
// has begun, else a channel that is closed when it begins.
func (t *turns) take(org string) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.free > 0 {
		t.free--
		return nil
	}
	return t.queue(org)
}

// queue puts work in line. t.mu is held.
func (t *turns) queue(org string) <-chan struct{} {
	l := t.waiting[org]
	if l == nil {
		if t.waiting == nil {
			t.waiting = map[string]*line{}
		}
		l = &line{org: org}
		t.waiting[org] = l
		t.ring = append(t.ring, l)
	}
	c := make(chan struct{})
	l.wait = append(l.wait, c)
	return c
}

// give ends a turn.
func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next()
}

// pass ends a turn and asks for the next one, as take does. Where nobody else
// waits it returns nil, and the turn goes on.
func (t *turns) pass(org string) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.ring) == 0 {
		return nil
	}
	c := t.queue(org)
	t.next()
	return c
}

// next hands on a turn that has ended. t.mu is held.
func (t *turns) next() {
	if len(t.ring) == 0 {
		t.free++
		return
	}
	l := t.ring[0]
	t.ring = t.ring[1:]
	close(l.wait[0])
	if l.wait = l.wait[1:]; len(l.wait) > 0 {
		t.ring = append(t.ring, l)
		return
	}
	delete(t.waiting, l.org)
}

// leave takes the work that has the channel out of its line. If its turn has begun
// meanwhile, the turn ends.
func (t *turns) leave(org string, c <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.waiting[org]
	if l == nil {
		t.next()
		return
	}
	for i, w := range l.wait {
		if w != c {
			continue
		}
		l.wait = append(l.wait[:i], l.wait[i+1:]...)
		if len(l.wait) == 0 {
			delete(t.waiting, org)
			for k, r := range t.ring {
				if r == l {
					t.ring = append(t.ring[:k], t.ring[k+1:]...)
				}
			}
		}
		return
	}
	t.next()
}
