package loader

import (
	"context"
	"errors"
	"path"

	"postern/loader/internal/layout"
	"postern/loader/internal/mirror"
	"postern/loader/source"
)

// mirrored is the mirror.Model of the loader.
type mirrored struct{ *Loader }

// drain mirrors some of the units that wait to be mirrored.
func (l *Loader) drain(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush(ctx)
}

// flush mirrors some of the units that wait to be mirrored. What fails is tried again
// after the next look. The snapshot in force does not depend on it.
func (l *Loader) flush(ctx context.Context) {
	if l.loaded {
		l.state.Flush(ctx, mirrored{l})
		l.touchState()
	}
}

// touchState puts into the status what is wrong with the state directory.
func (l *Loader) touchState() {
	if st := *l.status.Load(); st.StateFailure != l.state.Problem() {
		st.StateFailure = l.state.Problem()
		l.status.Store(&st)
	}
}

func (l mirrored) Wanted(p layout.Place) (w mirror.Wanted) {
	o := l.orgs[p.Org]
	vanished := o == nil && p.Part == layout.Buckets
	if vanished {
		o = l.vanished[p.Org]
		w.Leave = o != nil && o.mirrored && p.Name != ""
	}
	w.Gone = o == nil
	switch {
	case o == nil:
	case p.Part == layout.Buckets && p.Name == "":
		if w.Known = vanished || o.BucketsFault != nil || len(o.missed) > 0; w.Known {
			h := heldOf(o)
			w.Held, w.Sum = &h, h.Sum()
		}
	case p.Part == layout.Buckets:
		w.Known, w.Sum, w.None = true, layout.SumOfGone, true
		if b := o.Buckets[p.Name]; b != nil {
			w.Known, w.Faulty = b.Known, b.Fault != nil || o.BucketsFault != nil || o.isMissed(p.Name)
			if w.Sum = layout.SumOfNone; b.Good != nil {
				w.Sum, w.None = b.Good.Sum, false
			}
		}
	default:
		u := o.Unit(p.Part)
		w.Known, w.Sum, w.None, w.Faulty = u.Known, u.Good.Sum, len(u.Good.Set().Files) == 0, u.Fault != nil
	}
	if !w.Known {
		w.Sum = layout.Sum{}
	}
	return w
}

func (l mirrored) Organization(org string) (here bool, remembered *mirror.Held) {
	if l.orgs[org] != nil {
		return true, nil
	}
	if v := l.vanished[org]; v != nil {
		h := heldOf(v)
		return false, &h
	}
	return false, nil
}

// heldOf returns what is to be remembered of an organization's buckets/.
func heldOf(o *organization) mirror.Held {
	return mirror.Held{Known: o.bucketsKnown, Files: mirror.NamesOf(o.Buckets), Missed: mirror.NamesOf(o.missed)}
}

// rememberedAs returns an organization value with what is remembered of its buckets/,
// as vanish makes one.
func rememberedAs(org string, h mirror.Held) *organization {
	v := &organization{name: org, Last: source.Last{Buckets: map[string]*source.Bucket{}}, bucketsKnown: h.Known}
	for _, f := range h.Files {
		v.Buckets[f.Name] = &source.Bucket{}
	}
	for _, f := range h.Missed {
		v.missed = source.With(v.missed, f.Name)
	}
	return v
}

// filesOf returns the names and sums of files, in their order.
func filesOf(files []layout.File) []source.Seen {
	out := make([]source.Seen, len(files))
	for i, f := range files {
		content := layout.SumOf(f.Data)
		out[i] = source.Seen{Name: f.Name, Sum: &content}
	}
	return out
}

func (l mirrored) Files(p layout.Place) []layout.File {
	o := l.orgs[p.Org]
	if o == nil {
		return nil
	}
	if p.Part == layout.Buckets {
		return l.src.Files(p, []string{p.Name})
	}
	var names []string
	for _, f := range o.Unit(p.Part).Seen {
		names = append(names, f.Name)
	}
	return l.src.Files(p, names)
}

// restore returns the last good content that the mirror has of a unit, for one that
// is broken and was never good since the start. It returns false if the mirror has
// none that can be trusted, and nil for a bucket file that was not there.
func (l *Loader) restore(p layout.Part, at layout.Place) (*source.Content, bool) {
	if l.state == nil {
		return nil, false
	}
	files, err := l.state.LastGood(at)
	if err != nil {
		if !errors.Is(err, mirror.ErrNone) {
			l.log.Error("the last good content of a unit cannot be restored", "unit", layout.Shown(at.Path()), "error", mirror.Reason(err))
		}
		return nil, false
	}
	if len(files) == 0 {
		if p == layout.Buckets {
			return nil, true
		}
		c := source.NoContent
		return &c, true
	}
	var ps []source.Parsed
	for _, f := range files {
		name := at.Path()
		if p < layout.List {
			name = path.Join(name, f.Name)
		}
		ps = append(ps, l.maker.Parse(nil, p, name, f.Data))
	}
	c, diagnostics := l.maker.Compile(p, at.Org, ps)
	if diagnostics != nil {
		l.log.Error("the last good content of a unit is no longer accepted", "unit", layout.Shown(at.Path()), "errors", firstErrors(diagnostics))
		return nil, false
	}
	c.Sum = layout.SumOfUnit(p, files)
	if p != layout.Buckets {
		c.More.Files = filesOf(files)
	}
	return &c, true
}

// restoreBuckets restores the bucket files of an organization whose buckets/ cannot be
// listed at a cold start: those that buckets.names lists, or else those that the
// mirror happens to have, which may not be all that there were.
func (l *Loader) restoreBuckets(ch *changes, o *organization) {
	if l.state == nil {
		return
	}
	h := l.state.Remembered(o.name)
	if !l.restoreHeld(ch, o) {
		for _, f := range h.Files {
			l.restoreBucket(ch, o, f.Name)
		}
	}
	for _, f := range h.Missed {
		if o.Buckets[f.Name] != nil {
			o.missed = source.With(o.missed, f.Name)
		}
	}
}

// restoreHeld restores the bucket files that buckets.names lists. It is there if
// buckets/ was at fault before the restart; a bucket that it does not name had no
// file. restoreHeld returns false if the mirror has no such list that can be trusted.
func (l *Loader) restoreHeld(ch *changes, o *organization) bool {
	if l.state == nil {
		return false
	}
	h, _ := l.state.Listed(o.name)
	if !h.Known {
		return false
	}
	o.bucketsKnown = true
	for _, f := range h.Files {
		l.restoreBucket(ch, o, f.Name)
	}
	for name := range o.listed {
		ch.buckets = append(ch.buckets, name)
	}
	return true
}

func (l *Loader) restoreBucket(ch *changes, o *organization, file string) {
	b := &source.Bucket{}
	o.Buckets[file] = b
	l.reclaim(ch, o, layout.BucketOf(file))
	if c, ok := l.restore(layout.Buckets, layout.Place{Org: o.name, Part: layout.Buckets, Name: file}); ok {
		l.setBucket(ch, o, b, file, c)
	}
}
