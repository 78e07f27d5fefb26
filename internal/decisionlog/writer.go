package decisionlog

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"postern/policy"
)

// writer takes records out of the rings and writes lines. One goroutine has it.
type writer struct {
	log     *Log
	sink    sink // nil if nothing is logged
	line    liner
	entry   entry
	buf     []byte // lines that are not written yet, whole ones
	marks   int    // of buf, how many lines
	grounds []policy.StatementRef
	known   []generation // by which lines are resolved
	closed  error
	// failing says that the last write failed, since when it is said once.
	failing bool
}

// How the writer goes about it.
const (
	// pause is the longest between two looks at the rings. What is committed is
	// written within that and a write, well below the 200 ms of specification 8.5.
	pause = 40 * time.Millisecond
	// flushAt is how many bytes of lines are written at a time.
	flushAt = 256 << 10
	// retry is how long after a failed write the next is tried.
	retry = 200 * time.Millisecond
	// keepSnapshot is how long after another one came a snapshot is kept for records
	// that are committed late, and keepDigest its digest.
	keepSnapshot = 5 * time.Second
	keepDigest   = 10 * time.Minute
)

// generation is a snapshot that records may be of.
type generation struct {
	number uint64
	digest policy.Digest
	of     Generation
	until  time.Time // when another one was first met, zero before
}

// control is a line of another kind, after its time, seq and instance.
type control struct {
	at   int64
	text []byte
}

func (l *Log) control(c control) {
	c.at = time.Now().UnixNano()
	l.mu.Lock()
	l.controls = append(l.controls, c)
	l.mu.Unlock()
}

func (w *writer) init(l *Log, started time.Time) {
	w.log, w.sink = l, l.sink
	w.line = liner{masks: newMasks(l.config.Mask), instance: instanceMember(started)}
}

// run writes until the log is closed.
func (w *writer) run() {
	l := w.log
	defer close(l.done)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		ok := w.pass()
		select {
		case <-l.closing:
			w.end()
			return
		default:
		}
		wait := pause
		if !ok {
			wait = retry
		}
		timer.Reset(wait)
		select {
		case <-l.closing:
		case <-l.wake:
		case <-timer.C:
		}
	}
}

// end writes what is left, and closes.
func (w *writer) end() {
	for i, stopped := 0, false; ; i++ {
		if w.pass() {
			if stopped {
				break
			}
			stopped = true // the last line of all
			w.log.control(control{text: w.log.stopText()})
			continue
		}
		if i == 10 { // the disk is full
			w.closed = errors.New("the last decisions could not be written")
			break
		}
		time.Sleep(retry / 4)
	}
	if s := w.sink; s != nil {
		w.closed = errors.Join(w.closed, s.close())
	}
}

// pass writes what was committed when it begins; false if it could not.
func (w *writer) pass() bool {
	l := w.log
	l.mu.Lock()
	reopen, controls := l.reopen, l.controls
	l.reopen, l.controls = false, nil
	w.known = append(w.known[:0], l.generations...)
	l.mu.Unlock()
	if reopen && w.sink != nil {
		w.reopen()
	}
	for _, c := range controls {
		w.begin(c.at)
		w.buf = append(append(w.buf, ','), c.text...)
		w.done()
	}
	if !w.flush() {
		return false
	}
	began := time.Now()
	w.drops()
	for _, r := range l.rings {
		r.begin()
	}
	for {
		first := w.first()
		if first == nil {
			break
		}
		w.record(first.next)
		first.pass()
		if len(w.buf) >= flushAt && !w.flush() {
			w.release()
			return false
		}
	}
	w.release()
	if !w.flush() {
		return false
	}
	l.forget(began)
	return true
}

func (w *writer) release() {
	for _, r := range w.log.rings {
		r.release()
	}
}

// forget forgets generations of which no record is left, when a pass that began at
// a time wrote all there was.
func (l *Log) forget(began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.generations = slices.DeleteFunc(l.generations, func(g generation) bool {
		return !g.until.IsZero() && began.Sub(g.until) > keepDigest
	})
	for i := range l.generations {
		if g := &l.generations[i]; !g.until.IsZero() && began.Sub(g.until) > keepSnapshot {
			g.of = nil
		}
	}
}

// first returns the ring whose next record is the oldest, nil if there is none.
func (w *writer) first() (first *ring) {
	for _, r := range w.log.rings {
		if r.peek() && (first == nil || r.next.time() < first.next.time()) {
			first = r
		}
	}
	return first
}

// record encodes one record.
func (w *writer) record(r record) {
	l, e := w.log, &w.entry
	from, seq := len(w.buf), w.line.seq
	defer func() {
		if v := recover(); v != nil { // a fault of this package, of which no request may be the end
			w.buf, w.line.seq = w.buf[:from], seq
			first := r.time()
			l.rings[0].drops.add(false, first)
			l.config.Logger.Error("a decision could not be logged", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	e.read(r)
	c := circumstances{}
	c.seen, e.request.Seen = l.seen.of(e.seen)
	c.shadow = w.shadow(e)
	if w.sink == nil || !e.logged && c.shadow == nil {
		return
	}
	for i := len(w.known) - 1; i >= 0; i-- {
		if w.known[i].number == e.decision.Generation {
			c.digest = w.known[i].digest
			if of := w.known[i].of; of != nil && e.hasRequest && e.why == "" {
				w.grounds = of.Grounds(&e.request, e.decision, w.grounds[:0])
				c.determining = w.grounds
			}
			break
		}
	}
	w.buf = w.line.decision(w.buf, e, &c)
	w.marks++
}

// begin begins a line of another kind.
func (w *writer) begin(nanos int64) {
	w.buf = append(append(w.line.begin(w.buf, nanos), ','), w.line.instance...)
}

// done ends a line of another kind.
func (w *writer) done() {
	w.buf = append(w.buf, '}', '\n')
	w.marks++
}

// drops writes a line of what did not fit.
func (w *writer) drops() {
	l := w.log
	var allow, deny uint64
	from, to := int64(0), int64(0)
	for _, r := range l.rings {
		d, told := &r.drops, &r.told
		a, b := d.allow.Load(), d.deny.Load()
		if a == told.allow && b == told.deny {
			continue
		}
		allow, deny = allow+a-told.allow, deny+b-told.deny
		told.allow, told.deny = a, b
		begin, end := d.from.Swap(0), d.to.Swap(0)
		// Who was counted now may have set the span that the line before took.
		if begin == 0 {
			begin = told.from
		}
		told.from = end
		if from == 0 || begin < from {
			from = begin
		}
		to = max(to, end, begin)
	}
	if allow+deny == 0 {
		return
	}
	w.skipped(allow + deny)
	if w.sink == nil {
		return
	}
	w.begin(time.Now().UnixNano())
	b := append(appendName(w.buf, "dropped"), '{')
	b = append(appendNumber(appendNumber(b, "allow", int64(allow)), "deny", int64(deny)), '}')
	b = w.line.times.append(b, "from", from)
	w.buf = w.line.times.append(b, "to", to)
	w.done()
}

// flush writes the lines that are there; false if some are left, which are written
// later.
func (w *writer) flush() bool {
	l := w.log
	if w.sink == nil {
		w.buf, w.marks = w.buf[:0], 0
		return true
	}
	if len(w.buf) == 0 {
		return true
	}
	n, err := w.sink.write(w.buf)
	if err == nil {
		l.figures.lines.Add(uint64(w.marks))
		w.buf, w.marks = w.buf[:0], 0
		if w.failing {
			w.failing = false
			l.config.Logger.Info("the decision log can be written again", "log", l.config.Path)
		}
		return true
	}
	// n bytes, whole lines, are there for good.
	for _, c := range w.buf[:n] {
		if c == '\n' {
			w.marks--
			l.figures.lines.Add(1)
		}
	}
	w.buf = append(w.buf[:0], w.buf[n:]...)
	l.figures.failures.Add(1)
	if !w.failing {
		w.failing = true
		l.config.Logger.Error("the decision log cannot be written; trying again, while what is decided waits in memory", "log", l.config.Path, "error", err.Error())
	}
	return false
}

// reopen opens the file anew.
func (w *writer) reopen() {
	l := w.log
	s, err := openSink(l.config.Path)
	if err != nil {
		l.config.Logger.Error("the decision log cannot be opened anew; the old file stays", "log", l.config.Path, "error", err.Error())
		return
	}
	old := w.sink
	w.sink = s
	l.mu.Lock()
	l.sink = s
	l.mu.Unlock()
	if err := old.close(); err != nil {
		l.config.Logger.Warn("closing the old decision log", "error", err.Error())
	}
	l.config.Logger.Info("the decision log was opened anew", "log", l.config.Path)
}
