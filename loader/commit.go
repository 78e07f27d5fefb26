package loader

import (
	"slices"

	"postern/index"
	"postern/loader/internal/layout"
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
	for name, d := range f.odd {
		l.setOdd(ch, l.odd, layout.Place{Part: layout.Root, Name: name}, d)
	}
	if f.all {
		for name := range l.odd {
			if _, ok := f.odd[name]; !ok {
				l.setOdd(ch, l.odd, layout.Place{Part: layout.Root, Name: name}, nil)
			}
		}
	}
	for _, of := range f.orgs {
		l.commitOrganization(ch, of)
	}
	l.src.took(f.found)
	l.releaseMoved(ch, f)
	l.settleBlank(ch)
	l.noteLost(ch)
	l.files = 0
	for _, o := range l.orgs {
		l.files += o.files()
	}
	slices.Sort(ch.buckets)
	ch.buckets = slices.Compact(ch.buckets)
	return ch
}

// setOdd notes a name without a place; nil: it is gone.
func (l *Loader) setOdd(ch *changes, odd map[string]policy.Diagnostic, p layout.Place, d *policy.Diagnostic) {
	path := p.Path()
	old, had := odd[path]
	if d == nil {
		if had {
			delete(odd, path)
			ch.warnings = true
			l.clearFault(ch, p)
			l.src.forget(routed(p))
		}
		return
	}
	if had && old == *d {
		return
	}
	odd[path] = *d
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

func (l *Loader) commitOrganization(ch *changes, f *orgFinding) {
	o := l.orgs[f.name]
	if f.gone {
		if o != nil {
			l.remove(ch, o)
		}
		return
	}
	if o == nil {
		o = l.newOrganization(f.name)
		l.orgs[f.name] = o
	}
	ch.orgs[o.name] = struct{}{}
	o.faulted = f.fault != nil
	if f.fault != nil {
		for _, p := range layout.Sets {
			l.commitSet(ch, o, p, brokenSet(f.fault...))
		}
		l.commitBuckets(ch, o, &bucketsFinding{absent: !o.bucketsThere, fault: f.fault})
		return
	}
	for path, d := range f.odd {
		l.setOdd(ch, o.odd, oddPlace(o.name, path), d)
		delete(o.harmless, path)
	}
	for path := range f.harmless {
		o.harmless = with(o.harmless, path)
	}
	ch.warnings = ch.warnings || len(o.harmless) > 0 // they show or not as the units come and go
	if f.whole {
		for path := range o.odd {
			if _, ok := f.odd[path]; !ok && !inBuckets(o.name, path) {
				l.setOdd(ch, o.odd, oddPlace(o.name, path), nil)
				delete(o.harmless, path)
			}
		}
	}
	for _, p := range layout.Sets {
		if f.units[p] != nil {
			l.commitSet(ch, o, p, f.units[p])
		}
	}
	if f.buckets != nil {
		l.commitBuckets(ch, o, f.buckets)
	}
}

func oddPlace(org, path string) layout.Place {
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
		name: name, last: last{buckets: map[string]*bucket{}, odd: map[string]policy.Diagnostic{}},
		listed: map[string]struct{}{}, bucketWarnings: map[string]struct{}{}, bucketsKnown: l.loaded,
	}
	for i := range o.units {
		o.units[i].good = noContent
		o.units[i].known = l.loaded
	}
	return o
}

// remove takes an organization out of the model, and all that it claims.
func (l *Loader) remove(ch *changes, o *organization) {
	l.vanish(o, ch.found.meant)
	ch.gone = append(ch.gone, goneOrganization{o.name, o.claimedNames()})
	for name := range o.buckets {
		l.dropBucket(ch, o, name)
	}
	for name := range o.listed {
		delete(o.listed, name)
		l.reclaim(ch, o, name)
	}
	for _, p := range layout.Sets {
		l.clearFault(ch, layout.Place{Org: o.name, Part: p})
		l.src.forget(layout.Place{Org: o.name, Part: p})
		ch.warnings = ch.warnings || len(o.unit(p).good.warnings)+len(o.unit(p).stray) > 0
		l.digest.setAll(o.dir(p), o.unit(p).good.set().files, nil)
	}
	for path := range o.odd {
		l.setOdd(ch, o.odd, oddPlace(o.name, path), nil)
	}
	l.clearFault(ch, layout.Place{Org: o.name, Part: layout.Buckets})
	l.src.forget(layout.Place{Org: o.name, Part: layout.Buckets})
	l.src.forget(layout.Place{Org: o.name, Part: layout.Folder})
	delete(l.orgs, o.name)
	if o.published {
		ch.removed = append(ch.removed, o.name)
	}
	l.statements[policy.LayerOrganization] -= o.unit(layout.Policies).good.statements()
	l.statements[policy.LayerIAM] -= o.unit(layout.IAM).good.statements()
	l.state.Note(layout.Place{Org: o.name, Part: layout.Folder}, nil)
}

func (c *content) statements() int {
	switch {
	case c == nil:
	case c.policies != nil:
		return c.policies.Len()
	case c.set().iam != nil:
		return c.set().iam.Len()
	}
	return 0
}

func (l *Loader) commitSet(ch *changes, o *organization, p layout.Part, x *setFinding) {
	u, at := o.unit(p), layout.Place{Org: o.name, Part: p}
	u.there = x.there
	if !slices.Equal(u.stray, x.stray) {
		u.stray, ch.warnings = x.stray, true
	}
	if x.same {
		u.seen = x.seen
		return
	}
	u.seen, u.sure = x.seen, x.sure
	if x.good == nil {
		if !u.known && u.fault == nil {
			if c, ok := l.restore(p, at); ok {
				l.setContent(ch, o, p, *c)
			}
		}
		u.fault = l.setFault(ch, at, u.fault, x.diagnostics)
	} else {
		u.fault = nil
		l.clearFault(ch, at)
		if !u.known || u.good.sum != x.good.sum {
			l.setContent(ch, o, p, *x.good)
		}
	}
	l.state.Note(at, x.raw)
}

// setContent puts the good content of a unit in force.
func (l *Loader) setContent(ch *changes, o *organization, p layout.Part, c content) {
	u := o.unit(p)
	ch.warnings = ch.warnings || len(u.good.warnings)+len(c.warnings) > 0
	switch p {
	case layout.Policies:
		l.statements[policy.LayerOrganization] += c.statements() - u.good.statements()
	case layout.IAM:
		l.statements[policy.LayerIAM] += c.statements() - u.good.statements()
	}
	l.digest.setAll(o.dir(p), u.good.set().files, c.set().files)
	u.good, u.known = c, true
	if p != layout.List {
		return
	}
	old := o.listed
	list := c.set().list
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
	if c.more != nil {
		c.more.list = nil // o.listed holds the names
	}
}

// reclaim brings the claims on one bucket up to date with o's units. The
// bucket's part of the snapshot is made again in any case.
func (l *Loader) reclaim(ch *changes, o *organization, name string) {
	_, listed := o.listed[name]
	before := l.claims.more[name] != nil
	b := o.buckets[name+layout.Suffix]
	l.claims.setBlank(name, o, b.blank())
	if claimed := listed || b.claims(); l.claims.set(name, o, claimed) {
		if claimed {
			o.claimed++
		} else {
			o.claimed--
		}
	}
	ch.conflicts = ch.conflicts || before || l.claims.more[name] != nil
	ch.buckets = append(ch.buckets, name)
}

func (l *Loader) commitBuckets(ch *changes, o *organization, x *bucketsFinding) {
	at := layout.Place{Org: o.name, Part: layout.Buckets}
	o.bucketsThere = !x.absent
	if x.fault != nil {
		if !o.bucketsKnown && o.bucketsFault == nil {
			l.restoreBuckets(ch, o)
		}
		if l.vanished[o.name] != nil {
			l.recall(ch, o, nil)
		}
		first := o.bucketsFault == nil
		o.bucketsFault = l.setFault(ch, at, l.faults[at], x.fault)
		if first {
			l.state.Note(at, nil)
		}
		return
	}
	if o.bucketsFault != nil {
		o.bucketsFault = nil
		l.state.Note(at, nil)
	}
	if len(o.buckets) > 0 {
		l.commitMissed(o, x.missed)
	}
	if x.absent {
		for name := range o.buckets {
			if !o.isMissed(name) {
				l.dropBucket(ch, o, name)
			}
		}
		for path := range o.odd {
			if inBuckets(o.name, path) {
				l.setOdd(ch, o.odd, oddPlace(o.name, path), nil)
			}
		}
	}
	for path, d := range x.odd {
		l.setOdd(ch, o.odd, oddPlace(o.name, path), d)
	}
	if len(o.buckets) == 0 {
		o.buckets = make(map[string]*bucket, len(x.found))
		ch.buckets = slices.Grow(ch.buckets, len(x.found))
	}
	first := len(o.buckets) == 0
	restored := !x.absent && !o.bucketsKnown && first && l.restoreHeld(ch, o)
	if first {
		l.recall(ch, o, x)
	}
	for i := range x.found {
		l.commitBucket(ch, o, &x.found[i])
	}
	if restored { // what the mirror has and the folder has not is gone
		there := make(map[string]struct{}, len(x.found))
		for i := range x.found {
			there[x.found[i].name] = struct{}{}
		}
		for name := range o.buckets {
			if _, ok := there[name]; !ok && !o.isMissed(name) {
				l.dropBucket(ch, o, name)
			}
		}
	}
	l.settleMissed(ch, o)
	l.knowBuckets(ch, o)
}

func (l *Loader) commitBucket(ch *changes, o *organization, x *bucketFinding) {
	at := layout.Place{Org: o.name, Part: layout.Buckets, Name: x.name}
	if x.gone {
		l.dropBucket(ch, o, x.name)
		return
	}
	b := o.buckets[x.name]
	if b == nil {
		b = &bucket{known: o.bucketsKnown}
		o.buckets[x.name] = b
		if !b.known {
			l.reclaim(ch, o, layout.BucketOf(x.name))
		}
	}
	b.seen, b.sure = x.seen, x.sure
	if x.same {
		return
	}
	if x.good == nil {
		if !b.known && b.fault == nil {
			if c, ok := l.restore(layout.Buckets, at); ok {
				l.setBucket(ch, o, b, x.name, c)
			}
		}
		if b.blank() {
			l.claims.setBlank(layout.BucketOf(x.name), o, true)
			ch.blank = append(ch.blank, layout.BucketOf(x.name))
		}
		b.fault = l.setFault(ch, at, b.fault, x.diagnostics)
	} else {
		if b.fault != nil {
			b.fault = nil
			l.clearFault(ch, at)
		}
		if x.good != b.good {
			l.setBucket(ch, o, b, x.name, x.good)
		}
	}
	l.state.Note(at, x.raw)
}

// setBucket puts the good content of a bucket file in force; nil: no file.
func (l *Loader) setBucket(ch *changes, o *organization, b *bucket, file string, c *content) {
	n := c.statements() - b.good.statements()
	o.bucketStatements += n
	l.statements[policy.LayerBucket] += n
	b.good, b.known = c, true
	if c == nil {
		l.digest.set(o.dir(layout.Buckets), file, nil)
	} else {
		l.digest.set(o.dir(layout.Buckets), file, &c.sum)
	}
	if _, had := o.bucketWarnings[file]; had {
		delete(o.bucketWarnings, file)
		ch.warnings = true
	}
	if c != nil && len(c.warnings) > 0 {
		o.bucketWarnings[file] = struct{}{}
		ch.warnings = true
	}
	l.reclaim(ch, o, layout.BucketOf(file))
}

// dropBucket takes one bucket file out of the model.
func (l *Loader) dropBucket(ch *changes, o *organization, file string) {
	b := o.buckets[file]
	if b == nil {
		return
	}
	at := layout.Place{Org: o.name, Part: layout.Buckets, Name: file}
	if b.claims() {
		ch.lost = append(ch.lost, lostFile{o.name, layout.BucketOf(file), !b.known})
	}
	delete(o.buckets, file)
	l.setBucket(ch, o, b, file, nil)
	if b.fault != nil {
		l.clearFault(ch, at)
	}
	l.src.forget(at)
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
	if b := o.buckets[name+layout.Suffix]; b.claims() {
		if b.known {
			k.Policy = b.good.policies
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
