package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"postern/index"
	"postern/internal/explorer"
	"postern/loader"
	"postern/policy"
	"postern/sidecar"
)

// shutdownLimit bounds how long SIGTERM waits for answers in flight.
const shutdownLimit = 10 * time.Second

const serveExamples = `  postern serve -policies /etc/postern
  postern serve -policies /etc/postern -listen none -socket /run/postern/postern.sock
  postern serve -policies /etc/postern -default-org acme -state /var/lib/postern
  POSTERN_POLICIES=/etc/postern POSTERN_LISTEN=127.0.0.1:9000 postern serve

Ask it:
  curl -s 127.0.0.1:8180/access/v1/evaluation -H 'Content-Type: application/json' -d '{
    "subject": {"type": "role", "id": "Admin", "properties": {"org": "acme"}},
    "action": {"name": "s3:GetObject"},
    "resource": {"type": "object", "id": "my-bucket/key"}}'

SIGHUP reads the policies again at once; SIGTERM answers what is in flight and ends.
`

// policyFlags are the flags that say how policies are read, the same for
// every command that reads a policy directory.
type policyFlags struct {
	policies, defaultOrg string
	platformOrgs         organizations
	maxFile              size
}

func (p *policyFlags) define(fs *flags) {
	p.maxFile = 16 << 20
	fs.StringVar(&p.policies, "policies", "", "the policy directory `DIR`; required")
	fs.organization(&p.defaultOrg, "default-org", "`ORG`: the organization of callers and buckets that state none, while no other has a folder")
	fs.Var(&p.platformOrgs, "platform-org", "`ORG` of the platform's own services: without a folder, its callers need only what a bucket's policy allows them; may be repeated")
	fs.Var(&p.maxFile, "max-file", "largest policy file, in `BYTES`")
}

func (p *policyFlags) check() error {
	if p.policies == "" {
		return usagef("-policies is missing; write -policies DIR, or set POSTERN_POLICIES")
	}
	return nil
}

// unread returns the error of a policy directory that could not be read.
func (p *policyFlags) unread(err error) error { return fmt.Errorf("-policies %s: %w", p.policies, err) }

// idleDefault returns the warning that -default-org has no effect, or none yet, and what
// that means for requests that state no organization; "" if it has, or is not given.
func (p *policyFlags) idleDefault(s *policy.Status) string {
	var there bool
	for _, o := range s.Organizations {
		there = there || o.Name == p.defaultOrg
	}
	switch n := len(s.Organizations); {
	case p.defaultOrg == "" || there && n == 1:
		return ""
	case n == 0:
		return fmt.Sprintf("-default-org %s: no organization has a folder, so requests that state no organization are denied for want of a policy", p.defaultOrg)
	case there:
		return fmt.Sprintf("-default-org %s is not in force while other organizations have folders: requests that state no organization are denied as anonymous", p.defaultOrg)
	}
	return fmt.Sprintf("-default-org %s: no organization of that name has a folder, and others have: requests that state no organization are denied as anonymous", p.defaultOrg)
}

func (p *policyFlags) config(current *index.Current, logger *slog.Logger) loader.Config {
	return loader.Config{
		Root:                  p.policies,
		DefaultOrganization:   p.defaultOrg,
		PlatformOrganizations: p.platformOrgs.list,
		MaxFile:               int64(p.maxFile),
		Current:               current,
		Logger:                logger,
	}
}

type serveOptions struct {
	policyFlags
	listen, socket, state, publicURL string
	socketGroup                      string
	metricsListen                    string
	allowHosts                       list
	explain                          choice
	allowRemote, allowEmpty          bool
	stateSync                        bool
	rescan, reread                   time.Duration
	maxBody                          size
	maxConnections                   int
	doorFlags
	decisions logFlags
	explore   string
	exploreFlags
}

func (o *serveOptions) define(fs *flags) {
	o.policyFlags.define(fs)
	o.explain = choice{"on", []string{"on", "off"}}
	o.maxBody = 1 << 20
	fs.StringVar(&o.listen, "listen", "127.0.0.1:8180", "TCP `ADDRESS` to serve on, or "+noListen)
	fs.StringVar(&o.socket, "socket", "", "`PATH` of a Unix socket to serve on too, mode 0660")
	fs.StringVar(&o.socketGroup, "socket-group", "", "`NAME` of the group that the Unix socket is given to; its members may connect")
	fs.StringVar(&o.metricsListen, "metrics-listen", "", "TCP `ADDRESS` that has /metrics, /healthz and /readyz and nothing else; other machines may reach it")
	fs.BoolVar(&o.allowEmpty, "allow-empty", false, "be ready (/readyz) although the policy directory holds no policy file")
	fs.StringVar(&o.state, "state", "", "`DIR` where last good policies survive a restart")
	fs.BoolVar(&o.stateSync, "state-sync", false, "wait for the disk before a change is in force, so that -state is not behind after a loss of power")
	fs.StringVar(&o.publicURL, "public-url", "", "`URL` under which clients reach the server, for its metadata")
	fs.Var(&o.allowHosts, "allow-host", "accept this `NAME` in Host too, for a proxy's upstream; may be repeated")
	fs.Var(&o.explain, "explain", "`on|off`: whether X-Postern-Explain is answered")
	fs.BoolVar(&o.allowRemote, "allow-remote", false, "allow a -listen that other machines can reach")
	fs.DurationVar(&o.rescan, "rescan", time.Minute, "`INTERVAL` at which the whole directory is looked at, in case an event was missed")
	fs.DurationVar(&o.reread, "reread", time.Hour, "`INTERVAL` in which every file is read once, in case its content changed and its time did not")
	fs.Var(&o.maxBody, "max-body", "largest request body, in `BYTES`")
	o.doorFlags.define(fs)
	o.decisions.define(fs)
	fs.StringVar(&o.explore, "explore", "", "loopback `ADDRESS` of a page that shows what is decided and why; whoever has its URL may read the policies")
	o.exploreFlags.define(fs)
	fs.IntVar(&o.maxConnections, "max-connections", 4096, "`N`: most connections at once that may ask; further ones get 429, but for probes")
}

func (o *serveOptions) check() error {
	if err := o.policyFlags.check(); err != nil {
		return err
	}
	if o.rescan <= 0 {
		return usagef("-rescan %s is no interval; write one above 0, like 60s", o.rescan)
	}
	if o.reread <= 0 {
		return usagef("-reread %s is no interval; write one above 0, like 1h", o.reread)
	}
	switch {
	case o.explore != "" && o.explain.value == "off":
		return usagef("-explore shows what -explain off keeps back; leave one of the two out")
	case o.explore == "" && len(o.compare) > 0:
		return usagef("-explore-compare is for the explorer; write -explore 127.0.0.1:PORT too")
	}
	if o.maxConnections < 1 {
		return usagef("-max-connections %d admits nobody; write a number above 0", o.maxConnections)
	}
	if err := o.decisions.check(); err != nil {
		return err
	}
	if o.socketGroup != "" && o.socket == "" {
		return usagef("-socket-group %s needs -socket PATH", o.socketGroup)
	}
	if o.listen == "" {
		return usagef("-listen is empty; write an address like 127.0.0.1:8180, or %s to serve the socket only", noListen)
	}
	if _, port, err := net.SplitHostPort(o.metricsListen); o.metricsListen != "" && (err != nil || port == "") {
		return usagef("-metrics-listen %q is no address; write HOST:PORT or :PORT, like 127.0.0.1:9180 or :9180", o.metricsListen)
	}
	return nil
}

func (o *serveOptions) config(current *index.Current, logger *slog.Logger) loader.Config {
	c := o.policyFlags.config(current, logger)
	c.StateDir, c.StateSync = o.state, o.stateSync
	c.Rescan, c.Reread = o.rescan, o.reread
	return c
}

func runServe(args []string, env lookup, _ io.Reader, out, errs io.Writer) int {
	fs := newFlags("serve", "serve -policies DIR [flags]", serveExamples)
	var o serveOptions
	o.define(fs)
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
		return complain(errs, "serve", err)
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	if err := serve(ctx, &o, hangup, env, newLogger(errs), errs); err != nil {
		return complain(errs, "serve", err)
	}
	return exitOK
}

// serve serves until ctx is done, and returns nil. An error says why it could not start
// or go on.
func serve(ctx context.Context, o *serveOptions, hangup <-chan os.Signal, env lookup, logger *slog.Logger, errs io.Writer) error {
	memory := newHeap()
	defer memory.end()
	current := new(index.Current)
	config := o.config(current, logger)
	if isTerminal(errs) {
		p := newProgress(errs, time.Now)
		defer p.end()
		config.Progress = p.step
		config.Logger = slog.New(&wiping{logger.Handler(), p})
		logger = config.Logger
	}
	manager := newNotifier(env, logger)
	var door *sidecar.Server // set before the loader runs
	var unread *unreadKeys   // likewise; nil without doors of proxies and stores
	var waiting atomic.Bool  // the first load found no policies
	config.Observe = func(s *policy.Status) {
		door.ObserveReload(s)
		o.decisions.observe(s)
		if unread != nil {
			unread.change()
		}
		memory.reloaded(time.Now())
		if s.Held() && waiting.CompareAndSwap(true, false) {
			o.logReady(logger, s)
			manager.isReady()
		}
	}
	policies, err := loader.New(config)
	if err != nil {
		return err
	}
	if err := o.doorFlags.check(ctx, o.listen, o.allowRemote); err != nil {
		return err
	}
	doors, err := o.doors()
	if err != nil {
		return err
	}
	version := buildOf(debug.ReadBuildInfo()).version
	log, err := o.decisions.start(logger, version)
	if err != nil {
		return err
	}
	defer o.decisions.stop(logger)
	o.decisions.watch(ctx)
	door, err = sidecar.New(sidecar.Config{
		Log:            log,
		Doors:          doors,
		Current:        current,
		Status:         policies.Status,
		MaxBody:        int(o.maxBody),
		MaxConnections: o.maxConnections,
		PublicURL:      o.publicURL,
		AllowHosts:     o.allowHosts,
		ExplainOff:     o.explain.value == "off",
		AllowEmpty:     o.allowEmpty,
		Logger:         logger,
		Version:        version,
	})
	if err != nil {
		return err
	}
	if o.on() {
		unread = newUnreadKeys(door, logger)
	}
	given, err := inherit(ctx, env, o.allowRemote)
	if err != nil {
		return err
	}
	listeners, watch := given.serve, given.watch
	if len(listeners) == 0 {
		if listeners, err = listen(ctx, o.listen, o.socket, o.allowRemote); err == nil && o.socketGroup != "" {
			if err = giveGroup(o.socket, o.socketGroup); err != nil {
				given.serve = listeners
			}
		}
		if err != nil {
			given.close()
			return err
		}
	}
	if len(watch) == 0 && o.metricsListen != "" {
		l, err := listenTCP(ctx, "-metrics-listen", o.metricsListen)
		if err != nil {
			for _, open := range listeners {
				open.Close()
			}
			return err
		}
		watch = append(watch, l)
	}

	var page *explorer.Server
	var pages net.Listener
	if o.explore != "" {
		if page, pages, err = o.openExplorer(ctx, current, policies.Status, door); err == nil {
			err = tellURL(exploreURL(pages, page), errs, logger)
		}
		if err != nil {
			for _, open := range append(listeners, watch...) {
				open.Close()
			}
			return err
		}
	}

	// The door opens before the first load: /healthz answers, and /readyz and
	// decisions say 503 until there is a snapshot.
	failed := make(chan error, len(listeners)+len(watch)+2)
	serveOn := func(l net.Listener, serve func(net.Listener) error) {
		if err := serve(l); err != nil {
			failed <- fmt.Errorf("serving on %s: %w", l.Addr(), err)
		}
	}
	for _, l := range listeners {
		logger.Info("serving", "address", l.Addr().String(), "policies", o.policies)
		go serveOn(l, door.Serve)
	}
	for _, l := range watch {
		logger.Info("serving metrics and probes", "address", l.Addr().String())
		go serveOn(l, door.Watch)
	}
	if page != nil {
		go serveOn(pages, func(l net.Listener) error { return serveExplorer(ctx, l, page) })
	}
	if o.secrets != nil {
		go o.secrets.watch(ctx, logger)
	}
	if unread != nil {
		go unread.watch(ctx, unreadEvery)
	}
	go manager.watchdog(ctx, env, answers(listeners[0]))
	loading, stopLoading := context.WithCancel(ctx)
	trying := make(chan struct{})
	go func() {
		defer close(trying)
		if o.decisions.next != nil {
			config := o.config(nil, logger)
			config.Root = o.decisions.shadow
			o.decisions.next.run(loading, config, logger)
		}
	}()
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		err := policies.Load(loading)
		if err == nil {
			if ready := o.logReady(logger, policies.Status()); ready {
				manager.isReady()
			} else {
				waiting.Store(true)
			}
			if idle := o.idleDefault(policies.Status()); idle != "" {
				logger.Warn(idle)
			}
			memory.settle()
			err = policies.Run(loading)
		}
		if err != nil && loading.Err() == nil {
			failed <- o.unread(err)
		}
	}()

	var why error
wait:
	for {
		select {
		case <-hangup:
			logger.Info("SIGHUP: reading the policies again")
			policies.Rescan()
		case why = <-failed:
			break wait
		case <-ctx.Done():
			logger.Info("stopping: answering what is in flight")
			break wait
		}
	}
	manager.stopping()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	if err := door.Shutdown(ending); err != nil && !errors.Is(err, net.ErrClosed) {
		logger.Warn("some connections were cut off", "error", err.Error())
	}
	stopLoading()
	<-loaded
	<-trying
	if why == nil {
		logger.Info("stopped")
	}
	return why
}

// logReady logs what the first load brought and returns true. If it brought no policies
// and -allow-empty is not given, logReady logs that and returns false.
func (o *serveOptions) logReady(logger *slog.Logger, s *policy.Status) bool {
	if !s.Held() && !o.allowEmpty {
		logger.Warn("not ready: the policy directory holds no policy file, so that everything is denied; put one there, or start with -allow-empty if that is meant",
			"policies", o.policies, "took", s.Duration.String())
		return false
	}
	statements := 0
	for _, n := range s.Statements {
		statements += n
	}
	logger.Info("ready", "generation", s.Generation, "organizations", len(s.Organizations), "buckets", s.Buckets,
		"statements", statements, "files", s.Files, "quarantined", len(s.Quarantined), "warnings", s.WarningCount, "took", s.Duration.String())
	return true
}

// wiping is a slog.Handler that removes the progress line before it writes a record.
type wiping struct {
	slog.Handler
	p *progress
}

func (w *wiping) Handle(ctx context.Context, r slog.Record) error {
	w.p.end()
	return w.Handler.Handle(ctx, r)
}

func (w *wiping) WithAttrs(as []slog.Attr) slog.Handler {
	return &wiping{w.Handler.WithAttrs(as), w.p}
}
func (w *wiping) WithGroup(name string) slog.Handler { return &wiping{w.Handler.WithGroup(name), w.p} }
