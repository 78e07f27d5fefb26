package loader

import (
	"context"
	"slices"
	"strings"
	"time"

	"postern/loader/internal/layout"
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
	sc := &scope{}
	n := min(len(r.todo), rereadAtOnce)
	others, err := l.src.differ(r.todo[:n], l.seen)
	if err != nil {
		return // the next look says so
	}
	for _, f := range others {
		l.seen(f).fresh = true // the look has to read it
		sc.add(f.unit)
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

// seen is what was last seen of a file; nil if there is nothing to compare it
// with, as it is read at every look.
func (l *Loader) seen(f seenFile) *file {
	o := l.orgs[f.unit.Org]
	switch {
	case o == nil:
	case f.unit.Part == layout.Buckets:
		if b := o.buckets[f.name]; b != nil && b.sure {
			return &b.seen
		}
	default:
		u := o.unit(f.unit.Part)
		i, found := slices.BinarySearchFunc(u.seen, f.name, func(f file, name string) int { return strings.Compare(f.name, name) })
		if found && u.sure {
			return &u.seen[i]
		}
	}
	return nil
}
