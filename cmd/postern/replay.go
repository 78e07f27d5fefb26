package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"postern/index"
	"postern/internal/diagnostic"
	"postern/internal/policyjson"
	"postern/internal/replay"
	"postern/loader"
	"postern/policy"
)

const replayExamples = `  postern replay /var/log/postern.log -policies candidate
  postern replay /var/log/postern.log.1 /var/log/postern.log -policies candidate -since 24h
  zcat decisions.*.gz | postern replay - -policies candidate -fail-on lost
  postern replay postern.log -policies candidate -json | jq '.differences[] | {kind, id, request}'

Asks what a decision log recorded again, each line at its own time with its own organizations, and tells
what would be decided otherwise than it was. A line whose masked or cut parts could matter is undecidable.
-json prints {"asked", "same", "gained", "lost", "changed", "undecidable", ..., "differences"}.

Exit status: 0 nothing would be decided otherwise, 1 something would, 2 a log or the policies could not be read.
`

type replayOptions struct {
	policyFlags
	json, strict bool
	failOn       choice
	since        string
	max          int
}

func runReplay(args []string, env lookup, in io.Reader, out, errs io.Writer) int {
	fs := newFlags("replay", "replay LOG... -policies DIR [flags]", replayExamples)
	o := replayOptions{failOn: choice{"any", []string{"any", "gained", "lost"}}, max: 1000}
	o.define(fs)
	names, err := fs.parse(args, env, out)
	if isHelp(err) {
		return exitOK
	}
	if err == nil && len(names) == 0 {
		err = usagef("no log to replay; write postern replay LOG -policies DIR, with - for standard input")
	}
	if err == nil {
		err = o.check()
	}
	var since string
	if err == nil {
		since, err = o.from(time.Now())
	}
	if err != nil {
		return complain(errs, "replay", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	snapshot, uses, ok, err := o.read(ctx, errs)
	if err != nil {
		return complain(errs, "replay", err)
	}
	if !ok {
		fmt.Fprintln(errs, "postern replay: what is broken is not asked; postern validate shows more")
		return exitFailed
	}
	config := replay.Config{Snapshot: snapshot, DefaultOrganization: o.defaultOrg, Uses: uses, Since: since, Workers: runtime.GOMAXPROCS(0), Max: o.max}
	if isTerminal(errs) {
		p := newProgress(errs, time.Now)
		defer p.end()
		config.Progress = func(bytes, lines int64) { p.line("replaying: %d lines, %d MB", lines, bytes>>20) }
	}
	r := replay.New(config)
	for _, name := range names {
		if err := replayFile(ctx, r, name, in); err != nil {
			return complain(errs, "replay", err)
		}
	}
	result := r.Result()
	if result.Asked+result.Undecidable+result.Unasked+result.Others+result.Early == 0 && result.Cut > 0 {
		return complain(errs, "replay", fmt.Errorf("%s: %d lines, and none of a decision log", strings.Join(names, ", "), result.Cut))
	}
	if o.json {
		err = printReplayJSON(out, result)
	} else {
		err = printReplay(out, result)
	}
	if err != nil {
		return complain(errs, "replay", err)
	}
	if o.fails(result) {
		return exitDenied
	}
	return exitOK
}

func (o *replayOptions) define(fs *flags) {
	o.policyFlags.define(fs)
	fs.BoolVar(&o.json, "json", false, "print JSON: {asked, same, gained, lost, changed, undecidable, ..., differences}")
	fs.BoolVar(&o.strict, "strict", false, "exit 1 on undecidable lines too")
	fs.Var(&o.failOn, "fail-on", "exit 1 on `WHAT` changes only: any, gained or lost")
	fs.StringVar(&o.since, "since", "", "leave out what is older: `TIME` in RFC 3339, or how long ago, as 24h")
	fs.IntVar(&o.max, "max", o.max, "show `N` differences at most, 0 for all; the others are counted")
}

// check adds to that of the policies' flags.
func (o *replayOptions) check() error {
	if o.max < 0 {
		return usagef("-max %d: want a number from 0", o.max)
	}
	return o.policyFlags.check()
}

// from is the time of -since as the log writes it, "" if there is none.
func (o *replayOptions) from(now time.Time) (string, error) {
	if o.since == "" {
		return "", nil
	}
	at, err := time.Parse(time.RFC3339, o.since)
	if err != nil {
		ago, bad := time.ParseDuration(o.since)
		if bad != nil || ago < 0 {
			return "", usagef("-since %s: want RFC 3339, as 2026-01-01T00:00:00Z, or how long ago, as 24h", o.since)
		}
		at = now.Add(-ago)
	}
	return at.UTC().Format("2006-01-02T15:04:05.000000Z"), nil
}

// read loads the policies, with what their statements ask for; false if a file is
// broken, which has been told on errs.
func (o *replayOptions) read(ctx context.Context, errs io.Writer) (*index.Snapshot, *replay.Uses, bool, error) {
	uses, mu := new(replay.Uses), new(sync.Mutex)
	current := new(index.Current)
	config := o.config(current, slog.New(slog.DiscardHandler))
	config.PassHold = true
	config.Inspect = func(path, bucket string, _ []byte, f policyjson.File) []policy.Diagnostic {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case bucket != "" && f.Document != nil:
			uses.Document(bucket, f.Document)
		case f.Access != nil:
			org, _, _ := strings.Cut(path, "/")
			uses.Access(org, f.Access)
		}
		return nil
	}
	l, err := loader.New(config)
	if err == nil {
		err = l.Load(ctx)
	}
	if err != nil {
		return nil, nil, false, o.unread(err)
	}
	broken := l.Status().Quarantined
	for _, q := range broken {
		if err := diagnostic.Print(errs, inDirectory(o.policies, q.Diagnostics), nil, diagnostic.Options{}); err != nil {
			return nil, nil, false, err
		}
	}
	return current.Load(), uses, len(broken) == 0, nil
}

// replayFile asks the lines of one log, of the standard input for "-".
func replayFile(ctx context.Context, r *replay.Replay, name string, in io.Reader) error {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	if err := r.Read(untilDone{ctx, in}); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// untilDone is a reader that ends with an error when its context does.
type untilDone struct {
	ctx context.Context
	in  io.Reader
}

// Read reads on while the context is not done.
func (u untilDone) Read(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.in.Read(b)
}

// fails reports that the result is one that -fail-on and -strict ask for. An
// obligation that is longer or none lets more, and counts as gained.
func (o *replayOptions) fails(r *replay.Result) bool {
	if o.strict && r.Undecidable > 0 {
		return true
	}
	switch o.failOn.value {
	case "gained":
		return r.Gained > 0 || r.Longer > 0
	case "lost":
		return r.Lost > 0 || r.Changed > r.Longer
	}
	return r.Gained+r.Lost+r.Changed > 0
}

// printReplay prints a result for people.
func printReplay(w io.Writer, r *replay.Result) error {
	var b strings.Builder
	for i := range r.Differences {
		d := &r.Differences[i]
		was, err := readLogged(d.Line)
		if err != nil {
			return err
		}
		id := ""
		if was.ID != "" {
			id = ", id " + was.ID
		}
		if was.Item != nil {
			id += ", item " + strconv.Itoa(*was.Item)
		}
		fmt.Fprintf(&b, "%s: %s%s\n  asked   %s\n  was     %s\n  would be %s\n", d.Kind, was.Time, diagnostic.Visible(id), diagnostic.Visible(string(d.Request)), was.decided(), decided(&d.Is))
	}
	if n := r.Gained + r.Lost + r.Changed - int64(len(r.Differences)); n > 0 {
		fmt.Fprintf(&b, "... and %d more; -max 0 shows all\n", n)
	}
	for _, n := range inOrder(r.Reasons) {
		fmt.Fprintf(&b, "%8d was %s, would be %s\n", n.Count, diagnostic.Visible(n.Was), n.Is)
	}
	fmt.Fprintf(&b, "%d asked: %d same, %d gained, %d lost, %d changed; %d undecidable\n", r.Asked, r.Same, r.Gained, r.Lost, r.Changed, r.Undecidable)
	for _, c := range []struct {
		n    int64
		what string
	}{
		{r.Unasked, "that could not be read when they were asked"}, {r.Cut, "that are cut, or no line of a log"},
		{r.Early, "older than -since"}, {r.DroppedAllows + r.DroppedDenies, "that the log says were dropped"},
	} {
		if c.n > 0 {
			fmt.Fprintf(&b, "left out: %d %s\n", c.n, c.what)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// inOrder lists reasons, the most frequent first.
func inOrder(m map[replay.Reasons]int64) []reasonsJSON {
	out := []reasonsJSON{}
	for r, n := range m {
		out = append(out, reasonsJSON{r.Was, r.Is, n})
	}
	slices.SortFunc(out, func(a, b reasonsJSON) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Was, b.Was), strings.Compare(a.Is, b.Is))
	})
	return out
}
