package loader

import (
	"slices"

	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

// changes is what one commit did to the model.
type changes struct {
	orgs       map[string]struct{} // organizations whose part of the snapshot may have changed
	removed    []string            // organizations that the snapshot has and the model has no more
	buckets    []string            // buckets whose part may have changed; sorted and unique after the commit
	gone       []goneOrganization  // organizations that were removed, for the log
	lost       []lostFile          // bucket files that were removed and were not blank
	blank      []string            // buckets of which a file may have become blank
	quarantine bool                // a unit was quarantined or is quarantined no longer, or its errors changed
	warnings   bool                // warnings changed
	conflicts  bool                // claims changed on a bucket that several organizations claim
	found      *findings
}

// commit commits findings to the model. Nothing else changes the model.
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
	if !l.loaded {
		l.goneWhileDown(f.meant)
	}
	l.files = 0
	for _, o := range l.orgs {
		l.files += o.files()
	}
	slices.Sort(ch.buckets)
	ch.buckets = slices.Compact(ch.buckets)
	f.Orgs = nil // at a start this is a fifth of what is live, and publishing needs as much again
	return ch
}

// setMisplaced notes a name that has no place in the layout; d is nil if the name is
// gone.
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

// routed returns the place under which the source has the links to a name that has
// no place in the layout.
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

// newOrganization returns an organization that has nothing. After the first look it
// is known that nothing of it was there; before, its units have no known content.
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

// remove takes an organization out of the model, with its claims.
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
