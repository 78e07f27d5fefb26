package loader

import (
	"context"
	"errors"
	"maps"
	"time"

	"postern/loader/internal/layout"
)

// A look at everything takes long where there are many files, and a change that
// an event announces is not to wait for it (specification 4, Missed events). So
// a look runs in pieces, and between two of them whatever events name is looked
// at, committed and published by a look of its own, on the same goroutine.
//
// What such a look in between has looked at is newer, or may be, than what the
// large look found of it: that is taken out of the findings, and looked at once
// more when the large look is over. So nothing that was read before a change
// takes the place of what was read after it, and nothing is left out.

// between is a look at everything, or at much, in the middle of which events are
// looked at.
type between struct {
	l       *Loader
	ctx     context.Context
	last    bool
	touched *scope // what looks in between have looked at
}

// look looks at what events name, in the middle of a look.
func (b *between) look() error {
	l := b.l
	for {
		if t := l.pending.takePaths(l.c.Quiet, l.c.MaxWait); t != nil {
			if err := b.lookAt(t); err != nil {
				return err
			}
		}
		if l.onPiece == nil || b.ctx.Err() != nil || !l.onPiece() {
			return b.ctx.Err()
		}
	}
}

// takePaths takes the events of a burst that is over, and leaves what asks for
// a look at everything; nil: there are none.
func (p *pending) takePaths(quiet, most time.Duration) *pending {
	if p.wait(quiet, most) != 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.paths)+len(p.gone) == 0 {
		return nil
	}
	t := newPending()
	t.paths, p.paths = p.paths, t.paths
	t.gone, p.gone = p.gone, t.gone
	if !p.all {
		p.urgent, p.first, p.last = false, time.Time{}, time.Time{}
	}
	return t
}

// putBack has events looked at once the look that is under way is over.
func (p *pending) putBack(t *pending) {
	p.note(func() {
		maps.Copy(p.paths, t.paths)
		maps.Copy(p.gone, t.gone)
	})
}

// lookAt is a look in the middle of a larger one.
func (b *between) lookAt(t *pending) error {
	l := b.l
	before := l.gateNow()
	if l.closed(before) { // nor does the larger look count
		l.keepBehind(t)
		return errHeld
	}
	begin := l.begin()
	sc := &scope{}
	l.ask(sc, t)
	if sc.empty() {
		return nil
	}
	q := l.query(sc)
	q.inner = true
	x, err := l.src.scan(b.ctx, q)
	f := &findings{found: x}
	if err == nil {
		l.keepPlatform(f, sc)
		err = l.passed(before, true)
	}
	if err != nil {
		// What moved may have moved with other names: the larger look begins anew,
		// and these are looked at after it in any case.
		l.pending.putBack(t)
		if b.last && errors.Is(err, errChanged) {
			return nil
		}
		return err
	}
	b.touch(sc, f)
	l.finish(b.ctx, f, sc, begin)
	l.flush(context.WithoutCancel(b.ctx))
	return nil
}

// touch notes what a look in between has looked at.
func (b *between) touch(sc *scope, f *findings) {
	for org, o := range sc.orgs {
		if o.whole {
			b.touched.add(layout.Place{Org: org, Part: layout.Folder})
		}
		for p, asked := range o.units {
			if asked {
				b.touched.add(layout.Place{Org: org, Part: layout.Part(p)})
			}
		}
		if o.buckets {
			b.touched.add(layout.Place{Org: org, Part: layout.Buckets})
		}
		for name := range o.files {
			b.touched.add(layout.Place{Org: org, Part: layout.Buckets, Name: name})
		}
		for name := range o.odd {
			b.touched.add(layout.Place{Org: org, Part: layout.Folder, Name: name})
		}
	}
	for _, of := range f.orgs {
		if of.whole || of.gone {
			b.touched.add(layout.Place{Org: of.name, Part: layout.Folder})
		}
		if of.buckets != nil && of.buckets.listed {
			b.touched.add(layout.Place{Org: of.name, Part: layout.Buckets})
		}
	}
}

// untouched takes out of the findings what looks in between have looked at.
func (b *between) untouched(f *findings) {
	l := b.l
	if b.touched.empty() {
		return
	}
	for name := range b.touched.orgs { // names in the root as the model has them now
		f.odd[name] = nil
		if d, ok := l.odd[name]; ok {
			f.odd[name] = &d
		}
	}
	kept := f.orgs[:0]
	for _, of := range f.orgs {
		if o := b.touched.orgs[of.name]; o == nil || l.prune(of, o) {
			kept = append(kept, of)
		}
	}
	clear(f.orgs[len(kept):])
	f.orgs = kept
}

// prune takes what was touched out of what was found of one organization.
// False: all of it.
func (l *Loader) prune(of *orgFinding, touched *orgScope) bool {
	known := l.orgs[of.name]
	if touched.whole || of.gone || of.fault != nil || known == nil {
		return false
	}
	for p, t := range touched.units {
		if t {
			of.units[p] = nil
		}
	}
	for name := range touched.odd {
		path := of.name + "/" + name
		of.odd[path] = nil
		if d, ok := known.odd[path]; ok {
			of.odd[path] = &d
		}
		delete(of.harmless, path)
		if _, ok := known.harmless[path]; ok {
			of.harmless = with(of.harmless, path)
		}
	}
	b := of.buckets
	if b == nil {
		return true
	}
	if touched.buckets || len(touched.files) > 0 && (b.fault != nil || b.absent) {
		of.buckets = nil
		return true
	}
	here := b.found[:0]
	for _, x := range b.found {
		if _, t := touched.files[x.name]; !t {
			here = append(here, x)
		}
	}
	clear(b.found[len(here):])
	b.found = here
	for name := range touched.files {
		delete(b.odd, of.name+"/"+layout.BucketsName+"/"+name)
	}
	return true
}
