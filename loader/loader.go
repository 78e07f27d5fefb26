package loader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"postern/index"
	"postern/loader/directory"
	"postern/loader/internal/burst"
	"postern/loader/internal/content"
	"postern/loader/internal/digest"
	"postern/loader/internal/hold"
	"postern/loader/internal/layout"
	"postern/loader/internal/mirror"
	"postern/loader/internal/rest"
	"postern/loader/source"
	"postern/policy"
)

// Loader keeps index.Current at what its source has. Load and Run may be called
// from different goroutines; they take turns.
type Loader struct {
	c       Config
	log     *slog.Logger
	pending *burst.Pending
	status  atomic.Pointer[policy.Status]

	// mu guards everything below: there is one look at a time.
	mu        sync.Mutex
	src       source.Source
	orgs      map[string]*organization
	claims    claims
	misplaced map[string]policy.Diagnostic // names in the root that have no place in the layout
	faults    map[layout.Place]*source.Fault
	files     int
	digest    digest.Digest

	rereads rereads

	rest     *rest.Rest               // what goes or comes and waits
	vanished map[string]*organization // what is remembered of organizations that vanished
	hold     hold.Hold                // what .hold does
	behind   *burst.Batch             // what was not looked at, as it was held
	loaded   bool                     // the first look was published
	snapshot *index.Snapshot
	fallback string // DefaultOrganization as the snapshot has it

	statements [policy.LayerCount]int
	failed     bool // the last look failed
	state      *mirror.Mirror

	maker   content.Maker
	onPiece func() bool // tests: called between two pieces of a look; true: look at events once more
}

// New checks the configuration and opens the state directory. It does not look at
// Root. An error says what is wrong with the configuration, or that the state
// directory cannot be written.
func New(c Config) (*Loader, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("loader: %w", err)
	}
	l := &Loader{
		c: c, log: c.Logger, pending: burst.New(), orgs: map[string]*organization{}, claims: newClaims(),
		misplaced: map[string]policy.Diagnostic{}, faults: map[layout.Place]*source.Fault{},
		vanished: map[string]*organization{}, src: c.Source,
	}
	l.hold.Log, l.hold.Now = c.Logger, c.Steady
	l.rest = rest.New(c.Hold, l.last)
	l.maker.Compiler, l.maker.Limits, l.maker.Log, l.maker.InForce = c.Compiler, c.Limits, c.Logger, l.iamInForce
	l.maker.Inspect = c.Inspect
	l.status.Store(&policy.Status{Result: policy.ReloadFailed})
	if c.StateDir != "" {
		var err error
		if l.state, err = mirror.Open(c.StateDir, c.StateSync, c.Logger); err != nil {
			return nil, fmt.Errorf("loader: state directory: %w", err)
		}
		if d, ok := l.src.(*directory.Source); ok && d.Contains(c.StateDir) {
			return nil, errors.New("loader: the state directory must not lie in the policy directory")
		}
	}
	return l, nil
}

// Status returns the state after the last look. It is never nil, and what it points
// to never changes. Before the first look its generation is 0. It is safe for
// concurrent use.
func (l *Loader) Status() *policy.Status { return l.status.Load() }

// Load looks at everything and publishes what changed. The first Load always
// publishes generation 1. Load waits until removals have taken effect and new
// organizations are taken (Config.Hold). Broken files are no error; Status has them.
// An error says that the source itself could not be read, or that ctx is done.
//
// While POLICIES/.hold stands, Load returns at once and publishes nothing. The first
// Load ignores a plain hold; under a transaction it publishes what the mirror has,
// or waits for the end of the transaction if the mirror has nothing.
func (l *Loader) Load(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.OpenMarks()
	t := l.takeBehind(burst.Batch{Confirm: l.pending.TakeConfirm()})
	sc := &source.Scope{All: true, Confirm: t.Confirm}
	for {
		err := l.look(ctx, sc)
		if errors.Is(err, hold.ErrHeld) {
			if l.loaded || l.startHeld() {
				l.keepBehind(burst.Batch{All: true, Confirm: sc.Confirm})
				return nil
			}
			if err = source.Sleep(ctx, hold.Poll); err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		due, ok := l.departing()
		if !ok {
			break
		}
		if err := source.Sleep(ctx, time.Until(due)); err != nil {
			return err
		}
		sc = &source.Scope{}
		l.rest.AddDue(sc)
	}
	l.flush(context.WithoutCancel(ctx))
	return nil
}

// Rescan asks for a look at everything that also confirms that the bucket policies
// which are missed were meant to go (SIGHUP). Run does it at once; without Run the
// next Load does. It is safe for concurrent use.
func (l *Loader) Rescan() { l.pending.Rescan() }
