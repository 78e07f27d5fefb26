package replay

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"

	"postern/index"
	"postern/policy"
)

// Config says what is asked, and of what.
type Config struct {
	Snapshot *index.Snapshot
	// DefaultOrganization is `-default-org`: where a line says that it was the
	// owner of a bucket of which nothing said whose it is, it is so here.
	DefaultOrganization string
	// Uses says which keys the statements of the snapshot ask for.
	Uses *Uses
	// Since leaves out lines of an earlier time, in the form of the log; "" none.
	Since string
	// Workers is how many lines are asked side by side; 0 is one.
	Workers int
	// Max is how many differences are kept; 0 is all. The others are counted.
	Max int
	// Progress is called with the number of bytes and lines that were read so far.
	Progress func(bytes, lines int64)
}

// Counts are numbers of lines.
type Counts struct {
	// Asked are the decisions that were asked again: Same, Gained, Lost and
	// Changed (allowed both times, with other obligations) together.
	Asked, Same, Gained, Lost, Changed int64
	// Longer are those of Changed whose obligation would be longer, or none.
	Longer int64
	// Undecidable are decisions of which the log does not hold all that could
	// matter. They are not among those asked.
	Undecidable int64
	// Unasked are decisions without a request, since it could not be read then.
	Unasked int64
	// Cut are lines that are no line of a log; Others start, stop and reload, and
	// Early those before Since.
	Cut, Others, Early int64
	// DroppedAllows and DroppedDenies were decided and not logged, by lines of
	// that kind.
	DroppedAllows, DroppedDenies int64
}

func (c *Counts) add(o *Counts) {
	c.Asked, c.Same, c.Gained, c.Lost, c.Changed = c.Asked+o.Asked, c.Same+o.Same, c.Gained+o.Gained, c.Lost+o.Lost, c.Changed+o.Changed
	c.Longer += o.Longer
	c.Undecidable, c.Unasked, c.Cut, c.Others, c.Early = c.Undecidable+o.Undecidable, c.Unasked+o.Unasked, c.Cut+o.Cut, c.Others+o.Others, c.Early+o.Early
	c.DroppedAllows, c.DroppedDenies = c.DroppedAllows+o.DroppedAllows, c.DroppedDenies+o.DroppedDenies
}

// Reasons are why a decision was made, and why it would be now.
type Reasons struct{ Was, Is string }

// Kind tells how a decision differs.
type Kind uint8

// The kinds of difference.
const (
	Gained Kind = iota
	Lost
	Changed
)

// String names the kind as answers do.
func (k Kind) String() string { return [...]string{"gained", "lost", "changed"}[k] }

// Difference is a line that would be decided otherwise.
type Difference struct {
	Kind Kind
	// Line is the line, without its end.
	Line []byte
	// Request is what of it was asked: how its organizations stand, and at what
	// time.
	Request []byte
	Is      policy.Explanation

	start string // of the process
	seq   uint64
	place int64
}

// Result is what logs came to.
type Result struct {
	Counts
	// Reasons counts the differences by why each was decided and would be.
	Reasons map[Reasons]int64
	// Differences are in the order of the processes that logged, then of their
	// lines; the first Max of those that were read.
	Differences []Difference
}

// A Replay reads logs. Its methods are for one goroutine.
type Replay struct {
	config Config
	result Result
	bytes  int64
	lines  int64
	pieces int64
}

// New begins a replay.
func New(c Config) *Replay {
	c.Workers = max(c.Workers, 1)
	return &Replay{config: c, result: Result{Reasons: map[Reasons]int64{}}}
}

// pieceSize is how many bytes of whole lines are asked at a time, maxLine the
// longest line that can be one: a record is at most 64 KiB, and its escaped text six
// times that.
const (
	pieceSize = 1 << 20
	maxLine   = 1 << 20
)

// piece is some whole lines, and what became of them.
type piece struct {
	number int64
	lines  []byte
	asker  *asker
	done   chan struct{}
}

// Read asks the lines of a log. A last line without its end is counted as cut, unless
// it is whole all the same.
func (r *Replay) Read(log io.Reader) error {
	work := make(chan *piece, r.config.Workers)
	order := make(chan *piece, 2*r.config.Workers)
	var workers sync.WaitGroup
	for range r.config.Workers {
		workers.Go(func() {
			a := newAsker(&r.config)
			for p := range work {
				a.piece(p)
			}
		})
	}
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		for p := range order {
			<-p.done
			r.collect(p)
		}
	}()
	err := r.split(log, func(lines []byte) {
		p := &piece{number: r.pieces, lines: lines, done: make(chan struct{})}
		r.pieces++
		order <- p
		work <- p
	})
	close(work)
	close(order)
	workers.Wait()
	<-collected
	return err
}

// split hands on pieces of whole lines.
func (r *Replay) split(log io.Reader, do func([]byte)) error {
	var rest []byte
	skipping := false // what is left of a line that is too long
	for {
		buffer := make([]byte, len(rest), max(pieceSize, 2*len(rest)))
		copy(buffer, rest)
		n, err := io.ReadFull(log, buffer[len(rest):cap(buffer)])
		buffer = buffer[:len(rest)+n]
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !ended {
			return err
		}
		end := bytes.LastIndexByte(buffer, '\n') + 1
		if ended {
			end = len(buffer)
		}
		lines := buffer[:end]
		if skipping {
			cut := bytes.IndexByte(lines, '\n')
			if cut < 0 && !ended {
				rest = nil
				continue
			}
			lines, skipping = lines[cut+1:], false
			if cut < 0 {
				lines = nil
			}
		}
		if rest = buffer[end:]; len(rest) > maxLine {
			rest, skipping = nil, true
			r.result.Cut++
		}
		if len(lines) > 0 {
			do(lines)
		}
		if ended {
			return nil
		}
	}
}

// collect adds up a piece.
func (r *Replay) collect(p *piece) {
	a := p.asker
	r.result.add(&a.counts)
	for reasons, n := range a.reasons {
		r.result.Reasons[reasons] += n
	}
	if room := r.config.Max - len(r.result.Differences); r.config.Max == 0 || room > 0 {
		if r.config.Max > 0 {
			a.differences = a.differences[:min(len(a.differences), room)]
		}
		r.result.Differences = append(r.result.Differences, a.differences...)
	}
	r.bytes += int64(len(p.lines))
	r.lines += a.lines
	if r.config.Progress != nil {
		r.config.Progress(r.bytes, r.lines)
	}
}

// Result is what the logs came to that were read.
func (r *Replay) Result() *Result {
	slices.SortStableFunc(r.result.Differences, func(a, b Difference) int {
		return cmp.Or(strings.Compare(a.start, b.start), cmp.Compare(a.seq, b.seq), cmp.Compare(a.place, b.place))
	})
	return &r.result
}
