package loader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"postern/compile"
	"postern/index"
	"postern/internal/policyjson"
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

// Config says what to load and how. Current and either Root or Source are required.
// The zero value of any other field means its default.
type Config struct {
	// Root is the policy directory; it may be a link, and may be re-pointed.
	Root string
	// Source is where policies come from if that is not the directory Root. No other
	// Loader may use it.
	Source source.Source
	// StateDir is the folder in which the last good files survive a restart
	// (specification 4, Restart); "" for none. It must not lie in Root.
	StateDir string
	// StateSync has the marks of each generation written to the disk before the
	// generation is in force, so that a restart after a loss of power does not put
	// older policies in force.
	StateSync bool
	// DefaultOrganization is `-default-org`. It is in force while no other
	// organization has a folder (specification 1.5).
	DefaultOrganization string
	// PlatformOrganizations are those of `-platform-org` (specification 1.3).
	PlatformOrganizations []string

	MaxFile  int64             // the size of the largest file, in bytes; by default 16 MiB
	MaxFiles int               // the number of all files; by default 5,000,000
	Limits   policyjson.Limits // within one file; by default 64 levels, 100,000 statements

	Rescan  time.Duration // the interval between looks at everything; by default 60 s
	Reread  time.Duration // the interval in which every file is read once, whatever its stamp; by default 1 h
	Quiet   time.Duration // how long there have to be no events before a look begins; by default 25 ms
	MaxWait time.Duration // the longest time from an event to its look; by default 250 ms
	// Hold is how long a folder has to be at rest before a removal from it, or the
	// new organization that it holds, takes effect; by default 250 ms.
	Hold time.Duration
	// PassHold ignores .hold, for a generation that decides for one command alone.
	PassHold bool
	Workers  int // how many files are read and parsed in parallel; by default GOMAXPROCS

	// Inspect, if it is set, returns further warnings about a file that was parsed
	// without an error. bucket is the bucket whose policy it holds, or "". Inspect
	// must be safe for concurrent use, and must not keep what it is given.
	Inspect func(path, bucket string, data []byte, f policyjson.File) []policy.Diagnostic
	// MaxWarnings is how many warnings Status.Warnings holds at most; by default 1,000.
	MaxWarnings int
	// Compiler compiles. If its BuiltIn is nil, policyjson.BuiltIn is used.
	Compiler compile.Compiler
	// Current is where generations are published.
	Current *index.Current
	// Observe is called after every look that published a generation, changed what
	// is quarantined, or failed where the look before did not. It is called by the
	// goroutine that looks, and may call Status and Rescan but nothing else of the
	// loader.
	Observe func(*policy.Status)
	// Progress is called while the first look reads, with the number of files done
	// and of all files, from one goroutine at a time. total is 0 while it is not
	// known.
	Progress func(done, total int)
	Logger   *slog.Logger // by default nothing is logged
	// Now is the clock, for tests.
	Now func() time.Time
	// Steady is the clock by which the time of a hold is told, for tests. It
	// must never step.
	Steady func() time.Time
}

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
	if c.Current == nil {
		return nil, errors.New("loader: Config.Current is nil")
	}
	root, err := filepath.Abs(c.Root)
	if (err != nil || c.Root == "") && c.Source == nil {
		return nil, fmt.Errorf("loader: no policy directory: %q", c.Root)
	}
	c.Root = root
	c.MaxFile = cmp.Or(c.MaxFile, 16<<20)
	c.MaxFiles = cmp.Or(c.MaxFiles, 5_000_000)
	c.Limits.Depth = cmp.Or(c.Limits.Depth, 64)
	c.Limits.Statements = cmp.Or(c.Limits.Statements, 100_000)
	c.MaxWarnings = cmp.Or(c.MaxWarnings, 1000)
	c.Rescan = cmp.Or(c.Rescan, time.Minute)
	c.Reread = cmp.Or(c.Reread, time.Hour)
	c.Quiet = cmp.Or(c.Quiet, 25*time.Millisecond)
	c.MaxWait = cmp.Or(c.MaxWait, 250*time.Millisecond)
	c.Hold = cmp.Or(c.Hold, 250*time.Millisecond)
	c.Workers = cmp.Or(c.Workers, runtime.GOMAXPROCS(0))
	if c.Compiler.BuiltIn == nil {
		c.Compiler.BuiltIn = policyjson.BuiltIn()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Steady == nil {
		c.Steady = time.Now
	}
	if c.DefaultOrganization != "" && !layout.ValidOrganization(c.DefaultOrganization) {
		return nil, fmt.Errorf("loader: default organization %q: want 1 to 64 of A-Z a-z 0-9 - _", c.DefaultOrganization)
	}
	for _, org := range c.PlatformOrganizations {
		if !layout.ValidOrganization(org) {
			return nil, fmt.Errorf("loader: platform organization %q: want 1 to 64 of A-Z a-z 0-9 - _", org)
		}
	}
	l := &Loader{
		c: c, log: c.Logger, pending: burst.New(), orgs: map[string]*organization{}, claims: newClaims(),
		misplaced: map[string]policy.Diagnostic{}, faults: map[layout.Place]*source.Fault{},
		vanished: map[string]*organization{},
	}
	l.hold.Log, l.hold.Now = c.Logger, c.Steady
	l.rest = rest.New(c.Hold, l.last)
	l.maker.Compiler, l.maker.Limits, l.maker.Log, l.maker.InForce = c.Compiler, c.Limits, c.Logger, l.iamInForce
	l.maker.Inspect = c.Inspect
	if l.src = c.Source; l.src == nil {
		l.src = directory.New(directory.Config{Path: c.Root, MaxFile: c.MaxFile, MaxFiles: c.MaxFiles, Workers: c.Workers, Rescan: c.Rescan, Now: c.Now, Log: c.Logger})
	}
	l.status.Store(&policy.Status{Result: policy.ReloadFailed})
	if c.StateDir != "" {
		if c.StateDir, err = filepath.Abs(c.StateDir); err != nil {
			return nil, fmt.Errorf("loader: state directory: %w", err)
		}
		if l.state, err = mirror.Open(c.StateDir, c.StateSync, c.Logger); err != nil {
			return nil, fmt.Errorf("loader: state directory: %w", err)
		}
		if real, err := filepath.EvalSymlinks(c.StateDir); err == nil {
			if within, err := filepath.EvalSymlinks(root); err == nil && c.Source == nil && (real == within || strings.HasPrefix(real, within+"/")) {
				return nil, errors.New("loader: the state directory must not lie in the policy directory")
			}
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

// ValidOrganization reports whether an organization can have this name, which is 1
// to 64 of `A-Z a-z 0-9 - _` (specification 4, Names).
func ValidOrganization(name string) bool { return layout.ValidOrganization(name) }
