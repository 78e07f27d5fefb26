package loader

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"postern/loader/internal/tree"
)

// notifier is what the loader needs of fsnotify.
type notifier interface {
	Add(path string) error
	Remove(path string) error
	Close() error
}

// pending gathers events until the next look. It is safe from many goroutines.
type pending struct {
	mu          sync.Mutex
	paths       map[string]struct{}
	gone        map[string]struct{} // paths of which a watch may be lost
	all         bool
	confirm     bool
	urgent      bool
	first, last time.Time
	poke        chan struct{} // holds one token if there is something new
}

// maxPaths bounds the paths kept; beyond them everything is looked at.
const maxPaths = 1 << 16

func newPending() *pending {
	return &pending{paths: map[string]struct{}{}, gone: map[string]struct{}{}, poke: make(chan struct{}, 1)}
}

func (p *pending) note(do func()) {
	p.mu.Lock()
	now := time.Now()
	if p.first.IsZero() {
		p.first = now
	}
	p.last = now
	do()
	p.mu.Unlock()
	select {
	case p.poke <- struct{}{}:
	default:
	}
}

func (p *pending) event(ev fsnotify.Event) {
	p.note(func() {
		p.urgent = p.urgent || filepath.Base(ev.Name) == holdName
		if ev.Has(fsnotify.Remove) || ev.Has(fsnotify.Rename) {
			p.gone[ev.Name] = struct{}{}
		}
		if p.paths[ev.Name] = struct{}{}; len(p.paths) > maxPaths {
			clear(p.paths)
			p.all = true
		}
	})
}

// everything asks for a look at everything, at once.
func (p *pending) everything() { p.note(func() { p.all, p.urgent = true, true }) }

func (p *pending) rescan() { p.note(func() { p.all, p.urgent, p.confirm = true, true, true }) }

func (p *pending) takeConfirm() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.confirm
	p.confirm = false
	return c
}

// keepConfirm leaves a confirmation to the next look.
func (p *pending) keepConfirm(confirm bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.confirm = p.confirm || confirm
}

// wait is how long to wait until the burst is over; negative: there is none.
func (p *pending) wait(quiet, most time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.first.IsZero():
		return -1
	case p.urgent:
		return 0
	}
	return max(0, min(time.Until(p.last.Add(quiet)), time.Until(p.first.Add(most))))
}

// take empties p.
func (p *pending) take() *pending {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &pending{paths: p.paths, gone: p.gone, all: p.all, confirm: p.confirm}
	p.paths, p.gone = map[string]struct{}{}, map[string]struct{}{}
	p.all, p.confirm, p.urgent = false, false, false
	p.first, p.last = time.Time{}, time.Time{}
	return t
}

// watcher keeps the watches on folders. Watches are by real path; a folder has
// one watch however many names lead to it. Safe from many goroutines.
type watcher struct {
	n         notifier
	mu        sync.Mutex
	watched   map[string]tree.Stamp
	byInode   map[[2]uint64]string
	exhausted bool
	report    func(error) // called once for each kind of trouble
}

func newWatcher(n notifier, report func(error)) *watcher {
	return &watcher{n: n, watched: map[string]tree.Stamp{}, byInode: map[[2]uint64]string{}, report: report}
}

// add watches the folder dir, which was found as s. again adds it even if it is
// watched already, in case the watch was lost.
func (w *watcher) add(dir string, s tree.Stamp, again bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old, ok := w.watched[dir]
	if ok && old.SameFile(s) && !again {
		return
	}
	if ok && !old.SameFile(s) {
		w.forget(dir)
	}
	id := [2]uint64{s.Device, s.Inode}
	if other, ok := w.byInode[id]; ok && other != dir && s.Inode != 0 {
		w.forget(other) // it was moved here; the watch would keep its old path
	}
	if err := w.n.Add(dir); err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return // the look finds out
		}
		if !w.exhausted {
			w.exhausted = true
			w.report(err)
		}
		return
	}
	w.watched[dir] = s
	w.byInode[id] = dir
}

// forget removes a watch. The caller holds mu.
func (w *watcher) forget(dir string) {
	s, ok := w.watched[dir]
	if !ok {
		return
	}
	delete(w.watched, dir)
	if id := [2]uint64{s.Device, s.Inode}; w.byInode[id] == dir {
		delete(w.byInode, id)
	}
	w.n.Remove(dir) // fails if it is gone already
}

// keep drops watches on folders that are not wanted any more.
func (w *watcher) keep(wanted map[string]struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for dir := range w.watched {
		if _, ok := wanted[dir]; !ok {
			w.forget(dir)
		}
	}
}

func (w *watcher) lost(dir string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forget(dir)
}

// watch watches a folder that is about to be listed.
func (l *Loader) watch(dir string, s tree.Stamp, again bool) {
	if l.watcher != nil {
		l.watcher.add(dir, s, again)
	}
}

// watchLinks watches the folders that the links on a way lie in. Outside of the
// policy directory only the way to it is watched.
func (s *scan) watchLinks(through []string) {
	if len(through) > 0 {
		s.l.watchLinks(through, s.real)
	}
}

func (l *Loader) watchLinks(through []string, within string) {
	if l.watcher == nil {
		return
	}
	for _, path := range through {
		if _, inside := tree.Below(within, path); within != "" && !inside {
			continue
		}
		dir := filepath.Dir(path)
		if at, _, err := tree.Find(dir); err == nil && at.Real == dir {
			l.watcher.add(dir, at.Stamp, false)
		}
	}
}

// Run watches until ctx is done, and returns nil then. Load must have been
// called, though it need not have succeeded.
func (l *Loader) Run(ctx context.Context) error {
	fw, err := fsnotify.NewBufferedWatcher(64)
	if err != nil {
		l.log.Warn("no watching: the policy directory is looked at from time to time only", "error", err.Error(), "every", l.c.Rescan)
		return l.run(ctx, nil, nil, nil)
	}
	return l.run(ctx, fw, fw.Events, fw.Errors)
}

// run is Run over any notifier; it closes it.
func (l *Loader) run(ctx context.Context, n notifier, events <-chan fsnotify.Event, errs <-chan error) error {
	if n != nil {
		l.mu.Lock()
		l.watcher = newWatcher(n, func(err error) {
			l.log.Warn("a folder cannot be watched: changes in it are found by the rescan", "error", tree.Reason(err), "every", l.c.Rescan)
		})
		l.mu.Unlock()
		var wg sync.WaitGroup
		wg.Go(func() { l.collect(ctx, events, errs) })
		defer func() {
			n.Close()
			wg.Wait()
			l.mu.Lock()
			l.watcher = nil
			l.mu.Unlock()
		}()
	}
	l.pending.everything() // what changed since Load, before there were watches
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := time.Now().Add(l.c.Rescan)
	l.startRereads()
	for {
		wait := l.pending.wait(l.c.Quiet, l.c.MaxWait)
		idle := wait < 0
		if now := time.Until(due); idle || now < wait {
			wait = max(0, now)
		}
		again, departing := l.waiting()
		if departing && (idle || time.Until(again) < wait) {
			wait = max(0, time.Until(again))
		}
		held := l.isHeld()
		if held && wait > haltPoll {
			wait = haltPoll
		}
		if idle && l.backlog() {
			wait = 0
		}
		if idle {
			wait = min(wait, max(0, time.Until(l.rereadDue())))
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-l.pending.poke:
			continue
		case <-timer.C:
		}
		if !time.Now().Before(due) {
			l.pending.note(func() { l.pending.all = true })
		} else if idle && !held && (!departing || time.Now().Before(again)) {
			l.drain(ctx)
			l.readAgain(ctx)
			continue
		}
		t := l.pending.take()
		all := l.lookAt(ctx, t)
		l.readAgain(ctx) // events that never end do not keep it from its pace
		if l.troubled() {
			due = time.Now().Add(min(l.c.Rescan, time.Second))
		} else if all {
			due = time.Now().Add(l.c.Rescan)
		}
	}
}

// collect notes events while looks are under way, so that the queue of the
// system does not overflow for that.
func (l *Loader) collect(ctx context.Context, events <-chan fsnotify.Event, errs <-chan error) {
	for events != nil || errs != nil {
		select {
		case ev, ok := <-events:
			if !ok {
				events = nil
			} else if ev.Name != "" {
				l.pending.event(ev)
			}
		case err, ok := <-errs:
			if !ok {
				errs = nil
			} else if err != nil && ctx.Err() == nil {
				l.log.Warn("events were lost: looking at everything", "error", err.Error())
				l.pending.everything()
			}
		}
	}
}

// lookAt looks at what the events taken are about. It reports whether that was
// everything.
func (l *Loader) lookAt(ctx context.Context, t *pending) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed(l.gateNow()) {
		l.keepBehind(t)
		return t.all
	}
	t = l.takeBehind(t)
	sc := &scope{all: t.all || l.failed || !l.loaded, atOnce: l.released, confirm: t.confirm}
	l.ask(sc, t)
	if sc.empty() {
		l.released = false
		return false
	}
	err := l.look(ctx, sc)
	if errors.Is(err, errHeld) {
		l.keepBehind(t)
		return t.all
	}
	if err != nil {
		l.pending.keepConfirm(t.confirm)
		return sc.all
	}
	l.flush(context.WithoutCancel(ctx)) // a stop waits for this much
	if l.watcher != nil && sc.all {
		wanted := map[string]struct{}{}
		l.routes.folders(func(dir string) { wanted[dir] = struct{}{} })
		l.watcher.keep(wanted)
	}
	return sc.all
}

// ask puts into scope what the events taken are about, and what is due.
func (l *Loader) ask(sc *scope, t *pending) {
	for path := range t.gone {
		if l.watcher != nil {
			l.watcher.lost(path)
		}
	}
	if sc.all {
		return
	}
	for path := range t.paths {
		l.routes.mark(sc, path)
	}
	l.addDepartures(sc)
}

// waiting is departing, for Run.
func (l *Loader) waiting() (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.departing()
}

// isHeld is held, for Run.
func (l *Loader) isHeld() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held() || l.behind != nil
}

// troubled reports that the last look failed as a whole.
func (l *Loader) troubled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}
