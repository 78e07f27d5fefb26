package loader

import (
	"context"
	"errors"

	"postern/loader/internal/burst"
	"postern/loader/internal/hold"
	"postern/loader/internal/layout"
	"postern/loader/source"
)

// between looks at events in the middle of a large look.
//
// A look at everything takes long where there are many files, and a change that an
// event announces must not wait for it (specification 4, Missed events). So a look
// runs in pieces, and between two pieces a look of its own, on the same goroutine,
// is about whatever events name: it commits and publishes what it finds.
//
// What such an inner look was about may be newer than what the large look found. It
// is taken out of the findings of the large look, and looked at once more when that
// is over. So nothing read before a change replaces what was read after it, and
// nothing is left out.
type between struct {
	l       *Loader
	ctx     context.Context
	last    bool          // it is the last attempt of the large look
	touched *source.Scope // what inner looks were about
}

// look looks at what events name, if a burst of them is over.
func (b *between) look() error {
	l := b.l
	for {
		if t, ok := l.pending.TakeChanges(l.c.Quiet, l.c.MaxWait); ok {
			if err := b.lookAt(t); err != nil {
				return err
			}
		}
		if l.onPiece == nil || b.ctx.Err() != nil || !l.onPiece() {
			return b.ctx.Err()
		}
	}
}

// lookAt is an inner look.
func (b *between) lookAt(t burst.Batch) error {
	l := b.l
	before := l.gateNow()
	if l.closed(before) { // nor does the larger look count
		l.keepBehind(t)
		return hold.ErrHeld
	}
	begin := l.begin()
	sc := &source.Scope{}
	l.ask(sc, t)
	if sc.Empty() {
		return nil
	}
	q := l.query(sc)
	q.Inner = true
	x, err := l.src.Scan(b.ctx, q)
	f := l.findings(x)
	if err == nil {
		l.keepPlatform(f, sc)
		err = l.passed(before, true)
	}
	if err != nil {
		// What moved may have moved with other names: the larger look begins anew,
		// and these are looked at after it in any case.
		l.pending.PutBack(t)
		if b.last && errors.Is(err, source.ErrChanged) {
			return nil
		}
		return err
	}
	b.touch(sc, f)
	l.finish(b.ctx, f, sc, begin)
	l.flush(context.WithoutCancel(b.ctx))
	return nil
}

// touch notes what an inner look was about.
func (b *between) touch(sc *source.Scope, f *findings) {
	b.touched.Join(sc)
	for _, of := range f.Orgs {
		if of.Whole || of.Gone {
			b.touched.Add(layout.Place{Org: of.Name, Part: layout.Folder})
		}
		if of.Buckets != nil && of.Buckets.Listed {
			b.touched.Add(layout.Place{Org: of.Name, Part: layout.Buckets})
		}
	}
}

// untouched takes out of the findings of the large look what inner looks were about.
func (b *between) untouched(f *findings) {
	l := b.l
	if b.touched.Empty() {
		return
	}
	for name := range b.touched.Orgs { // names in the root as the model has them now
		f.Misplaced[name] = nil
		if d, ok := l.misplaced[name]; ok {
			f.Misplaced[name] = &d
		}
	}
	kept := f.Orgs[:0]
	for _, of := range f.Orgs {
		if o := b.touched.Orgs[of.Name]; o == nil || l.prune(of, o) {
			kept = append(kept, of)
		}
	}
	clear(f.Orgs[len(kept):])
	f.Orgs = kept
}

// prune takes out of the finding of one organization what inner looks were about. It
// returns false if nothing is left.
func (l *Loader) prune(of *source.OrgFinding, touched *source.OrgScope) bool {
	known := l.orgs[of.Name]
	if touched.Whole || of.Gone || of.Fault != nil || known == nil {
		return false
	}
	for p, t := range touched.Units {
		if t {
			of.Units[p] = nil
		}
	}
	for name := range touched.Misplaced {
		path := of.Name + "/" + name
		of.Misplaced[path] = nil
		if d, ok := known.Misplaced[path]; ok {
			of.Misplaced[path] = &d
		}
		delete(of.Harmless, path)
		if _, ok := known.harmless[path]; ok {
			of.Harmless = source.With(of.Harmless, path)
		}
	}
	b := of.Buckets
	if b == nil {
		return true
	}
	if touched.Buckets || len(touched.Files) > 0 && (b.Fault != nil || b.Absent) {
		of.Buckets = nil
		return true
	}
	here := b.Found[:0]
	for _, x := range b.Found {
		if _, t := touched.Files[x.Name]; !t {
			here = append(here, x)
		}
	}
	clear(b.Found[len(here):])
	b.Found = here
	for name := range touched.Files {
		delete(b.Misplaced, of.Name+"/"+layout.BucketsName+"/"+name)
	}
	return true
}
