package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress shows on a terminal how far the first load is, or another long work, in one
// line that is written over and removed when it ends. What ends within progressAfter
// shows nothing.
type progress struct {
	w     io.Writer
	every time.Duration
	now   func() time.Time

	mu    sync.Mutex
	next  time.Time
	shown bool
}

const (
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

func newProgress(w io.Writer, now func() time.Time) *progress {
	return &progress{w: w, every: progressEvery, now: now, next: now().Add(progressAfter)}
}

// step shows that done of total files are read; total is 0 while it is not known. It is
// safe for concurrent use.
func (p *progress) step(done, total int) {
	if total == 0 {
		p.line("reading policies: %d files", done)
		return
	}
	p.line("reading policies: %d of %d files (%d %%)", done, total, 100*int64(done)/int64(total))
}

// line shows another line, if it is time for one.
func (p *progress) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if now.Before(p.next) {
		return
	}
	p.next = now.Add(p.every)
	p.shown = true
	fmt.Fprintf(p.w, "\r\x1b[K"+format, args...)
}

// end removes the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
