package loader

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
)

// rereads reads every file once in Config.Reread, whatever its stamp says: a
// store through a shared mapping of a file may change its content and no stamp
// (specification 4, Missed events). It goes leaf by leaf of the digest, which
// spreads the files over the time, and a few files at a time, so that an event
// never waits for it.
type rereads struct {
	began time.Time // of this round
	leaf  int       // that is read, or next to be
	todo  []seenFile
}

// seenFile is one file, by the unit that it belongs to.
type seenFile struct {
	unit layout.Place
	name string
}

// rereadAtOnce is how many files are read again before an event is looked at.
const rereadAtOnce = 16

// due is when there is something to read again.
func (r *rereads) due(every time.Duration) time.Time {
	if len(r.todo) > 0 {
		return time.Time{}
	}
	return r.began.Add(every / leafCount * time.Duration(r.leaf))
}

// may reports whether there are policies to read again, and nothing holds them.
func (r *rereads) may(l *Loader) bool {
	return l.loaded && !l.failed && !l.held() && l.behind == nil
}

// startRereads begins a round.
func (l *Loader) startRereads() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rereads = rereads{began: time.Now()}
}

// rereadDue is when readAgain has something to do.
func (l *Loader) rereadDue() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.rereads.may(l) {
		return time.Now().Add(l.c.Rescan)
	}
	return l.rereads.due(l.c.Reread)
}

// readAgain reads the next few files again, if they are due, and looks at those
// whose content is another.
func (l *Loader) readAgain(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &l.rereads
	if !r.may(l) || time.Now().Before(r.due(l.c.Reread)) {
		return
	}
	for len(r.todo) == 0 && !time.Now().Before(r.due(l.c.Reread)) {
		r.todo = l.filesOfLeaf(r.leaf)
		if r.leaf++; r.leaf == leafCount {
			r.leaf, r.began = 0, r.began.Add(max(l.c.Reread, time.Since(r.began)))
			break
		}
	}
	root, err := os.OpenRoot(l.root.Real)
	if err != nil {
		return // the next look says so
	}
	defer root.Close()
	sc := &scope{}
	n := min(len(r.todo), rereadAtOnce)
	for _, f := range r.todo[:n] {
		if l.isAnother(root, f) {
			sc.add(f.unit)
		}
	}
	r.todo = r.todo[n:]
	if sc.empty() || l.look(ctx, sc) != nil {
		return
	}
	l.flush(context.WithoutCancel(ctx))
}

// filesOfLeaf are the files of one leaf of the digest: those in force, and those
// of quarantined units.
func (l *Loader) filesOfLeaf(leaf int) (out []seenFile) {
	for _, f := range l.digest.leaves[leaf].files {
		switch f.dir.part {
		case layout.Buckets:
			out = append(out, seenFile{layout.Place{Org: f.dir.org, Part: layout.Buckets, Name: f.name}, f.name})
		case layout.List:
			out = append(out, seenFile{layout.Place{Org: f.dir.org, Part: layout.List}, layout.ListName})
		default:
			out = append(out, seenFile{layout.Place{Org: f.dir.org, Part: f.dir.part}, f.name})
		}
	}
	here := func(path string) bool { return leafOf([]byte(path)) == leaf }
	for p := range l.faults {
		o := l.orgs[p.Org]
		switch {
		case o == nil || p.Part >= layout.Folder:
		case p.Part == layout.Buckets:
			if p.Name != "" && here(p.Path()) {
				out = append(out, seenFile{p, p.Name})
			}
		case p.Part == layout.List:
			if here(p.Path()) {
				out = append(out, seenFile{p, layout.ListName})
			}
		default:
			for _, f := range o.unit(p.Part).seen {
				if here(p.Path() + "/" + f.name) {
					out = append(out, seenFile{p, f.name})
				}
			}
		}
	}
	return out
}

// isAnother reports whether a file does not hold what was seen of it, and
// notes that the next look has to read it.
func (l *Loader) isAnother(root *os.Root, f seenFile) bool {
	seen, dir := l.seen(f)
	if seen == nil || seen.sum == nil {
		return false // it is read at every look
	}
	at := tree.Look(l.root.Real, dir, f.name)
	if rel, ok := tree.Below(l.root.Real, at.Real); ok && at.Kind == tree.Regular && at.Stamp == seen.stamp {
		if data, err := l.reader.Read(root, rel, at); err == nil && layout.SumOf(data) == *seen.sum {
			return false
		}
	}
	seen.fresh = true
	return true
}

// seen is what was last seen of a file, and the folder that it lies in; nil if
// there is nothing to compare it with.
func (l *Loader) seen(f seenFile) (*file, string) {
	o := l.orgs[f.unit.Org]
	switch {
	case o == nil:
	case f.unit.Part == layout.Buckets:
		if b := o.buckets[f.name]; b != nil && b.sure {
			return &b.seen, o.bucketsAt.Real
		}
	default:
		u, dir := o.unit(f.unit.Part), o.at.Real
		if f.unit.Part != layout.List {
			dir = u.at.Real
		}
		i, found := slices.BinarySearchFunc(u.seen, f.name, func(f file, name string) int { return strings.Compare(f.name, name) })
		if found && u.sure {
			return &u.seen[i], dir
		}
	}
	return nil, ""
}
