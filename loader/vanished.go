package loader

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"postern/loader/internal/layout"
)

// vanish remembers what the buckets/ of an organization that is removed held
// and missed, in case it appears again without it (specification 4, Removals
// and faults). What POLICIES was re-pointed away from, and what SIGHUP
// confirms, is not remembered.
//
// What is remembered is an organization of its own that holds buckets and
// missed only, and is neither in force nor looked at. It stays until the
// organization appears again, or SIGHUP.
func (l *Loader) vanish(o *organization, meant bool) {
	if meant || len(o.buckets) == 0 {
		return
	}
	v := &organization{name: o.name, buckets: make(map[string]*bucket, len(o.buckets)), bucketsKnown: o.bucketsKnown, missed: o.missed}
	for name, b := range o.buckets {
		kept := *b
		v.buckets[name] = &kept
	}
	l.vanished[o.name] = v
}

// forgetVanished lets go of all that is remembered.
func (l *Loader) forgetVanished() {
	for org, v := range l.vanished {
		delete(l.vanished, org)
		l.mirrorAgain(v)
	}
}

// mirrorAgain has the mirror brought up to date with an organization that was
// remembered, as to its buckets.
func (l *Loader) mirrorAgain(v *organization) {
	if l.state == nil {
		return
	}
	l.mirror(layout.Place{Org: v.name, Part: layout.Folder}, nil)
	l.note(layout.Place{Org: v.name, Part: layout.Buckets})
	for name := range v.buckets {
		l.note(layout.Place{Org: v.name, Part: layout.Buckets, Name: name})
	}
}

// recall puts into an organization that is new to the model what its buckets/
// held and missed before, as far as that is missed now: as remembered of one
// that vanished, or at a cold start as the mirror has it. What vanished and is
// back is put in too, as it may be broken; and all of it where buckets/ cannot be
// listed, which x says by being nil.
func (l *Loader) recall(ch *changes, o *organization, x *bucketsFinding) {
	v := l.vanished[o.name]
	delete(l.vanished, o.name)
	mirrored := l.state != nil && (!l.loaded && v == nil || v != nil && v.mirrored)
	if v != nil {
		l.mirrorAgain(v)
	}
	if v == nil && !mirrored || ch.found.meant {
		return
	}
	vanished := v != nil
	if mirrored {
		if x == nil && v == nil {
			return // restoreBuckets does it
		}
		v = l.state.remembered(o.name)
	}
	names := v.missed
	into := maps.Clone(v.buckets) // all of it, where buckets/ cannot be listed
	if x != nil {
		gone := map[string]struct{}{}
		for name := range v.buckets {
			gone[name] = struct{}{}
		}
		for i := range x.found {
			delete(gone, x.found[i].name)
		}
		now := l.missedNow(ch.found, v, gone)
		maps.DeleteFunc(into, func(name string, _ *bucket) bool {
			if _, gone := gone[name]; !gone {
				return !vanished
			}
			_, missed := now[name]
			return !missed
		})
		maps.DeleteFunc(now, func(name string, _ struct{}) bool {
			_, gone := gone[name]
			return !gone
		})
		names = now
	}
	if x == nil || len(names) > 0 {
		o.bucketsKnown = v.bucketsKnown
	}
	for name, b := range into {
		if o.buckets[name] != nil {
			continue
		}
		if mirrored {
			l.restoreBucket(ch, o, name)
			continue
		}
		kept := &bucket{seen: b.seen, known: b.known}
		o.buckets[name] = kept
		if b.known {
			l.setBucket(ch, o, kept, name, b.good)
		} else {
			l.reclaim(ch, o, layout.BucketOf(name))
		}
	}
	l.commitMissed(o, names)
	if x != nil {
		x.missed = names
	}
}

// missedNames is the file of the mirror that lists what buckets/ misses.
const missedNames = "buckets.missed"

// remembered is what the mirror knows of an organization's buckets/, contents
// left out: what it held, and what it missed. Where the mirror may not say what
// was missed last, all that it has was, but for what is marked as removed.
func (s *state) remembered(org string) *organization {
	v := &organization{name: org, buckets: map[string]*bucket{}}
	held, known, missed, trusted := s.held(org)
	v.bucketsKnown = known
	for _, name := range s.buckets(org) {
		if !s.marks.removed(layout.Place{Org: org, Part: layout.Buckets, Name: name}) {
			v.buckets[name] = &bucket{}
		}
	}
	for _, n := range slices.Concat(held, missed) {
		v.buckets[n.Name] = &bucket{}
	}
	for _, n := range missed {
		v.missed = with(v.missed, n.Name)
	}
	if !trusted {
		for name := range v.buckets {
			v.missed = with(v.missed, name)
		}
	}
	return v
}

// held lists the bucket files that an organization held, if all were known, and
// those that it missed. Not trusted: what the mirror has of that is damaged, or
// out of date.
func (s *state) held(org string) (held []layout.File, known bool, missed []layout.File, trusted bool) {
	p := layout.Place{Org: org, Part: layout.Buckets}
	held, err := s.read(p)
	known = err == nil
	b, err := os.ReadFile(filepath.Join(s.dir, org, missedNames))
	if err == nil {
		missed, err = decode(p, b)
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err != nil || !s.marks.trusts(p, sumOfHeld(known, held, missed)) {
		return nil, false, nil, false
	}
	return held, known, missed, true
}

// sumOfHeld is the sum of what setHeld writes.
func sumOfHeld(known bool, held, missed []layout.File) layout.Sum {
	p := layout.Place{Part: layout.Buckets}
	if !known {
		return layout.SumOf(encode(p, missed))
	}
	return layout.SumOf(append(encode(p, missed), encode(p, held)...))
}

// setHeld lists the bucket files that an organization holds, if all are known,
// and those that it misses.
func (s *state) setHeld(o *organization) error {
	p := layout.Place{Org: o.name, Part: layout.Buckets}
	var held error
	if o.bucketsKnown {
		held = s.write(p, rawNames(o.buckets))
	} else {
		held = s.remove(p)
	}
	at := filepath.Join(s.dir, o.name, missedNames)
	if len(o.missed) > 0 {
		return errors.Join(held, put(at, encode(p, rawNames(o.missed))))
	}
	if err := os.Remove(at); !errors.Is(err, os.ErrNotExist) {
		held = errors.Join(held, err)
	}
	return held
}

// rawNames are files without content, in byte order of their names.
func rawNames[T any](names map[string]T) (out []layout.File) {
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, layout.File{Name: name})
	}
	return out
}

// leave removes what the mirror has of an organization that vanished, but for
// its bucket policies, which are remembered.
func (s *state) leave(v *organization) error {
	var errs []error
	for _, p := range layout.Sets {
		errs = append(errs, s.remove(layout.Place{Org: v.name, Part: p}))
	}
	return errors.Join(append(errs, s.setHeld(v), put(filepath.Join(s.dir, v.name, leftName), nil))...)
}

// left reports whether all that the mirror has of an organization is what is
// remembered of it.
func (s *state) left(org string) bool {
	_, err := os.Lstat(filepath.Join(s.dir, org, leftName))
	return err == nil
}

// stays takes back that an organization vanished.
func (s *state) stays(org string) { os.Remove(filepath.Join(s.dir, org, leftName)) }

// leftName is a file of the mirror that an organization which vanished has.
const leftName = "vanished"
