package loader

import (
	"slices"

	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

func (l *Loader) commitSet(ch *changes, o *organization, p layout.Part, x *source.SetFinding) {
	u, at := o.Unit(p), layout.Place{Org: o.name, Part: p}
	u.There = x.There
	if !slices.Equal(u.Stray, x.Stray) {
		u.Stray, ch.warnings = x.Stray, true
	}
	if x.Same {
		u.Seen = x.Seen
		return
	}
	u.Seen, u.Complete = x.Seen, x.Complete
	if x.Good == nil {
		if !u.Known && u.Fault == nil {
			if c, ok := l.restore(p, at); ok {
				l.setContent(ch, o, p, *c)
			}
		}
		u.Fault = l.setFault(ch, at, u.Fault, x.Diagnostics)
	} else {
		u.Fault = nil
		l.clearFault(ch, at)
		if !u.Known || u.Good.Sum != x.Good.Sum {
			l.setContent(ch, o, p, *x.Good)
		}
	}
	l.state.Note(at, x.Raw)
}

// setContent replaces the good content of a set.
func (l *Loader) setContent(ch *changes, o *organization, p layout.Part, c source.Content) {
	u := o.Unit(p)
	ch.warnings = ch.warnings || len(u.Good.Warnings)+len(c.Warnings) > 0
	l.statements[layers[p]] += c.Statements() - u.Good.Statements()
	l.digest.SetAll(o.folder(p), u.Good.Set().Files, c.Set().Files)
	u.Good, u.Known = c, true
	if p != layout.List {
		return
	}
	old := o.listed
	list := c.Set().List
	o.listed = make(map[string]struct{}, len(list))
	for _, name := range list {
		o.listed[name] = struct{}{}
		if _, ok := old[name]; !ok {
			l.reclaim(ch, o, name)
		}
	}
	for name := range old {
		if _, ok := o.listed[name]; !ok {
			l.reclaim(ch, o, name)
		}
	}
	if c.More != nil {
		c.More.List = nil // o.listed holds the names
	}
}

// reclaim brings o's claim on a bucket up to date with o's units, and has the
// bucket's part of the snapshot made again.
func (l *Loader) reclaim(ch *changes, o *organization, name string) {
	_, listed := o.listed[name]
	before := l.claims.more[name] != nil
	b := o.Buckets[name+layout.Suffix]
	l.claims.setBlank(name, o, b.Blank())
	if claimed := listed || b.Claims(); l.claims.set(name, o, claimed) {
		if claimed {
			o.claimed++
		} else {
			o.claimed--
		}
	}
	ch.conflicts = ch.conflicts || before || l.claims.more[name] != nil
	ch.buckets = append(ch.buckets, name)
}

func (l *Loader) commitBuckets(ch *changes, o *organization, x *source.BucketsFinding) {
	o.bucketsThere = !x.Absent
	if x.Fault != nil {
		l.faultBuckets(ch, o, x.Fault)
		return
	}
	if o.BucketsFault != nil {
		o.BucketsFault = nil
		l.state.Note(layout.Place{Org: o.name, Part: layout.Buckets}, nil)
	}
	if len(o.Buckets) > 0 {
		l.commitMissed(o, x.Missed)
	}
	if x.Absent {
		l.dropOthers(ch, o, nil)
		for path := range o.Misplaced {
			if inBuckets(o.name, path) {
				l.setMisplaced(ch, o.Misplaced, misplacedPlace(o.name, path), nil)
			}
		}
	}
	for path, d := range x.Misplaced {
		l.setMisplaced(ch, o.Misplaced, misplacedPlace(o.name, path), d)
	}
	if len(o.Buckets) == 0 {
		o.Buckets = make(map[string]*source.Bucket, len(x.Found))
		ch.buckets = slices.Grow(ch.buckets, len(x.Found))
	}
	first := len(o.Buckets) == 0
	restored := !x.Absent && !o.bucketsKnown && first && l.restoreHeld(ch, o)
	if first {
		l.recall(ch, o, x)
	}
	for i := range x.Found {
		l.commitBucket(ch, o, &x.Found[i])
	}
	if restored { // what the mirror has and the folder has not is gone
		there := make(map[string]struct{}, len(x.Found))
		for i := range x.Found {
			there[x.Found[i].Name] = struct{}{}
		}
		l.dropOthers(ch, o, there)
	}
	l.settleMissed(ch, o)
	l.knowBuckets(ch, o)
}

// faultBuckets quarantines buckets/ itself. What it held stays in force; at a cold
// start that is what the mirror has.
func (l *Loader) faultBuckets(ch *changes, o *organization, fault []policy.Diagnostic) {
	at, first := layout.Place{Org: o.name, Part: layout.Buckets}, o.BucketsFault == nil
	if !o.bucketsKnown && first {
		l.restoreBuckets(ch, o)
	}
	if l.vanished[o.name] != nil {
		l.recall(ch, o, nil)
	}
	o.BucketsFault = l.setFault(ch, at, l.faults[at], fault)
	if first {
		l.state.Note(at, nil)
	}
}

// dropOthers takes out of the model the bucket files that are neither in there nor
// missed.
func (l *Loader) dropOthers(ch *changes, o *organization, there map[string]struct{}) {
	for name := range o.Buckets {
		if _, ok := there[name]; !ok && !o.isMissed(name) {
			l.dropBucket(ch, o, name)
		}
	}
}

func (l *Loader) commitBucket(ch *changes, o *organization, x *source.BucketFinding) {
	at := layout.Place{Org: o.name, Part: layout.Buckets, Name: x.Name}
	if x.Gone {
		l.dropBucket(ch, o, x.Name)
		return
	}
	b := o.Buckets[x.Name]
	if b == nil {
		b = &source.Bucket{Known: o.bucketsKnown}
		o.Buckets[x.Name] = b
		if !b.Known && x.Good == nil { // else setBucket does
			l.reclaim(ch, o, layout.BucketOf(x.Name))
		}
		l.noteHeld(o)
	}
	b.Seen, b.Complete = x.Seen, x.Complete
	if x.Same {
		return
	}
	if x.Good == nil {
		if !b.Known && b.Fault == nil {
			if c, ok := l.restore(layout.Buckets, at); ok {
				l.setBucket(ch, o, b, x.Name, c)
			}
		}
		if b.Blank() {
			l.claims.setBlank(layout.BucketOf(x.Name), o, true)
			ch.blank = append(ch.blank, layout.BucketOf(x.Name))
		}
		b.Fault = l.setFault(ch, at, b.Fault, x.Diagnostics)
	} else {
		if b.Fault != nil {
			b.Fault = nil
			l.clearFault(ch, at)
		}
		if x.Good != b.Good {
			l.setBucket(ch, o, b, x.Name, x.Good)
		}
	}
	l.state.Note(at, x.Raw)
}

// setBucket replaces the good content of a bucket file; c is nil if that is that
// there is no file.
func (l *Loader) setBucket(ch *changes, o *organization, b *source.Bucket, file string, c *source.Content) {
	n := c.Statements() - b.Good.Statements()
	o.bucketStatements += n
	l.statements[policy.LayerBucket] += n
	b.Good, b.Known = c, true
	if c == nil {
		l.digest.Set(o.folder(layout.Buckets), file, nil)
	} else {
		l.digest.Set(o.folder(layout.Buckets), file, &c.Sum)
	}
	if _, had := o.bucketWarnings[file]; had {
		delete(o.bucketWarnings, file)
		ch.warnings = true
	}
	if c != nil && len(c.Warnings) > 0 {
		o.bucketWarnings[file] = struct{}{}
		ch.warnings = true
	}
	l.reclaim(ch, o, layout.BucketOf(file))
}

// dropBucket takes one bucket file out of the model.
func (l *Loader) dropBucket(ch *changes, o *organization, file string) {
	b := o.Buckets[file]
	if b == nil {
		return
	}
	at := layout.Place{Org: o.name, Part: layout.Buckets, Name: file}
	if b.Claims() {
		ch.lost = append(ch.lost, lostFile{o.name, layout.BucketOf(file), !b.Known})
	}
	delete(o.Buckets, file)
	l.noteHeld(o)
	l.setBucket(ch, o, b, file, nil)
	if b.Fault != nil {
		l.clearFault(ch, at)
	}
	l.src.Forget(at)
	l.state.Note(at, nil)
}
