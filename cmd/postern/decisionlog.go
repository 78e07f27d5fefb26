package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"postern/index"
	"postern/internal/decisionlog"
	"postern/loader"
	"postern/policy"
)

// logFlags are the flags of the decision log (specification 8.5).
type logFlags struct {
	path   string
	mask   string
	allows string
	buffer size
	full   choice
	wait   time.Duration
	shadow string
	sample uint

	every uint32 // of -log-allows: one allow in so many, 0 for none
	flags *flags // all that are in force, for the log
	open  *decisionlog.Log
	next  *candidate // of -shadow

	mu     sync.Mutex
	before policy.Digest
	units  string // what was quarantined
	gen    uint64
}

func (f *logFlags) define(fs *flags) {
	f.buffer = 16 << 20
	f.full = choice{"drop", []string{"drop", "block", "deny"}}
	f.flags = fs
	fs.StringVar(&f.path, "decision-log", "", "`FILE` to which every decision is appended, a line of JSON each; - is the standard output, unix:PATH a socket; SIGUSR1 opens it anew")
	fs.StringVar(&f.mask, "log-mask", "", "`KEYS`, separated by commas, whose values are not logged: condition keys, subject.X, action.X, resource.X, claims.X, tags.X")
	fs.StringVar(&f.allows, "log-allows", "all", "which allows are logged: `all|none|1/N`; denies always are")
	fs.Var(&f.buffer, "log-buffer", "memory in which decisions wait to be written, in `BYTES`; 1MiB at least")
	fs.Var(&f.full, "log-full", "what becomes of an answer that finds no room there: `drop|block|deny`; drop counts it, block waits for -log-wait and then drops, deny answers 503")
	fs.StringVar(&f.shadow, "shadow", "", "`DIR` of candidate policies, which decide beside those in force what these have decided, and are not obeyed")
	fs.UintVar(&f.sample, "shadow-sample", 1, "one in `N` decisions is also made by the candidate")
	fs.DurationVar(&f.wait, "log-wait", 100*time.Millisecond, "how long an answer waits for room with -log-full block")
}

func (f *logFlags) check() error {
	if f.path == "" {
		for flag, given := range map[string]bool{"-log-mask": f.mask != "", "-log-allows": f.allows != "all", "-log-full": f.full.value != "drop"} {
			if given {
				return usagef("%s is for the decision log, and there is none; add -decision-log FILE", flag)
			}
		}
	}
	if f.shadow == "" && f.sample != 1 {
		return usagef("-shadow-sample is for -shadow DIR; add it")
	}
	if f.sample < 1 || f.sample > 1<<31 {
		return usagef("-shadow-sample %d: write 1 for every decision, or N for one in N", f.sample)
	}
	switch rest, ok := strings.CutPrefix(f.allows, "1/"); {
	case f.allows == "all":
		f.every = 1
	case f.allows == "none":
	case ok:
		n, err := strconv.ParseUint(rest, 10, 31)
		if err != nil || n == 0 {
			return usagef("-log-allows %q: N of 1/N is a number from 1", f.allows)
		}
		f.every = uint32(n)
	default:
		return usagef("-log-allows %q: write all, none, or 1/N for one in N", f.allows)
	}
	if f.buffer < decisionlog.MinBuffer {
		return usagef("-log-buffer %s is too small; write 1MiB or more", f.buffer.String())
	}
	if f.wait < 0 {
		return usagef("-log-wait %s is no time to wait; write one from 0, like 100ms", f.wait)
	}
	return nil
}

// start opens the log, if there is one, and returns it; nil if not.
func (f *logFlags) start(logger *slog.Logger, version string) (*decisionlog.Log, error) {
	if f.path == "" && f.shadow == "" {
		return nil, nil
	}
	c := decisionlog.Config{Path: f.path, Allows: f.every, Buffer: int(f.buffer), Wait: f.wait, Version: version, Logger: logger}
	c.Full = map[string]decisionlog.Full{"drop": decisionlog.Drop, "block": decisionlog.Block, "deny": decisionlog.Deny}[f.full.value]
	for key := range strings.SplitSeq(f.mask, ",") {
		if key = strings.TrimSpace(key); key != "" {
			c.Mask = append(c.Mask, key)
		}
	}
	f.flags.VisitAll(func(v *flag.Flag) {
		if text := v.Value.String(); text != "" {
			c.Flags = append(c.Flags, decisionlog.Flag{Name: v.Name, Value: text})
		}
	})
	if f.shadow != "" {
		f.next = &candidate{dir: f.shadow}
		c.Shadow, c.ShadowSample = f.next, uint32(f.sample)
	}
	var err error
	if f.open, err = decisionlog.Open(c); err != nil {
		return nil, fmt.Errorf("-decision-log: %w", err)
	}
	return f.open, nil
}

// watch has the log opened anew at each SIGUSR1, until ctx is done. Without a log
// the signal does nothing, where it would end the process.
func (f *logFlags) watch(ctx context.Context) {
	usr1 := make(chan os.Signal, 1)
	signal.Notify(usr1, syscall.SIGUSR1)
	go func() {
		defer signal.Stop(usr1)
		for {
			select {
			case <-usr1:
				if f.open != nil {
					f.open.Reopen()
				}
			case <-ctx.Done():
				return
			}
		}
	}()
}

// observe logs that other policies are in force, or that other units are broken.
func (f *logFlags) observe(s *policy.Status) {
	if f.open == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var units strings.Builder
	for _, u := range s.Quarantined {
		units.WriteString(u.Unit + "\n")
	}
	if s.Generation == f.gen && units.String() == f.units {
		return
	}
	f.open.Reload(s, f.before)
	f.gen, f.units, f.before = s.Generation, units.String(), s.Digest
}

// stop writes what was decided to its end.
func (f *logFlags) stop(logger *slog.Logger) {
	if f.open == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), logLimit)
	defer cancel()
	if err := f.open.Close(ctx); err != nil {
		logger.Error("the decision log", "error", err.Error())
	}
}

// candidate decides by the policies of -shadow (specification 8.4).
type candidate struct {
	dir      string
	current  index.Current
	scratch  index.Scratch
	policies atomic.Pointer[loader.Loader]
}

// status tells how the candidate's policies are.
func (c *candidate) status() *policy.Status {
	if l := c.policies.Load(); l != nil {
		return l.Status()
	}
	return &policy.Status{}
}

// Decide decides a request; false while no policies are loaded.
func (c *candidate) Decide(r *policy.Request) (policy.Decision, policy.Digest, bool) {
	s := c.current.Load()
	if s == nil {
		return policy.Decision{}, policy.Digest{}, false
	}
	return s.Decide(r, &c.scratch), s.Digest(), true
}

// run loads the candidate's policies and follows their changes until ctx is done. What
// is wrong with them is logged, and hurts nothing else.
func (c *candidate) run(ctx context.Context, config loader.Config, logger *slog.Logger) {
	config.Current, config.StateDir, config.Observe, config.Progress = &c.current, "", nil, nil
	config.Logger = logger.With("candidate", config.Root)
	for ctx.Err() == nil {
		policies, err := loader.New(config)
		if err == nil {
			c.policies.Store(policies)
			if err = policies.Load(ctx); err == nil {
				err = policies.Run(ctx)
			}
		}
		if ctx.Err() != nil {
			return
		}
		config.Logger.Error("the candidate's policies cannot be read; trying again", "error", fmt.Sprint(err))
		select {
		case <-ctx.Done():
		case <-time.After(config.Rescan):
		}
	}
}

// logLimit bounds how long SIGTERM waits for the decision log.
const logLimit = 5 * time.Second
