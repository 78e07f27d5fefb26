package loader

import (
	"maps"

	"postern/loader/internal/layout"
	"postern/loader/source"
)

// vanish remembers the bucket policies that a removed organization held and missed,
// in case it appears again without them (specification 4, Removals and faults). If
// the removal was meant, because POLICIES was re-pointed or SIGHUP confirms it,
// nothing is remembered.
//
// They are kept in an organization value that has Buckets and missed only and is not
// part of the model. It is kept until the organization appears again, or SIGHUP.
func (l *Loader) vanish(o *organization, meant bool) {
	if meant || len(o.Buckets) == 0 {
		return
	}
	v := &organization{name: o.name, Last: source.Last{Buckets: make(map[string]*source.Bucket, len(o.Buckets))}, bucketsKnown: o.bucketsKnown, missed: o.missed}
	for name, b := range o.Buckets {
		kept := *b
		v.Buckets[name] = &kept
	}
	l.vanished[o.name] = v
}

// goneWhileDown has what the mirror has and the first look did not find marked
// as overtaken, as any removal is, before that look is in force; of an
// organization the buckets/ is remembered, unless it was meant to go.
func (l *Loader) goneWhileDown(meant bool) {
	for _, org := range l.state.Organizations() {
		if o := l.orgs[org]; o != nil {
			if h, trusted := l.state.Listed(org); !trusted || h.Known || len(h.Missed) > 0 {
				l.state.Note(layout.Place{Org: org, Part: layout.Buckets}, nil)
			}
			for _, file := range l.state.Buckets(org) {
				if o.Buckets[file] == nil {
					l.state.Note(layout.Place{Org: org, Part: layout.Buckets, Name: file}, nil)
				}
			}
			continue
		}
		if h := l.state.Remembered(org); !meant && len(h.Files) > 0 {
			l.vanished[org] = rememberedAs(org, h)
			l.vanished[org].mirrored = true
		}
		l.state.Note(layout.Place{Org: org, Part: layout.Folder}, nil)
	}
}

// forgetVanished forgets all organizations that vanished.
func (l *Loader) forgetVanished() {
	for org, v := range l.vanished {
		delete(l.vanished, org)
		l.mirrorAgain(v)
	}
}

// mirrorAgain has the mirror brought up to date about the buckets of an organization
// that was remembered.
func (l *Loader) mirrorAgain(v *organization) {
	if l.state == nil {
		return
	}
	l.state.Note(layout.Place{Org: v.name, Part: layout.Buckets}, nil)
	for name := range v.Buckets {
		l.state.Note(layout.Place{Org: v.name, Part: layout.Buckets, Name: name}, nil)
	}
	l.state.Note(layout.Place{Org: v.name, Part: layout.Folder}, nil) // last, as it goes for what is before it
}

// recall puts back into an organization that appeared the bucket policies that it
// held and missed before it vanished, or at a cold start those that the mirror has,
// as far as they are missed now. Of an organization that vanished it also puts back
// those whose files are there again, because these may be broken. What is neither
// there nor missed was removed. x is nil if buckets/ cannot be listed: then recall
// puts back everything.
func (l *Loader) recall(ch *changes, o *organization, x *source.BucketsFinding) {
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
		v = rememberedAs(o.name, l.state.Remembered(o.name))
	}
	names := v.missed
	into := maps.Clone(v.Buckets) // all of it, where buckets/ cannot be listed
	if x != nil {
		gone := map[string]struct{}{}
		for name := range v.Buckets {
			gone[name] = struct{}{}
		}
		for i := range x.Found {
			delete(gone, x.Found[i].Name)
		}
		now := ch.found.missed.Now(v.name, v.Buckets, v.missed, gone)
		maps.DeleteFunc(into, func(name string, _ *source.Bucket) bool {
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
		for name := range gone {
			if _, missed := now[name]; missed {
				continue
			}
			if b := v.Buckets[name]; mirrored && vanished {
				l.loseMirrored(ch, o.name, name)
			} else if !mirrored && b.Claims() {
				ch.lost = append(ch.lost, lostFile{o.name, layout.BucketOf(name), !b.Known})
			}
		}
		names = now
	}
	o.bucketsKnown = v.bucketsKnown
	for name, b := range into {
		if o.Buckets[name] != nil {
			continue
		}
		if mirrored {
			l.restoreBucket(ch, o, name)
			continue
		}
		kept := &source.Bucket{Seen: b.Seen, Known: b.Known}
		o.Buckets[name] = kept
		if b.Known {
			l.setBucket(ch, o, kept, name, b.Good)
		} else {
			l.reclaim(ch, o, layout.BucketOf(name))
		}
	}
	l.commitMissed(o, names)
	if x != nil {
		x.Missed = names
	}
}
