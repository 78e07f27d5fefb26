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
	// Grounds appends the first determining statement of each layer that brought a
	// decision about. It is called by one goroutine.
	Grounds(r *policy.Request, d policy.Decision, out []policy.StatementRef) []policy.StatementRef
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
	s := Stats{Lines: f.lines.Load(), Failures: f.failures.Load()}
	for _, r := range l.rings {
		s.DroppedAllow += r.drops.allow.Load()
		s.DroppedDeny += r.drops.deny.Load()
	}
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
