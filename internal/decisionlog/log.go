package decisionlog

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"postern/policy"
)

// Full is what becomes of an answer whose record finds no room.
type Full uint8

// What full rings do.
const (
	Drop  Full = iota // records are dropped: allows from three quarters on, denies when nothing is left
	Block             // answers wait for room, for as long as Config.Wait, and then drop
	Deny              // answers are refused
)

// Candidate decides requests by policies that are not in force (specification
// 8.4).
type Candidate interface {
	// Decide decides a request at the time that it says; false while no policies
	// are loaded. It is called by one goroutine.
	Decide(*policy.Request) (policy.Decision, policy.Digest, bool)
}

// Generation is a snapshot of policies, as the log asks it.
type Generation interface {
	Generation() uint64
	Digest() policy.Digest
}

// Config is how decisions are logged.
type Config struct {
	// Path is a file, "-" for the standard output, "unix:PATH" for a socket that
	// somebody listens on, or "": then nothing is logged, and only Candidate asked.
	Path string
	// Mask are further keys whose values are not logged: condition keys,
	// `subject.X`, `action.X`, `resource.X`, `claims.X`, `tags.X`.
	Mask []string
	// Allows is how many allows one is logged of: 1 logs all, 0 none.
	Allows uint32
	// Buffer is the size of all rings together, in bytes; at least MinBuffer.
	Buffer int
	Full   Full
	// Wait is how long an answer waits for room with Block.
	Wait time.Duration
	// Shadow decides what is decided, too; one of ShadowSample decisions. nil is
	// nobody.
	Shadow       Candidate
	ShadowSample uint32
	// Version and Flags say what runs, and with which settings.
	Version string
	Flags   []Flag
	// Logger gets what an operator should know of the log itself.
	Logger *slog.Logger
}

// Flag is a setting in force.
type Flag struct{ Name, Value string }

// The bounds of what is kept in memory.
const (
	MinBuffer = 1 << 20
	maxRings  = 16
	minRing   = 1 << 20 // bytes of a ring, where the buffer has room for several
)

// Log is a decision log that is open. Its methods may be called by any goroutine.
type Log struct {
	config  Config
	rings   []*ring
	logged  bool // and not only asked of a candidate
	seen    seenSets
	started string // begins each id that is made
	numbers atomic.Uint64

	mu          sync.Mutex
	sink        sink // what the writer writes to
	generations []generation
	controls    []control
	reopen      bool
	flags       string // the member `flags` of lines of another kind

	wake, closing, done chan struct{}
	closed              sync.Once
	figures             figures
	writer              writer
}

// figures are counted by the writer, for Stats.
type figures struct {
	lines, failures atomic.Uint64
	droppedAllow    atomic.Uint64
	droppedDeny     atomic.Uint64
	shadow          [len(shadowResults)]atomic.Uint64
}

// Open opens a log and begins to write.
func Open(c Config) (*Log, error) {
	if c.Buffer < MinBuffer {
		return nil, fmt.Errorf("a buffer of %d bytes is too small; it takes %d at least", c.Buffer, MinBuffer)
	}
	var s sink
	if c.Path != "" {
		var err error
		if s, err = openSink(c.Path); err != nil {
			return nil, err
		}
	}
	l := newLog(c, s, time.Now())
	l.control(control{text: l.startText()})
	go l.writer.run()
	return l, nil
}

// newLog makes a log of which nobody is the writer yet.
func newLog(c Config, s sink, started time.Time) *Log {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	l := &Log{sink: s, logged: s != nil, config: c, wake: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{}),
		started: hex.EncodeToString(binary.BigEndian.AppendUint32(nil, rand.Uint32()))}
	size := powerOfTwo(c.Buffer)
	n := min(powerOfTwo(2*runtime.GOMAXPROCS(0)-1), maxRings, max(size/minRing, 1))
	for range n {
		l.rings = append(l.rings, newRing(size/n))
	}
	l.flags = flagsMember(c.Flags)
	l.writer.init(l, started)
	return l
}

// powerOfTwo is the largest power of two up to n.
func powerOfTwo(n int) int {
	p := 1
	for p <= n/2 {
		p *= 2
	}
	return p
}

// Logged reports whether decisions are logged, and not only asked of a candidate.
func (l *Log) Logged() bool { return l.logged }

// Source is who answers, one request at a time: which ring its records go to, and
// the ids that it makes.
type Source struct {
	ring   *ring
	number uint64
	made   uint64
}

// Source returns the next one.
func (l *Log) Source() Source {
	n := l.numbers.Add(1)
	return Source{ring: l.rings[n%uint64(len(l.rings))], number: n}
}

// AppendID appends an id that no other request of any process has.
func (l *Log) AppendID(b []byte, s *Source) []byte {
	s.made++
	b = append(append(b, l.started...), '-')
	b = append(strconv.AppendUint(b, s.number, 36), '-')
	return strconv.AppendUint(b, s.made, 36)
}

// Answer is an answer of which notes were made.
type Answer struct {
	Began    time.Time
	Duration time.Duration
	ID, Peer []byte
	Door     string
	// Notes are those of Log.Note, one behind the other. Of items of a batch those
	// from the place Items on are left out: they were not answered.
	Notes []byte
	Items int
	// Batch says that a note that is alone is of an item all the same.
	Batch bool
}

// Commit hands the notes of an answer to the writer, and returns true if the answer
// may be given.
func (l *Log) Commit(s *Source, a *Answer) bool {
	fixed := recordTexts + 6 + len(a.ID) + len(a.Peer) + len(a.Door)
	total := uint64(0)
	if !a.Batch && len(a.Notes) > 0 && int(binary.LittleEndian.Uint32(a.Notes[noteLength:])) == len(a.Notes) {
		binary.LittleEndian.PutUint32(a.Notes[noteItem:], noItem)
	}
	for n, rest := a.next(a.Notes); n != nil; n, rest = a.next(rest) {
		total += rounded(fixed + len(n))
	}
	if total == 0 {
		return true
	}
	r := s.ring
	switch limit := r.size; {
	case l.config.Full == Drop && total <= r.size/4*3: // else each by itself
		limit = r.size / 4 * 3
		fallthrough
	case l.config.Full != Drop && total <= limit:
		at, ok := l.claim(r, total, limit)
		if !ok && l.config.Full == Block {
			at, ok = l.await(r, total)
		}
		if ok {
			for n, rest := a.next(a.Notes); n != nil; n, rest = a.next(rest) {
				at = l.write(r, at, fixed, a, n)
			}
			return true
		}
		if l.config.Full == Deny {
			return false
		}
	case l.config.Full == Deny:
		return false
	}
	at := a.Began.UnixNano()
	for n, rest := a.next(a.Notes); n != nil; n, rest = a.next(rest) {
		allow := policy.Outcome(n[noteFlags+1]) == policy.Allow
		size, limit := rounded(fixed+len(n)), r.size
		if allow && l.config.Full == Drop {
			limit = r.size / 4 * 3
		}
		if place, ok := l.claim(r, size, limit); ok {
			l.write(r, place, fixed, a, n)
		} else {
			r.drops.add(allow, at)
		}
	}
	return true
}

// next returns the first of some notes, nil if there is none, and those behind it.
// Notes of items that were not answered are left out.
func (a *Answer) next(notes []byte) (note, rest []byte) {
	for len(notes) > 0 {
		n := binary.LittleEndian.Uint32(notes[noteLength:])
		note, notes = notes[:n], notes[n:]
		if int(int32(binary.LittleEndian.Uint32(note[noteItem:]))) < a.Items {
			return note, notes
		}
	}
	return nil, nil
}

// claim is ring.claim, and rouses the writer when the ring is half full.
func (l *Log) claim(r *ring, n, limit uint64) (at uint64, ok bool) {
	at, ok = r.claim(n, limit)
	if ok {
		if used := at - r.tail.Load(); used < r.size/2 && used+n >= r.size/2 {
			l.rouse()
		}
	}
	return at, ok
}

// await claims as soon as there is room, for a while.
func (l *Log) await(r *ring, n uint64) (at uint64, ok bool) {
	for end := time.Now().Add(l.config.Wait); ; {
		l.rouse()
		time.Sleep(time.Millisecond)
		if at, ok = l.claim(r, n, r.size); ok || !time.Now().Before(end) {
			return at, ok
		}
	}
}

// write fills a record, and returns the place behind it. fixed is the length of
// what stands before the note.
func (l *Log) write(r *ring, at uint64, fixed int, a *Answer, note []byte) uint64 {
	var head [recordTexts + 2]byte
	binary.LittleEndian.PutUint64(head[recordTime:], uint64(a.Began.UnixNano()))
	binary.LittleEndian.PutUint64(head[recordDuration:], uint64(a.Duration))
	n := rounded(fixed + len(note))
	head[recordTexts], head[recordTexts+1] = byte(len(a.ID))&0x7f|0x80, byte(len(a.ID)>>7)
	to := r.put(r.put(at+wordBytes, head[:]), a.ID)
	head[0], head[1] = byte(len(a.Peer))&0x7f|0x80, byte(len(a.Peer)>>7)
	to = r.put(r.put(to, head[:2]), a.Peer)
	head[0], head[1] = byte(len(a.Door))&0x7f|0x80, byte(len(a.Door)>>7)
	to = r.putText(r.put(to, head[:2]), a.Door)
	r.put(to, note)
	r.finish(at, n)
	return at + n
}

// Generation tells the log of a snapshot, before the first decision that it makes
// is committed.
func (l *Log) Generation(g Generation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, known := range l.generations {
		if known.number == g.Generation() {
			return
		}
	}
	for i := range l.generations {
		if of := &l.generations[i]; of.until.IsZero() {
			of.until = time.Now()
		}
	}
	l.generations = append(l.generations, generation{number: g.Generation(), digest: g.Digest(), of: g})
}

// Reopen has the writer open the file anew, at the end of a line.
func (l *Log) Reopen() {
	l.mu.Lock()
	l.reopen = true
	l.mu.Unlock()
	l.rouse()
}

// rouse has the writer look at once.
func (l *Log) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Close writes what was committed, and the line of the end. It gives up when ctx
// ends.
func (l *Log) Close(ctx context.Context) error {
	l.closed.Do(func() {
		close(l.closing)
	})
	select {
	case <-l.done:
		return l.writer.closed
	case <-ctx.Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.sink != nil {
			l.sink.interrupt()
		}
		return fmt.Errorf("the decision log was not written to its end: %w", ctx.Err())
	}
}

// Stats are figures of a log since its start.
type Stats struct {
	Lines, Failures           uint64
	DroppedAllow, DroppedDeny uint64
	// Shadow counts what the candidate came to, in the order of ShadowResults.
	Shadow []uint64
}

// ShadowResults are the values of the label `result`.
func ShadowResults() []string { return shadowResults[:] }

// Stats returns the figures.
func (l *Log) Stats() Stats {
	f := &l.figures
	s := Stats{Lines: f.lines.Load(), Failures: f.failures.Load(), DroppedAllow: f.droppedAllow.Load(), DroppedDeny: f.droppedDeny.Load()}
	if l.config.Shadow != nil {
		for i := range f.shadow {
			s.Shadow = append(s.Shadow, f.shadow[i].Load())
		}
	}
	return s
}

// hostname is the name of the machine, for lines.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}
