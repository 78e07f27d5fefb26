package directory

import (
	"slices"
	"sync"

	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
	"postern/loader/source"
)

// trace is Found.Trace: what the directory keeps of a look when the loader has committed
// its findings.
type trace struct {
	root    tree.Spot
	through []string // the links that lead to the root
	surveys map[string]tree.Spot

	mu    sync.Mutex
	links map[layout.Place][]string // the links that lead to names that have no place in the layout
}

// setTrace is SetFinding.Trace.
type setTrace struct {
	at      tree.Spot // the folder; zero for buckets.json
	through []string  // the links that lead to the files
}

// spotOf returns the spot that an OrgFinding.Trace or a BucketsFinding.Trace is.
func spotOf(trace any) tree.Spot {
	at, _ := trace.(tree.Spot)
	return at
}

// link notes the links that lead to a name that has no place in the layout, since a
// change of one of them may make it an organization's, or an error.
func (t *trace) link(p layout.Place, at tree.Spot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.links == nil {
		t.links = map[layout.Place][]string{}
	}
	t.links[p] = at.Through
}

// Took implements source.Source.
func (d *Source) Took(f *source.Found) {
	t, ok := f.Trace.(*trace)
	if !ok {
		return
	}
	d.at = t.root
	d.routes.set(layout.Place{Part: layout.Root}, []string{t.root.Real}, t.through)
	for _, of := range f.Orgs {
		d.tookOrganization(of)
	}
	for p, through := range t.links {
		if touched := f.Touched; touched != nil && touched.Orgs[p.Org] != nil {
			continue // a look in between knows better
		}
		if p.Part == layout.Folder && p.Name == "" && d.spots[p.Org] != nil {
			continue
		}
		d.routes.set(p, nil, through)
	}
	for name := range d.arriving {
		if _, looked := f.Misplaced[name]; f.All || looked {
			delete(d.arriving, name)
		}
	}
	for name := range f.Surveys {
		d.arriving[name] = t.surveys[name]
	}
	if d.watcher != nil && f.All {
		wanted := map[string]struct{}{}
		d.routes.folders(func(dir string) { wanted[dir] = struct{}{} })
		d.watcher.keep(wanted)
	}
}

func (d *Source) tookOrganization(f *source.OrgFinding) {
	if f.Gone {
		delete(d.spots, f.Name)
		return
	}
	o := d.spots[f.Name]
	if o == nil {
		o = &spots{}
		d.spots[f.Name] = o
	}
	o.at = spotOf(f.Trace)
	if f.Whole {
		d.routes.set(layout.Place{Org: f.Name, Part: layout.Folder}, o.at.Folder(), o.at.Through)
	}
	if f.Fault != nil {
		for _, p := range layout.Sets {
			o.units[p] = tree.Spot{}
			d.routes.drop(layout.Place{Org: f.Name, Part: p})
		}
		return
	}
	for p, x := range f.Units {
		if x == nil {
			continue
		}
		t, ok := x.Trace.(*setTrace)
		if !ok {
			t = &setTrace{}
		}
		o.units[p] = t.at
		d.routes.set(layout.Place{Org: f.Name, Part: layout.Part(p)}, t.at.Folder(), slices.Concat(t.at.Through, t.through))
	}
	b := f.Buckets
	if b == nil {
		return
	}
	o.buckets = spotOf(b.Trace)
	d.routes.set(layout.Place{Org: f.Name, Part: layout.Buckets}, o.buckets.Folder(), o.buckets.Through)
	if b.Fault != nil {
		return
	}
	for i := range b.Found {
		if x := &b.Found[i]; !x.Gone {
			through, _ := x.Trace.([]string)
			d.routes.set(layout.Place{Org: f.Name, Part: layout.Buckets, Name: x.Name}, nil, through)
		}
	}
}
