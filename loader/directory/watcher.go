package directory

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"postern/loader/internal/tree"
	"sync"
	"syscall"

	"postern/loader/source"

	"github.com/fsnotify/fsnotify"
)

// notifier is what the directory needs of fsnotify.
type notifier interface {
	Add(path string) error
	Remove(path string) error
	Close() error
}

// watcher keeps the watches on folders. A watch is on a real path, so a folder has one
// watch however many names lead to it. A watcher is safe for concurrent use.
type watcher struct {
	n         notifier
	mu        sync.Mutex
	watched   map[string]tree.Stamp // by path
	byInode   map[[2]uint64]string  // the path, by device and inode
	exhausted bool                  // report was called
	report    func(error)           // called with the first folder that cannot be watched
}

func newWatcher(n notifier, report func(error)) *watcher {
	return &watcher{n: n, watched: map[string]tree.Stamp{}, byInode: map[[2]uint64]string{}, report: report}
}

// add watches the folder dir, which has the stamp s. With again it adds the watch even if
// there is one, in case that was lost.
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

// forget removes a watch. The caller must hold mu.
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

// keep removes the watches on folders that are not in wanted.
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

// watchFolder watches a folder that is about to be listed.
func (d *Source) watchFolder(dir string, s tree.Stamp, again bool) {
	if d.watcher != nil {
		d.watcher.add(dir, s, again)
	}
}

// watchLinks watches the folders of the links that lead to a name. Outside the policy
// directory only the links that lead to the root are watched.
func (s *scan) watchLinks(through []string) {
	if len(through) > 0 {
		s.d.watchLinks(through, s.real)
	}
}

func (d *Source) watchLinks(through []string, within string) {
	if d.watcher == nil {
		return
	}
	for _, path := range through {
		if _, inside := tree.Below(within, path); within != "" && !inside {
			continue
		}
		dir := filepath.Dir(path)
		if at, _, err := tree.Find(dir); err == nil && at.Real == dir {
			d.watcher.add(dir, at.Stamp, false)
		}
	}
}

// Watch implements source.Source.
func (d *Source) Watch(ctx context.Context, to source.Events) (stop func(), err error) {
	w, err := fsnotify.NewBufferedWatcher(64)
	if err != nil {
		return nil, err
	}
	return d.WatchWith(ctx, to, w, w.Events, w.Errors), nil
}

// WatchWith is Watch over any notifier, which stop closes.
func (d *Source) WatchWith(ctx context.Context, to source.Events, n notifier, changes <-chan fsnotify.Event, errs <-chan error) (stop func()) {
	d.watcher = newWatcher(n, func(err error) {
		d.log.Warn("a folder cannot be watched: changes in it are found by the rescan", "error", tree.Reason(err), "every", d.rescan)
	})
	var wg sync.WaitGroup
	wg.Go(func() { d.collect(ctx, to, changes, errs) })
	return func() {
		n.Close()
		wg.Wait()
		d.watcher = nil
	}
}

// collect reports events as they come, also during looks, so that the queue of the system
// does not overflow.
func (d *Source) collect(ctx context.Context, to source.Events, changes <-chan fsnotify.Event, errs <-chan error) {
	for changes != nil || errs != nil {
		select {
		case ev, ok := <-changes:
			if !ok {
				changes = nil
			} else if ev.Name != "" {
				to.Change(ev.Name, ev.Has(fsnotify.Remove) || ev.Has(fsnotify.Rename), filepath.Base(ev.Name) == holdName)
			}
		case err, ok := <-errs:
			if !ok {
				errs = nil
			} else if err != nil && ctx.Err() == nil {
				d.log.Warn("events were lost: looking at everything", "error", err.Error())
				to.Everything()
			}
		}
	}
}

// Lost implements source.Source.
func (d *Source) Lost(change string) {
	if d.watcher != nil {
		d.watcher.lost(change)
	}
}

// About implements source.Source.
func (d *Source) About(sc *source.Scope, change string) { d.routes.mark(sc, change) }
