package fuzz

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// restart ends the process, and starts it again; or kills it after it published,
// and before it wrote the mirror. Sometimes there are changes in between.
func (r *reload) restart(kill bool) {
	if r.current.Load() == nil || r.down || r.unreadable() {
		return
	}
	r.unwatch()
	if kill = kill && r.state != ""; kill {
		r.kill()
	} else {
		r.note("stop")
		r.clients.end(r)
	}
	r.down = true
	for range max(0, r.next(6)-3) {
		r.step()
		r.reached["a start after changes"]++
	}
	r.down = false
	if r.unreadable() { // serve does not start
		r.note("the policy directory is back: %v, %v", os.Rename(r.root+".away", r.root), os.Chmod(r.root, 0o755))
	}
	if r.unreadable() {
		r.fatal("the policy directory cannot be read")
	}
	r.start(kill)
}

// kill has the process look once more, and killed before it writes the mirror.
func (r *reload) kill() {
	r.note("the next look is killed")
	lost := r.lost
	r.lost = true
	for range r.next(4) {
		r.step()
	}
	r.lost, r.dying, r.disk = lost, true, ""
	r.look(r.next(8) == 0)
	if r.dying = false; r.disk == "" { // there was no look
		r.copyDisk()
	}
	r.clients.end(r)
	r.note("killed")
}

// observed is called after each generation is published, and before the mirror
// is written.
func (r *reload) observed() {
	if r.dying {
		r.copyDisk()
	}
}

// copyDisk keeps the state directory as it is now: what a process that is
// killed now leaves.
func (r *reload) copyDisk() {
	r.trash++
	r.disk = filepath.Join(r.base, fmt.Sprint("state", r.trash))
	if err := os.CopyFS(r.disk, os.DirFS(r.state)); err != nil {
		panic(err)
	}
}

// start starts a process after one that was stopped, or killed.
func (r *reload) start(killed bool) {
	r.collect()
	var last *model
	if killed {
		r.reached["a start after a kill"]++
		if r.state = r.disk; !r.model.mirrored {
			r.reached["a kill before the mirror was written"]++
		}
	}
	if !r.model.mirrored {
		last = r.model
	}
	r.open(last)
	r.note("start")
	r.reached["a start"]++
	r.model.lookAtHold(r.root, r.now())
	switch {
	case !r.model.held():
	case r.model.startHeld(r.root):
		r.reached["a start under a transaction"]++
	default:
		r.note("which waits for the transaction")
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		err := r.l.Load(ctx)
		if cancel(); err == nil || r.current.Load() != nil || !r.l.Status().HeldTransaction {
			r.fatal("a start under a transaction without anything to start with: %v, %+v", err, r.l.Status())
		}
		r.reached["no start under a transaction"]++
		r.must(os.Remove(filepath.Join(r.root, ".hold")))
	}
	r.look(false)
	if !r.lost {
		r.watch()
	}
}

// collect adds up what the model came upon, before another takes its place.
func (r *reload) collect() {
	r.reached["first and broken, and denied"] += r.model.denied
	r.reached["a platform organization that vanished"] += r.model.kept
}

// repoint points the policy directory to another folder: one that it was pointed
// to before, as that is now, or else a copy of what it is.
func (r *reload) repoint(n int) {
	to := r.revision(n)
	if fi, err := os.Lstat(r.root); err != nil || fi.Mode()&os.ModeSymlink == 0 {
		return
	}
	if _, err := os.Stat(to); err != nil {
		copyTree(r.root, to)
	}
	next := r.root + ".tmp"
	r.must(os.Symlink(to, next))
	r.must(os.Rename(next, r.root))
	r.note("re-pointed to %s", filepath.Base(to))
	r.reached["re-pointed"]++
}

// copyTree copies what can be read, and no hold.
func copyTree(from, to string) {
	es, _ := os.ReadDir(from)
	os.Mkdir(to, 0o755)
	for _, e := range es {
		a, b := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		switch {
		case e.Name() == ".hold":
		case e.IsDir():
			copyTree(a, b)
		case e.Type() == os.ModeSymlink:
			if target, err := os.Readlink(a); err == nil {
				os.Symlink(target, b)
			}
		case e.Type().IsRegular():
			if data, err := os.ReadFile(a); err == nil {
				os.WriteFile(b, data, 0o644)
			}
		}
	}
}
