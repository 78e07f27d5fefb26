package loader

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"postern/compile"
	"postern/index"
	"postern/internal/policyjson"
	"postern/loader/directory"
	"postern/loader/internal/layout"
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

// complete sets the defaults, and returns what is wrong with the configuration.
func (c *Config) complete() error {
	if c.Current == nil {
		return errors.New("Config.Current is nil")
	}
	if org := c.DefaultOrganization; org != "" && !layout.ValidOrganization(org) {
		return fmt.Errorf("default organization %q: want 1 to 64 of A-Z a-z 0-9 - _", org)
	}
	for _, org := range c.PlatformOrganizations {
		if !layout.ValidOrganization(org) {
			return fmt.Errorf("platform organization %q: want 1 to 64 of A-Z a-z 0-9 - _", org)
		}
	}
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
	if c.Source != nil {
		return nil
	}
	d, err := directory.New(directory.Config{Path: c.Root, MaxFile: c.MaxFile, MaxFiles: c.MaxFiles, Workers: c.Workers, Rescan: c.Rescan, Now: c.Now, Log: c.Logger})
	c.Source = d
	return err
}

// ValidOrganization reports whether an organization can have this name, which is 1
// to 64 of `A-Z a-z 0-9 - _` (specification 4, Names).
func ValidOrganization(name string) bool { return layout.ValidOrganization(name) }
