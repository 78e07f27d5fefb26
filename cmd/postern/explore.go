package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"postern/index"
	"postern/internal/compare"
	"postern/internal/explorer"
	"postern/loader"
	"postern/policy"
	"postern/sidecar"
)

const exploreExamples = `  postern explore -policies /etc/postern
  postern explore -policies /etc/postern -explore-compare branch=policies -open

Prints the URL of a page on this machine's loopback that shows what is decided and why, who may do what,
the files, and with -explore-compare which decisions another directory changes. Whoever has the URL may
read the policies. It serves no decisions, changes nothing, follows changes of the files, and ends with ^C.
serve -explore ADDRESS shows the same page of a running sidecar.
`

// exploreFlags are the flags of the explorer that serve has too.
type exploreFlags struct{ compare, tests list }

func (o *exploreFlags) define(fs *flags) {
	fs.Var(&o.compare, "explore-compare", "let the explorer ask the policy directory `NAME=DIR` too, and compare with it; may be repeated")
	fs.Var(&o.tests, "explore-tests", "tell in the explorer which statements the tests of `DIR|FILE` determine by, beside those of POLICIES/.tests; may be repeated")
}

type exploreOptions struct {
	policyFlags
	exploreFlags
	listen string
	open   bool
}

func runExplore(args []string, env lookup, _ io.Reader, out, errs io.Writer) int {
	fs := newFlags("explore", "explore -policies DIR [flags]", exploreExamples)
	var o exploreOptions
	o.policyFlags.define(fs)
	o.exploreFlags.define(fs)
	fs.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback `ADDRESS` of the page")
	fs.BoolVar(&o.open, "open", false, "open the page in a browser")
	rest, err := fs.parse(args, env, out)
	if isHelp(err) {
		return exitOK
	}
	if err == nil && len(rest) > 0 {
		err = usagef("takes no arguments, but got %q; did you mean -policies %s?", rest[0], rest[0])
	}
	if err == nil {
		err = o.check()
	}
	if err != nil {
		return complain(errs, "explore", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := explore(ctx, &o, out, errs); err != nil {
		return complain(errs, "explore", err)
	}
	return exitOK
}

// explore serves the page until ctx is done.
func explore(ctx context.Context, o *exploreOptions, out, errs io.Writer) error {
	current := new(index.Current)
	config := o.config(current, slog.New(slog.DiscardHandler))
	config.PassHold = true
	var server *explorer.Server // before anything is loaded
	config.Observe = func(st *policy.Status) { server.Observe(st) }
	l, err := loader.New(config)
	if err != nil {
		return err
	}
	page, err := newExplorer(&o.policyFlags, &o.exploreFlags, "", nil, current, l.Status)
	if err != nil {
		return err
	}
	listener, err := listenExplorer(ctx, "-listen", o.listen)
	if err != nil {
		return err
	}
	server = explorer.New(*page)
	if err := l.Load(ctx); err != nil {
		listener.Close()
		return o.unread(err)
	}
	url := exploreURL(listener, server)
	if err := tellURL(url, out, slog.New(slog.NewTextHandler(errs, nil))); err != nil {
		listener.Close()
		return err
	}
	if o.open {
		if err := openBrowser(url); err != nil {
			fmt.Fprintf(errs, "postern explore: no browser could be opened (%v); open the URL yourself\n", err)
		}
	}
	watching := make(chan error, 1)
	go func() { watching <- l.Run(ctx) }()
	err = serveExplorer(ctx, listener, server)
	if watched := <-watching; err == nil && ctx.Err() == nil && watched != nil {
		err = o.unread(watched)
	}
	return err
}

// newExplorer returns what the explorer of a policy directory shows, with the decision
// log in a file, "" if there is none, and the candidate of -shadow, nil without one.
func newExplorer(p *policyFlags, o *exploreFlags, log string, shadow *candidate, current *index.Current, status func() *policy.Status) (*explorer.Config, error) {
	if _, err := fs.Stat(rootFS(p.policies), "."); err != nil {
		return nil, p.unread(err)
	}
	source := &useSource{policies: p.policies, tests: o.tests, log: log}
	sides := []*exploreSide{{name: "in force", flags: *p}}
	config := &explorer.Config{
		InForce: explorer.Side{Name: "in force", Status: status, Files: rootFS(p.policies),
			Snapshot: func(context.Context) (*index.Snapshot, error) { return current.Load(), nil }},
		Answer:     func(e *policy.Explanation) any { return newAnswer(e, true) },
		Evaluation: func(r *policy.Request) any { return newEvaluation(r) },
		Uses:       source.count,
		Revision:   func() *explorer.Revision { return revisionOf(p.policies) },
		Version:    buildOf(debug.ReadBuildInfo()).version,
	}
	for _, given := range o.compare {
		name, dir, ok := strings.Cut(given, "=")
		if !ok || name == "" || dir == "" {
			return nil, usagef("-explore-compare %q: write NAME=DIR, like branch=../policies", given)
		}
		if _, err := fs.Stat(rootFS(dir), "."); err != nil {
			return nil, fmt.Errorf("-explore-compare %s: %w", given, err)
		}
		if slices.ContainsFunc(sides, func(s *exploreSide) bool { return s.name == name }) || shadow != nil && name == "shadow" {
			return nil, usagef("-explore-compare %q: the explorer has another directory of that name; choose a name of its own", given)
		}
		side := &exploreSide{name: name, flags: *p}
		side.flags.policies = dir
		sides = append(sides, side)
		config.Others = append(config.Others, explorer.Side{Name: name, Files: rootFS(dir), Snapshot: side.snapshot, Status: side.status})
	}
	if shadow != nil {
		side := &exploreSide{name: "shadow", flags: *p}
		side.flags.policies = shadow.dir
		sides = append(sides, side)
		config.Others = append(config.Others, explorer.Side{Name: "shadow", Files: rootFS(shadow.dir), Status: shadow.status,
			Snapshot: func(context.Context) (*index.Snapshot, error) { return shadow.current.Load(), nil }})
	}
	config.Compare = func(ctx context.Context, old, new int) (any, error) {
		a, err := sides[old].read(ctx)
		if err != nil {
			return nil, err
		}
		b, err := sides[new].read(ctx)
		if err != nil {
			return nil, err
		}
		return newDiffJSON(compare.Compare(*a, *b, time.Now().Unix())), nil
	}
	return config, nil
}

// openExplorer makes the explorer of a running sidecar, and opens its address.
func (o *serveOptions) openExplorer(ctx context.Context, current *index.Current, status func() *policy.Status, door *sidecar.Server) (*explorer.Server, net.Listener, error) {
	path := o.decisions.path
	if path == "-" || strings.HasPrefix(path, "unix:") {
		path = ""
	}
	config, err := newExplorer(&o.policyFlags, &o.exploreFlags, path, o.decisions.next, current, status)
	if err != nil {
		return nil, nil, err
	}
	config.Metrics = door.WriteMetrics
	if path != "" {
		config.Denials = func() []json.RawMessage { return lastDenials(path) }
	}
	o.decisions.flags.VisitAll(func(f *flag.Flag) {
		if text := f.Value.String(); text != "" && text != "false" {
			config.Flags = append(config.Flags, "-"+f.Name+" "+text)
		}
	})
	listener, err := listenExplorer(ctx, "-explore", o.explore)
	if err != nil {
		return nil, nil, err
	}
	return explorer.New(*config), listener, nil
}

// exploreSide is a directory that is read when somebody asks, and again when it is
// compared.
type exploreSide struct {
	name  string
	flags policyFlags
	mutex sync.Mutex
	last  *index.Snapshot
	state *policy.Status
}

// read reads the directory.
func (s *exploreSide) read(ctx context.Context) (*compare.Side, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.readLocked(ctx)
}

func (s *exploreSide) readLocked(ctx context.Context) (*compare.Side, error) {
	var told strings.Builder
	side, status, err := readSide(ctx, &s.flags, &policyTexts{}, &told)
	if err == nil && len(status.Quarantined) > 0 {
		err = fmt.Errorf("%s has broken files, and what is broken is not compared: %s", s.name, told.String())
	}
	if err != nil {
		return nil, err
	}
	s.last, s.state = side.Snapshot, status
	return &side, nil
}

// snapshot returns what was read last, and reads at first.
func (s *exploreSide) snapshot(ctx context.Context) (*index.Snapshot, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.last == nil {
		if _, err := s.readLocked(ctx); err != nil {
			return nil, err
		}
	}
	return s.last, nil
}

func (s *exploreSide) status() *policy.Status {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.state == nil {
		return &policy.Status{}
	}
	return s.state
}

// listenExplorer opens the address of the explorer, which only this machine reaches.
func listenExplorer(ctx context.Context, flag, address string) (net.Listener, error) {
	if err := checkAddress(ctx, address, false); err != nil {
		return nil, usagef("%s %s: the explorer listens on loopback alone; write 127.0.0.1:PORT", flag, address)
	}
	return listenTCP(ctx, flag, address)
}

// exploreURL is what opens the page. Its fragment, which browsers send nowhere, has the
// token.
func exploreURL(l net.Listener, s *explorer.Server) string {
	return "http://" + l.Addr().String() + "/#token=" + s.Token()
}

// serveExplorer serves the page until ctx is done.
func serveExplorer(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	stopped := context.AfterFunc(ctx, func() { server.Close() })
	defer stopped()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the explorer: %w", err)
	}
	return nil
}

// openBrowser opens a URL in the browser of whoever sits here.
func openBrowser(url string) error {
	name := "xdg-open"
	if runtime.GOOS == "darwin" {
		name = "open"
	}
	return exec.Command(name, url).Start()
}

// tellURL tells whoever may see it where the page is: on a terminal, else in a file
// that only this user can read, since a log is read by many.
func tellURL(url string, terminal io.Writer, logger *slog.Logger) error {
	if isTerminal(terminal) {
		fmt.Fprintf(terminal, "explorer: %s\n", url)
		return nil
	}
	f, err := os.CreateTemp("", "postern-explore-*.url") // mode 0600
	if err != nil {
		return fmt.Errorf("the URL has a secret that belongs in no log, and a file for it cannot be made: %w", err)
	}
	if _, err := fmt.Fprintln(f, url); err != nil {
		f.Close()
		return err
	}
	logger.Info("the explorer's URL, which has its token, is in a file that only this user can read", "file", f.Name())
	return f.Close()
}
