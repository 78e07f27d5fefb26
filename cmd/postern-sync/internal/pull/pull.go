package pull

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"postern/cmd/postern-sync/internal/apply"
	"postern/cmd/postern-sync/internal/history"
	"postern/cmd/postern-sync/internal/revision"
	"postern/cmd/postern-sync/internal/stream"
)

// Log is where revisions are published. A *stream.Conn is one.
type Log interface {
	history.Log
	Newest(ctx context.Context) (*stream.Message, error)
	Follow(each func(*stream.Message)) (stop func(), err error)
}

// Config says what to pull, and where to. Reader, Log and Path are required.
type Config struct {
	Log    Log
	Reader *history.Reader
	Path   string // the policy directory
	// MaxAge is how old a revision may be that a machine without state begins with; by
	// default 24 h.
	MaxAge time.Duration
	Poll   time.Duration // how often the newest revision is asked for; by default 5 s
	Check  time.Duration // how often the whole directory is compared with its index; by default 60 s
	// Adopt takes over what the directory has that is not from a revision, once at the
	// start.
	Adopt  bool
	Logger *slog.Logger
	Step   func(string) error // see apply.Directory; for tests
	Now    func() time.Time   // for tests
}

// State is what a puller knows of itself.
type State struct {
	Position apply.Position
	// Newest is the newest revision that was found to be signed, here or not.
	Newest  revision.ID
	Contact time.Time // when the stream last answered
	Err     string    // why the newest revision is not here; "" if nothing is wrong
	Since   time.Time // since when
}

// Puller keeps one directory. Run is called once; the other methods are safe for
// concurrent use.
type Puller struct {
	c     Config
	wake  chan struct{}
	ask   atomic.Bool // the newest revision is to be asked for
	live  atomic.Pointer[stream.Message]
	mutex sync.Mutex
	state State

	d       *apply.Directory
	checked time.Time
	adopted bool
	ready   bool // the directory was found to have what its index says
}

// New returns a puller.
func New(c Config) *Puller {
	if c.MaxAge == 0 {
		c.MaxAge = 24 * time.Hour
	}
	if c.Poll == 0 {
		c.Poll = 5 * time.Second
	}
	if c.Check == 0 {
		c.Check = time.Minute
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Puller{c: c, wake: make(chan struct{}, 1)}
}

// State returns what the puller knows now.
func (p *Puller) State() State {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.state
}

func (p *Puller) change(f func(*State)) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	f(&p.state)
}

// Ask has the newest revision asked for at once, as after a reconnect.
func (p *Puller) Ask() {
	p.ask.Store(true)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Run pulls until ctx is done. It returns an error only if the directory cannot be opened
// at the start.
func (p *Puller) Run(ctx context.Context) error {
	if err := p.open(); err != nil {
		return err
	}
	defer func() {
		if p.d != nil {
			p.d.Close()
		}
	}()
	stop, err := p.c.Log.Follow(func(m *stream.Message) {
		p.live.Store(m) // what comes meanwhile replaces it: several are one apply
		select {
		case p.wake <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return err
	}
	defer stop()
	p.ask.Store(true)
	tick := time.NewTicker(p.c.Poll)
	defer tick.Stop()
	for {
		if err := p.turn(ctx); ctx.Err() == nil {
			p.note(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			p.ask.Store(true)
		case <-p.wake:
		}
	}
}

// note keeps the outcome of a turn, and logs what is new of it.
func (p *Puller) note(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	old := p.State().Err
	p.change(func(s *State) {
		if s.Err = text; text == "" {
			s.Since = time.Time{}
		} else if old == "" {
			s.Since = p.c.Now()
		}
	})
	switch {
	case text == old:
	case text == "":
		p.c.Logger.Info("what was wrong is over")
	default:
		p.c.Logger.Error("the newest revision is not applied; what is in the directory stays", "error", text)
	}
}

func (p *Puller) open() error {
	d, err := apply.Open(p.c.Path, p.c.Step)
	if err != nil {
		return err
	}
	p.d, p.ready = d, false
	p.change(func(s *State) { s.Position = d.Position() })
	return nil
}

// turn looks at what was published, and applies the newest.
func (p *Puller) turn(ctx context.Context) error {
	if p.d == nil {
		if err := p.open(); err != nil {
			return err
		}
	}
	if err := p.check(); err != nil {
		return err
	}
	m := p.live.Swap(nil)
	if m != nil {
		switch head, err := p.c.Reader.Verify(m); {
		case err != nil: // it may be forged: whoever stores revisions is asked
			p.c.Logger.Warn("a message is refused", "error", err.Error())
			p.ask.Store(true)
		default:
			p.change(func(s *State) { s.Contact = p.c.Now() })
			return p.consider(ctx, head)
		}
	}
	if !p.ask.Swap(false) {
		return nil
	}
	m, err := p.c.Log.Newest(ctx)
	if errors.Is(err, stream.ErrNone) {
		p.change(func(s *State) { s.Contact = p.c.Now() })
		return errors.New("there is no revision yet")
	}
	if err != nil {
		return fmt.Errorf("the newest revision cannot be read: %w", err)
	}
	p.change(func(s *State) { s.Contact = p.c.Now() })
	head, err := p.c.Reader.Verify(m)
	if err != nil {
		return err
	}
	return p.consider(ctx, head)
}

// check compares the directory with its index, if it is time to.
func (p *Puller) check() error {
	if p.ready && p.c.Now().Sub(p.checked) < p.c.Check {
		return nil
	}
	p.ready = false
	if p.c.Adopt && !p.adopted {
		if err := p.d.Adopt(); err != nil {
			return err
		}
		p.adopted = true
	}
	if err := p.d.Check(); err != nil {
		return err
	}
	p.ready, p.checked = true, p.c.Now()
	return nil
}

// consider applies a revision, if it is above the one that the directory has.
func (p *Puller) consider(ctx context.Context, h *history.Head) error {
	p.change(func(s *State) {
		if h.ID().Above(s.Newest) {
			s.Newest = h.ID()
		}
	})
	at := p.d.Position()
	clean := p.d.Tree().Digest() == at.Digest // else something was adopted
	switch {
	case at.Revision == 0:
		if age := p.c.Now().Sub(h.Time); age > p.c.MaxAge {
			return fmt.Errorf("the newest revision is %s old, and a machine without state takes none that is older than %s (-max-age): push, or run postern-sync push -heartbeat each hour",
				age.Round(time.Second), p.c.MaxAge)
		}
	case at.ID == h.ID() && at.Message != h.Message:
		return fmt.Errorf("there are two revisions %s: the one here is another than the stream's; push once more", at.ID)
	case at.ID == h.ID() && clean:
		return nil
	case at.ID != h.ID() && at.Above(h.ID()):
		if at.Epoch == h.Epoch && at.Revision > h.Number+staleReplica || at.Epoch > h.Epoch {
			return fmt.Errorf("the stream has revision %s, and %s is here: if the stream was made anew, push with -epoch %d", h.ID(), at.ID, at.Epoch+1)
		}
		return nil // a replica that is behind
	}
	var base *history.Base
	if at.Revision > 0 && clean {
		base = &history.Base{ID: at.ID, Message: at.Message, Tree: p.d.Tree()}
	}
	target, err := p.c.Reader.Resolve(ctx, h, base)
	if err != nil {
		return err
	}
	return p.apply(ctx, h, target)
}

// staleReplica is how many revisions a replica may be behind before that is reported.
const staleReplica = 100

func (p *Puller) apply(ctx context.Context, h *history.Head, target *history.Target) error {
	began := time.Now()
	want := map[revision.Sum]bool{}
	changes := target.Tree.Difference(p.d.Tree())
	for _, c := range changes {
		if !c.Removed {
			want[c.Sum] = true
		}
	}
	if err := target.Contents(ctx, want, p.d.Stage); err != nil {
		if discard := p.d.Discard(); discard != nil {
			p.reopen()
		}
		return err
	}
	position := apply.Position{ID: h.ID(), Message: h.Message, Digest: h.Digest, Count: h.Count, Time: h.Time, Applied: p.c.Now().UTC()}
	if err := p.d.Apply(position, target.Tree); err != nil {
		var stray *apply.StrayError
		if errors.As(err, &stray) || errors.Is(err, apply.ErrHeld) {
			p.ready = p.ready && stray == nil
			return errors.Join(err, p.d.Discard())
		}
		p.reopen()
		return err
	}
	p.change(func(s *State) { s.Position = position })
	p.c.Logger.Info("applied", "revision", h.ID().String(), "digest", h.Digest.String(), "changed", len(changes), "files", h.Count, "by", h.By, "took", time.Since(began).Round(time.Microsecond).String())
	return nil
}

// reopen has the directory opened again, which ends what was begun in it.
func (p *Puller) reopen() {
	p.d.Close()
	p.d = nil
}
