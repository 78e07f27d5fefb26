package loader

import (
	"slices"

	"postern/index"
	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

// changes are what one commit did to the model.
type changes struct {
	orgs       map[string]struct{} // whose part of the snapshot may be another
	removed    []string            // organizations in force that are gone
	buckets    []string            // likewise; in byte order, each once, when the commit is done
	gone       []goneOrganization
	lost       []lostFile // bucket files that went with what they said
	blank      []string   // buckets with a file that may be blank since
	quarantine bool       // units came or went
	warnings   bool
	conflicts  bool
	found      *findings
}

// commit makes findings the model. It is the only place that changes it.
func (l *Loader) commit(f *findings) *changes {
	ch := &changes{orgs: map[string]struct{}{}, found: f}
	if f.meant {
		l.forgetVanished()
		for _, o := range l.orgs {
			l.commitMissed(o, nil)
		}
	}
	for name, d := range f.Misplaced {
		l.setMisplaced(ch, l.misplaced, layout.Place{Part: layout.Root, Name: name}, d)
	}
	if f.All {
		for name := range l.misplaced {
			if _, ok := f.Misplaced[name]; !ok {
				l.setMisplaced(ch, l.misplaced, layout.Place{Part: layout.Root, Name: name}, nil)
			}
		}
	}
	for _, of := range f.Orgs {
		l.commitOrganization(ch, of)
	}
	l.src.Took(f.Found)
	l.releaseMoved(ch, f)
	l.settleBlank(ch)
	for _, x := range ch.lost {
		l.rest.Lost(x.bucket+layout.Suffix, x.unknown)
	}
	l.files = 0
	for _, o := range l.orgs {
		l.files += o.files()
	}
	slices.Sort(ch.buckets)
	ch.buckets = slices.Compact(ch.buckets)
	return ch
}

// setMisplaced notes a name without a place; nil: it is gone.
func (l *Loader) setMisplaced(ch *changes, misplaced map[string]policy.Diagnostic, p layout.Place, d *policy.Diagnostic) {
	path := p.Path()
	old, had := misplaced[path]
	if d == nil {
		if had {
			delete(misplaced, path)
			ch.warnings = true
			l.clearFault(ch, p)
			l.src.Forget(routed(p))
		}
		return
	}
	if had && old == *d {
		return
	}
	misplaced[path] = *d
	ch.warnings = true
	if d.Severity == policy.Error {
		l.setFault(ch, p, nil, []policy.Diagnostic{*d})
	} else {
		l.clearFault(ch, p)
	}
}

// routed is the place under which events of a name without a place are routed.
func routed(p layout.Place) layout.Place {
	if p.Part == layout.Root {
		return layout.Place{Org: p.Name, Part: layout.Folder}
	}
	if path := p.Path(); inBuckets(p.Org, path) {
		return layout.Place{Org: p.Org, Part: layout.Buckets, Name: p.Name[len(layout.BucketsName)+1:]}
	}
	return p
}

func (l *Loader) commitOrganization(ch *changes, f *source.OrgFinding) {
	o := l.orgs[f.Name]
	if f.Gone {
		if o != nil {
			l.remove(ch, o)
		}
		return
	}
	if o == nil {
		o = l.newOrganization(f.Name)
		l.orgs[f.Name] = o
	}
	ch.orgs[o.name] = struct{}{}
	o.Faulted = f.Fault != nil
	if f.Fault != nil {
		for _, p := range layout.Sets {
			l.commitSet(ch, o, p, source.BrokenSet(f.Fault...))
		}
		l.commitBuckets(ch, o, &source.BucketsFinding{Absent: !o.bucketsThere, Fault: f.Fault})
		return
	}
	for path, d := range f.Misplaced {
		l.setMisplaced(ch, o.Misplaced, misplacedPlace(o.name, path), d)
		delete(o.harmless, path)
	}
	for path := range f.Harmless {
		o.harmless = source.With(o.harmless, path)
	}
	ch.warnings = ch.warnings || len(o.harmless) > 0 // they show or not as the units come and go
	if f.Whole {
		for path := range o.Misplaced {
			if _, ok := f.Misplaced[path]; !ok && !inBuckets(o.name, path) {
				l.setMisplaced(ch, o.Misplaced, misplacedPlace(o.name, path), nil)
				delete(o.harmless, path)
			}
		}
	}
	for _, p := range layout.Sets {
		if f.Units[p] != nil {
			l.commitSet(ch, o, p, f.Units[p])
		}
	}
	if f.Buckets != nil {
		l.commitBuckets(ch, o, f.Buckets)
	}
}

func misplacedPlace(org, path string) layout.Place {
	return layout.Place{Org: org, Part: layout.Folder, Name: path[len(org)+1:]}
}

func inBuckets(org, path string) bool {
	prefix := org + "/" + layout.BucketsName + "/"
	return len(path) > len(prefix) && path[:len(prefix)] == prefix
}

// newOrganization: before the first look nothing is known of it; afterwards it
// is known that nothing of it was there.
func (l *Loader) newOrganization(name string) *organization {
	o := &organization{
		name: name, Last: source.Last{Buckets: map[string]*source.Bucket{}, Misplaced: map[string]policy.Diagnostic{}},
		listed: map[string]struct{}{}, bucketWarnings: map[string]struct{}{}, bucketsKnown: l.loaded,
	}
	for i := range o.Units {
		o.Units[i].Good = source.NoContent
		o.Units[i].Known = l.loaded
	}
	return o
}

// remove takes an organization out of the model, and all that it claims.
func (l *Loader) remove(ch *changes, o *organization) {
	l.vanish(o, ch.found.meant)
	ch.gone = append(ch.gone, goneOrganization{o.name, o.claimedNames()})
	for name := range o.Buckets {
		l.dropBucket(ch, o, name)
	}
	for name := range o.listed {
		delete(o.listed, name)
		l.reclaim(ch, o, name)
	}
	for _, p := range layout.Sets {
		l.clearFault(ch, layout.Place{Org: o.name, Part: p})
		l.src.Forget(layout.Place{Org: o.name, Part: p})
		ch.warnings = ch.warnings || len(o.Unit(p).Good.Warnings)+len(o.Unit(p).Stray) > 0
		l.digest.SetAll(o.folder(p), o.Unit(p).Good.Set().Files, nil)
	}
	for path := range o.Misplaced {
		l.setMisplaced(ch, o.Misplaced, misplacedPlace(o.name, path), nil)
	}
	l.clearFault(ch, layout.Place{Org: o.name, Part: layout.Buckets})
	l.src.Forget(layout.Place{Org: o.name, Part: layout.Buckets})
	l.src.Forget(layout.Place{Org: o.name, Part: layout.Folder})
	delete(l.orgs, o.name)
	if o.published {
		ch.removed = append(ch.removed, o.name)
	}
	for p, layer := range layers {
		l.statements[layer] -= o.Units[p].Good.Statements()
	}
	l.state.Note(layout.Place{Org: o.name, Part: layout.Folder}, nil)
}

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

// setContent puts the good content of a unit in force.
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

// reclaim brings the claims on one bucket up to date with o's units. The
// bucket's part of the snapshot is made again in any case.
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
	at := layout.Place{Org: o.name, Part: layout.Buckets}
	o.bucketsThere = !x.Absent
	if x.Fault != nil {
		if !o.bucketsKnown && o.BucketsFault == nil {
			l.restoreBuckets(ch, o)
		}
		if l.vanished[o.name] != nil {
			l.recall(ch, o, nil)
		}
		first := o.BucketsFault == nil
		o.BucketsFault = l.setFault(ch, at, l.faults[at], x.Fault)
		if first {
			l.state.Note(at, nil)
		}
		return
	}
	if o.BucketsFault != nil {
		o.BucketsFault = nil
		l.state.Note(at, nil)
	}
	if len(o.Buckets) > 0 {
		l.commitMissed(o, x.Missed)
	}
	if x.Absent {
		for name := range o.Buckets {
			if !o.isMissed(name) {
				l.dropBucket(ch, o, name)
			}
		}
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
		for name := range o.Buckets {
			if _, ok := there[name]; !ok && !o.isMissed(name) {
				l.dropBucket(ch, o, name)
			}
		}
	}
	l.settleMissed(ch, o)
	l.knowBuckets(ch, o)
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
		if !b.Known {
			l.reclaim(ch, o, layout.BucketOf(x.Name))
		}
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

// setBucket puts the good content of a bucket file in force; nil: no file.
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
	l.setBucket(ch, o, b, file, nil)
	if b.Fault != nil {
		l.clearFault(ch, at)
	}
	l.src.Forget(at)
	l.state.Note(at, nil)
}

// bucketNow is what the snapshot has to say of a bucket; false: nothing.
func (l *Loader) bucketNow(name string) (index.Bucket, bool) {
	owners := l.claims.of(name)
	if len(owners) == 0 {
		return index.Bucket{}, false
	}
	o := owners[0]
	k := index.Bucket{Owner: o.name}
	if b := o.Buckets[name+layout.Suffix]; b.Claims() {
		if b.Known {
			k.Policy = b.Good.Policies
		}
		// Whatever is wrong with a policy that is there: it is not none.
		k.PolicyUnavailable = k.Policy == nil
	} else {
		k.PolicyUnavailable = b == nil && !o.bucketsKnown
	}
	for _, other := range owners[1:] {
		k.Claimants = append(k.Claimants, other.name)
	}
	return k, true
}
