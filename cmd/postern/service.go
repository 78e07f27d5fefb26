package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"postern/index"
	"postern/internal/explorer"
	"postern/loader"
	"postern/policy"
	"postern/sidecar"
)

// serve serves until ctx is done, and returns nil. An error says why it could not start
// or go on.
func serve(ctx context.Context, o *serveOptions, hangup <-chan os.Signal, env lookup, logger *slog.Logger, errs io.Writer) error {
	s := &service{o: o, env: env, logger: logger, errs: errs, current: new(index.Current), memory: newHeap()}
	defer s.memory.end()
	if isTerminal(errs) {
		s.progress = newProgress(errs, time.Now)
		defer s.progress.end()
		s.logger = slog.New(&wiping{logger.Handler(), s.progress})
	}
	s.manager = newNotifier(env, s.logger)
	if err := s.prepare(ctx); err != nil {
		return err
	}
	defer o.decisions.stop(s.logger)
	if err := s.open(ctx); err != nil {
		s.close()
		return err
	}
	return s.run(ctx, hangup)
}

// service is what serve consists of: the loader that puts policies in force, the door
// that asks them, and what watches the two.
type service struct {
	o        *serveOptions
	env      lookup
	logger   *slog.Logger
	errs     io.Writer
	progress *progress // nil beside a terminal

	current  *index.Current
	policies *loader.Loader
	door     *sidecar.Server
	unread   *unreadKeys // nil without doors of proxies and stores
	page     *explorer.Server
	manager  *notifier
	memory   *heap
	waiting  atomic.Bool // the first load found no policies

	asked, watched []net.Listener
	pages          net.Listener
	failed         chan error // why something cannot go on
}

// prepare makes all parts; nothing runs yet.
func (s *service) prepare(ctx context.Context) (err error) {
	o := s.o
	config := o.config(s.current, s.logger)
	if s.progress != nil {
		config.Progress = s.progress.step
	}
	config.Observe = s.observe
	if s.policies, err = loader.New(config); err != nil {
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
	log, err := o.decisions.start(s.logger, version)
	if err != nil {
		return err
	}
	o.decisions.watch(ctx)
	s.door, err = sidecar.New(sidecar.Config{
		Log:            log,
		Doors:          doors,
		Current:        s.current,
		Status:         s.policies.Status,
		MaxBody:        int(o.maxBody),
		MaxConnections: o.maxConnections,
		PublicURL:      o.publicURL,
		AllowHosts:     o.allowHosts,
		ExplainOff:     o.explain.value == "off",
		AllowEmpty:     o.allowEmpty,
		Logger:         s.logger,
		Version:        version,
	})
	if err != nil {
		o.decisions.stop(s.logger)
		return err
	}
	if o.on() {
		s.unread = newUnreadKeys(s.door, s.logger)
	}
	return nil
}

// observe is told of every look at the policies that changed something.
func (s *service) observe(st *policy.Status) {
	s.door.ObserveReload(st)
	s.o.decisions.observe(st)
	if s.page != nil {
		s.page.Observe(st)
	}
	if s.unread != nil {
		s.unread.change()
	}
	s.memory.reloaded(time.Now())
	if st.Held() && s.waiting.CompareAndSwap(true, false) {
		s.o.logReady(s.logger, st)
		s.manager.isReady()
	}
}

// open opens all addresses, those of a service manager first. After an error close
// closes what is open.
func (s *service) open(ctx context.Context) error {
	o := s.o
	given, err := inherit(ctx, s.env, o.allowRemote)
	if err != nil {
		return err
	}
	s.asked, s.watched = given.serve, given.watch
	if len(s.asked) == 0 {
		if s.asked, err = listen(ctx, o.listen, o.socket, o.allowRemote); err != nil {
			return err
		}
		if o.socketGroup != "" {
			if err := giveGroup(o.socket, o.socketGroup); err != nil {
				return err
			}
		}
	}
	if len(s.watched) == 0 && o.metricsListen != "" {
		l, err := listenTCP(ctx, "-metrics-listen", o.metricsListen)
		if err != nil {
			return err
		}
		s.watched = append(s.watched, l)
	}
	if o.explore == "" {
		return nil
	}
	if s.page, s.pages, err = o.openExplorer(ctx, s.current, s.policies.Status, s.door); err != nil {
		return err
	}
	return tellURL(exploreURL(s.pages, s.page), s.errs, s.logger)
}

// close closes all addresses.
func (s *service) close() {
	for _, l := range append(s.asked, s.watched...) {
		l.Close()
	}
	if s.pages != nil {
		s.pages.Close()
	}
}

// run serves until ctx is done or something fails, and then ends all. The door answers
// before the first load: /healthz says that the process serves, /readyz and decisions
// say 503 until there is a snapshot.
func (s *service) run(ctx context.Context, hangup <-chan os.Signal) error {
	s.failed = make(chan error, len(s.asked)+len(s.watched)+2)
	for _, l := range s.asked {
		s.logger.Info("serving", "address", l.Addr().String(), "policies", s.o.policies)
		go s.serveOn(l, s.door.Serve)
	}
	for _, l := range s.watched {
		s.logger.Info("serving metrics and probes", "address", l.Addr().String())
		go s.serveOn(l, s.door.Watch)
	}
	if s.page != nil {
		go s.serveOn(s.pages, func(l net.Listener) error { return serveExplorer(ctx, l, s.page) })
	}
	if s.o.secrets != nil {
		go s.o.secrets.watch(ctx, s.logger)
	}
	if s.unread != nil {
		go s.unread.watch(ctx, unreadEvery)
	}
	go s.manager.watchdog(ctx, s.env, answers(s.asked[0]))
	loading, stopLoading := context.WithCancel(ctx)
	trying, loaded := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(trying)
		s.shadow(loading)
	}()
	go func() {
		defer close(loaded)
		s.load(loading)
	}()

	why := s.wait(ctx, hangup)
	s.manager.stopping()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	if err := s.door.Shutdown(ending); err != nil && !errors.Is(err, net.ErrClosed) {
		s.logger.Warn("some connections were cut off", "error", err.Error())
	}
	stopLoading()
	<-loaded
	<-trying
	if why == nil {
		s.logger.Info("stopped")
	}
	return why
}

// serveOn serves on a listener until it is closed.
func (s *service) serveOn(l net.Listener, serve func(net.Listener) error) {
	if err := serve(l); err != nil {
		s.failed <- fmt.Errorf("serving on %s: %w", l.Addr(), err)
	}
}

// shadow keeps the candidate of -shadow loaded until ctx is done.
func (s *service) shadow(ctx context.Context) {
	if s.o.decisions.next == nil {
		return
	}
	config := s.o.config(nil, s.logger)
	config.Root = s.o.decisions.shadow
	s.o.decisions.next.run(ctx, config, s.logger)
}

// load loads the policies, and keeps them loaded until ctx is done.
func (s *service) load(ctx context.Context) {
	err := s.policies.Load(ctx)
	if err == nil {
		if ready := s.o.logReady(s.logger, s.policies.Status()); ready {
			s.manager.isReady()
		} else {
			s.waiting.Store(true)
		}
		if idle := s.o.idleDefault(s.policies.Status()); idle != "" {
			s.logger.Warn(idle)
		}
		s.memory.settle()
		err = s.policies.Run(ctx)
	}
	if err != nil && ctx.Err() == nil {
		s.failed <- s.o.unread(err)
	}
}

// wait waits for the end: nil if it was asked for, else why.
func (s *service) wait(ctx context.Context, hangup <-chan os.Signal) error {
	for {
		select {
		case <-hangup:
			s.logger.Info("SIGHUP: reading the policies again")
			s.policies.Rescan()
		case why := <-s.failed:
			return why
		case <-ctx.Done():
			s.logger.Info("stopping: answering what is in flight")
			return nil
		}
	}
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
