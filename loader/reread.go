package loader

import (
	"context"
	"slices"
	"strings"
	"time"

	"postern/loader/internal/digest"
	"postern/loader/internal/layout"
	"postern/loader/source"
)

// rereads has every file read once in Config.Reread, whatever its version: a store
// through a shared mapping may change the content of a file and no stamp of it
// (specification 4, Missed events). It goes through the leaves of the digest, which
// spreads the files over the time, and reads a few files at a time, so that an event
// never waits for it.
type rereads struct {
	began time.Time // when this round began
	leaf  int       // the next leaf
	todo  []source.SeenFile
}

// rereadAtOnce is how many files are read again before events are looked at.
const rereadAtOnce = 16

// due returns when there is something to read again.
func (r *rereads) due(every time.Duration) time.Time {
	if len(r.todo) > 0 {
		return time.Time{}
	}
	return r.began.Add(every / digest.Leaves * time.Duration(r.leaf))
}

// may reports whether files may be read again now.
func (r *rereads) may(l *Loader) bool {
	return l.loaded && !l.failed && !l.hold.Holds(l.loaded) && l.behind == nil
}

// startRereads begins a round.
func (l *Loader) startRereads() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rereads = rereads{began: time.Now()}
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
		if r.leaf++; r.leaf == digest.Leaves {
			r.leaf, r.began = 0, r.began.Add(max(l.c.Reread, time.Since(r.began)))
			break
		}
	}
	sc := &source.Scope{}
	n := min(len(r.todo), rereadAtOnce)
	others, err := l.src.Differ(r.todo[:n], l.seen)
	if err != nil {
		return // the next look says so
	}
	for _, f := range others {
		l.seen(f).Fresh = true // the look has to read it
		sc.Add(f.Unit)
	}
	r.todo = r.todo[n:]
	if sc.Empty() || l.look(ctx, sc) != nil {
		return
	}
	l.flush(context.WithoutCancel(ctx))
}

// filesOfLeaf returns the files of one leaf of the digest: those in force, and those
// of quarantined units.
func (l *Loader) filesOfLeaf(leaf int) []source.SeenFile {
	out := l.digest.FilesOf(leaf)
	add := func(f source.SeenFile) {
		if digest.LeafOf(f.Path()) == leaf {
			out = append(out, f)
		}
	}
	for p := range l.faults {
		o := l.orgs[p.Org]
		switch {
		case o == nil || p.Part >= layout.Folder:
		case p.Part == layout.Buckets && p.Name != "":
			add(source.SeenFile{Unit: p, Name: p.Name})
		case p.Part < layout.Buckets:
			for _, f := range o.Unit(p.Part).Seen {
				add(source.SeenFile{Unit: p, Name: f.Name})
			}
		}
	}
	return out
}

// seen returns what the last look saw of a file, or nil if that says nothing, because
// the file is read at every look.
func (l *Loader) seen(f source.SeenFile) *source.Seen {
	o := l.orgs[f.Unit.Org]
	switch {
	case o == nil:
	case f.Unit.Part == layout.Buckets:
		if b := o.Buckets[f.Name]; b != nil && b.Complete {
			return &b.Seen
		}
	default:
		u := o.Unit(f.Unit.Part)
		i, found := slices.BinarySearchFunc(u.Seen, f.Name, func(f source.Seen, name string) int { return strings.Compare(f.Name, name) })
		if found && u.Complete {
			return &u.Seen[i]
		}
	}
	return nil
}
