package loader

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
)

// mirror notes that a unit may have to be mirrored.
func (l *Loader) mirror(p layout.Place, files []layout.File) {
	if s := l.state; s != nil && !s.taken {
		s.jobs[p] = files
		s.marks.due = append(s.marks.due, p)
	}
}

// backlog reports whether units wait to be mirrored.
func (l *Loader) backlog() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state != nil && len(l.state.jobs) > 0 && !l.state.trouble
}

// drain mirrors some of the units that wait.
func (l *Loader) drain(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush(ctx, flushAtOnce)
}

// flush brings the mirror up to date, most units at most. What fails is tried
// again after the next look; the snapshot in force does not depend on it.
func (l *Loader) flush(ctx context.Context, most int) {
	s := l.state
	if s == nil || !l.loaded {
		return
	}
	if err := s.exclusive(func() error { return l.flushSome(ctx, most) }); err != nil {
		l.mirrorError(layout.Place{}, err)
	}
	if s.taken {
		clear(s.jobs)
	}
	l.touchState()
}

// flushSome is flush while no other process uses the state directory.
func (l *Loader) flushSome(ctx context.Context, most int) error {
	s := l.state
	if !s.swept {
		s.swept = true
		l.sweep()
	}
	var todo []layout.Place
	for p := range s.jobs {
		// An organization that vanished goes first, and with all it had.
		if p.Part == layout.Folder {
			var err error
			if v := l.vanished[p.Org]; l.orgs[p.Org] == nil && v != nil {
				err = s.leave(v)
			} else if l.orgs[p.Org] == nil {
				err = s.remove(p)
			} else {
				s.stays(p.Org)
			}
			if err == nil {
				delete(s.jobs, p)
			}
			l.mirrorError(p, err)
		} else if len(todo) < most && ctx.Err() == nil {
			todo = append(todo, p)
		}
	}
	var g errgroup.Group
	g.SetLimit(8)
	kept := make([][]layout.File, len(todo))
	for i, p := range todo {
		kept[i] = s.jobs[p]
	}
	for i, p := range todo {
		g.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			err := l.flushUnit(p, kept[i])
			s.mu.Lock()
			defer s.mu.Unlock()
			if err == nil {
				delete(s.jobs, p)
			} else {
				s.jobs[p] = nil // do not keep the bytes
			}
			l.mirrorError(p, err)
			return nil
		})
	}
	g.Wait()
	dirs := map[string]struct{}{}
	for _, p := range todo {
		dirs[filepath.Dir(s.file(p))] = struct{}{}
	}
	for dir := range dirs { // the renames and removals
		syncFolder(dir)
	}
	if len(s.jobs) > 0 {
		return nil
	}
	s.unmarked = ""
	return s.marks.clear()
}

// mirrorError logs the first of a row of errors.
func (l *Loader) mirrorError(p layout.Place, err error) {
	s := l.state
	if err == nil {
		s.trouble = s.trouble && len(s.jobs) > 0
		return
	}
	if !s.trouble {
		l.log.Error("the state directory cannot be written: a restart would not know the last good content", "unit", layout.Shown(p.Path()), "error", tree.Reason(err))
	}
	s.trouble, s.failure = true, tree.Reason(err)
}

// stateFailure says what is wrong with the state directory, "" if nothing.
func (l *Loader) stateFailure() string {
	s := l.state
	switch {
	case s == nil:
		return ""
	case s.taken:
		return errTaken.Error()
	case s.unmarked != "":
		return "it cannot be written before a generation is in force, and a restart could put older policies in force: " + s.unmarked
	case s.trouble:
		return "it cannot be written, and a restart would not know the last good content: " + s.failure
	}
	return ""
}

// touchState brings the status up to date with what is wrong with the state
// directory.
func (l *Loader) touchState() {
	if st := *l.status.Load(); st.StateFailure != l.stateFailure() {
		st.StateFailure = l.stateFailure()
		l.status.Store(&st)
	}
}

// flushUnit brings one unit of the mirror up to date. files are its good ones,
// if they were kept. It reads the model and may run beside others.
func (l *Loader) flushUnit(p layout.Place, files []layout.File) error {
	s, o := l.state, l.orgs[p.Org]
	if v := l.vanished[p.Org]; o == nil && v != nil && p.Part == layout.Buckets && p.Name != "" {
		if o = v; v.mirrored {
			return nil
		}
	}
	if o == nil {
		return s.remove(p)
	}
	w := l.wanted(p)
	if p.Part == layout.Buckets && p.Name == "" {
		if !w.known {
			return errors.Join(s.remove(p), os.RemoveAll(filepath.Join(s.dir, o.name, missedNames)))
		}
		return s.setHeld(o)
	}
	switch {
	case !w.known:
		old, err := s.read(p)
		switch {
		case err != nil: // what is there, if anything, is no good
			return nil
		case len(old) == 0: // it was blank: see forsake
			return s.remove(p)
		case !s.marks.trusts(p, layout.SumOfUnit(p.Part, old)):
			return spoil(s.file(p)) // before the marks that say so are cleared
		}
		return nil
	case w.none && !w.faulty:
		return s.remove(p)
	}
	if old, err := s.read(p); err == nil && layout.SumOfUnit(p.Part, old) == w.sum {
		return nil
	}
	switch {
	case w.none:
		files = nil
	case layout.SumOfUnit(p.Part, files) != w.sum:
		files = l.reread(p, o)
	}
	if layout.SumOfUnit(p.Part, files) != w.sum {
		// What was good is gone from the tree before it was mirrored. An older
		// content is not what the snapshot says: better none, which denies.
		return s.remove(p)
	}
	return s.write(p, files)
}

// wanted is what the mirror has to hold of a unit.
type wanted struct {
	known  bool       // it has last good content; else nothing of it can be trusted
	sum    layout.Sum // of that content; zeros if not known
	none   bool       // it is that of no files
	faulty bool       // the unit is quarantined, so that even no files are worth a word
}

func (l *Loader) wanted(p layout.Place) (w wanted) {
	o := l.orgs[p.Org]
	if o == nil && p.Part == layout.Buckets {
		o = l.vanished[p.Org]
	}
	switch {
	case o == nil:
	case p.Part == layout.Buckets && p.Name == "":
		if w.known = o.held(); w.known {
			w.sum = sumOfHeld(o.bucketsKnown, rawNames(o.buckets), rawNames(o.missed))
		}
	case p.Part == layout.Buckets:
		w = wanted{known: true, sum: noContent.sum, none: true}
		if b := o.buckets[p.Name]; b != nil {
			w.known, w.faulty = b.known, b.fault != nil || o.bucketsFault != nil || o.isMissed(p.Name)
			if b.good != nil {
				w.sum, w.none = b.good.sum, false
			}
		}
	default:
		u := o.unit(p.Part)
		w = wanted{u.known, u.good.sum, len(u.good.set().files) == 0, u.fault != nil}
	}
	if !w.known {
		w.sum = layout.Sum{}
	}
	return w
}

// held reports whether the mirror lists what buckets/ holds and misses.
func (o *organization) held() bool { return o.bucketsFault != nil || len(o.missed) > 0 }

// filesOf are the names and sums of files, in the order in which they are given.
func filesOf(files []layout.File) []file {
	out := make([]file, len(files))
	for i, f := range files {
		content := layout.SumOf(f.Data)
		out[i] = file{name: f.Name, sum: &content}
	}
	return out
}

// reread reads the files of a unit for the mirror.
func (l *Loader) reread(p layout.Place, o *organization) []layout.File {
	root, err := os.OpenRoot(l.root.Real)
	if err != nil {
		return nil
	}
	defer root.Close()
	var names []string
	dir := o.at.Real
	switch p.Part {
	case layout.Buckets:
		names, dir = []string{p.Name}, o.bucketsAt.Real
	case layout.List:
		for range o.unit(p.Part).seen {
			names = []string{layout.ListName}
		}
	default:
		dir = tree.Look(l.root.Real, o.at.Real, layout.PartNames[p.Part]).Real
		for _, f := range o.unit(p.Part).seen {
			names = append(names, f.name)
		}
	}
	var out []layout.File
	for _, name := range names {
		at := tree.Look(l.root.Real, dir, name)
		rel, ok := tree.Below(l.root.Real, at.Real)
		if at.Kind != tree.Regular || !ok {
			return nil
		}
		data, err := l.reader.Read(root, rel, at)
		if err != nil {
			return nil
		}
		out = append(out, layout.File{Name: name, Data: data})
	}
	return out
}

// sweep removes what a killed process left half written, and organizations and
// buckets that are gone.
func (l *Loader) sweep() {
	s := l.state
	orgs, _ := os.ReadDir(s.dir)
	for _, e := range orgs {
		name := e.Name()
		if strings.HasPrefix(name, temporary) {
			os.Remove(filepath.Join(s.dir, name))
			continue
		}
		if !e.IsDir() || !layout.ValidOrganization(name) {
			continue
		}
		o := l.orgs[name]
		if o == nil {
			v := s.remembered(name)
			if v.mirrored = true; len(v.buckets) > 0 {
				l.vanished[name] = v
				l.mirrorError(layout.Place{Org: name, Part: layout.Folder}, s.leave(v))
			} else {
				l.mirrorError(layout.Place{Org: name, Part: layout.Folder}, s.remove(layout.Place{Org: name, Part: layout.Folder}))
			}
			continue
		}
		s.stays(name)
		for _, sub := range []string{"", layout.BucketsName} {
			es, _ := os.ReadDir(filepath.Join(s.dir, name, sub))
			for _, e := range es {
				if strings.HasPrefix(e.Name(), temporary) {
					os.Remove(filepath.Join(s.dir, name, sub, e.Name()))
				}
			}
		}
		for _, p := range layout.Sets {
			l.note(layout.Place{Org: name, Part: p})
		}
		l.note(layout.Place{Org: name, Part: layout.Buckets})
		for _, file := range s.buckets(name) {
			l.note(layout.Place{Org: name, Part: layout.Buckets, Name: file})
		}
	}
}

// note is mirror for a unit whose bytes may be kept already.
func (l *Loader) note(p layout.Place) {
	if _, ok := l.state.jobs[p]; !ok {
		l.state.jobs[p] = nil
	}
}

// restore reads a unit's last good content from the mirror: for a unit that is
// broken and was never good since the start. False: there is none to trust. A
// bucket file that was not there is nil.
func (l *Loader) restore(p layout.Part, at layout.Place) (*content, bool) {
	if l.state == nil {
		return nil, false
	}
	files, err := l.state.lastGood(at)
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			l.log.Error("the last good content of a unit cannot be restored", "unit", layout.Shown(at.Path()), "error", tree.Reason(err))
		}
		return nil, false
	}
	if len(files) == 0 {
		if p == layout.Buckets {
			return nil, true
		}
		c := noContent
		return &c, true
	}
	var ps []parsed
	for _, f := range files {
		name := at.Path()
		if p < layout.List {
			name = path.Join(name, f.Name)
		}
		ps = append(ps, l.parse(nil, p, name, f.Data))
	}
	c, diagnostics := l.compile(p, at.Org, ps)
	if diagnostics != nil {
		l.log.Error("the last good content of a unit is no longer accepted", "unit", layout.Shown(at.Path()), "errors", firstErrors(diagnostics))
		return nil, false
	}
	c.sum = layout.SumOfUnit(p, files)
	if p != layout.Buckets {
		c.more.files = filesOf(files)
	}
	return &c, true
}

// restoreBuckets restores the bucket files of an organization whose buckets/
// cannot be listed at a cold start: all that buckets.names lists, or else all
// that the mirror happens to have, which may not be all there were.
func (l *Loader) restoreBuckets(ch *changes, o *organization) {
	if l.state == nil {
		return
	}
	v := l.state.remembered(o.name)
	if !l.restoreHeld(ch, o) {
		for name := range v.buckets {
			l.restoreBucket(ch, o, name)
		}
	}
	for name := range v.missed {
		if o.buckets[name] != nil {
			o.missed = with(o.missed, name)
		}
	}
}

// restoreHeld restores the bucket files that buckets.names lists: buckets/ was
// at fault before the restart, and whatever it does not name had no file.
// False: it was not, or that is not known.
func (l *Loader) restoreHeld(ch *changes, o *organization) bool {
	if l.state == nil {
		return false
	}
	held, known, _, _ := l.state.held(o.name)
	if !known {
		return false
	}
	o.bucketsKnown = true
	for _, h := range held {
		l.restoreBucket(ch, o, h.Name)
	}
	for name := range o.listed {
		ch.buckets = append(ch.buckets, name)
	}
	return true
}

func (l *Loader) restoreBucket(ch *changes, o *organization, file string) {
	b := &bucket{}
	o.buckets[file] = b
	l.reclaim(ch, o, layout.BucketOf(file))
	if c, ok := l.restore(layout.Buckets, layout.Place{Org: o.name, Part: layout.Buckets, Name: file}); ok {
		l.setBucket(ch, o, b, file, c)
	}
}
