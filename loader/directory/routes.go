package directory

import (
	"path/filepath"

	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
	"postern/loader/source"
)

// routes tells which places an event on a path is about. All paths are real, as those of
// events are: several names may lead to one folder, and what a link leads to changes
// when anything on the way there does.
type routes struct {
	inside map[string][]layout.Place // by folder: the places whose names are in it
	exact  map[string][]layout.Place // by path: the places that depend on that name itself
	own    map[layout.Place]route    // what set was called with
}

type route struct{ inside, exact []string }

func newRoutes() routes {
	return routes{inside: map[string][]layout.Place{}, exact: map[string][]layout.Place{}, own: map[layout.Place]route{}}
}

// set replaces what leads to p: any name in the folders inside, and the paths exact.
// Nothing is kept for a bucket file without links, as its folder has it inside.
func (r *routes) set(p layout.Place, inside, exact []string) {
	r.drop(p)
	if len(inside)+len(exact) == 0 {
		return
	}
	r.own[p] = route{inside, exact}
	for _, path := range inside {
		r.inside[path] = append(r.inside[path], p)
	}
	for _, path := range exact {
		r.exact[path] = append(r.exact[path], p)
	}
}

func (r *routes) drop(p layout.Place) {
	old, ok := r.own[p]
	if !ok {
		return
	}
	delete(r.own, p)
	for _, path := range old.inside {
		without(r.inside, path, p)
	}
	for _, path := range old.exact {
		without(r.exact, path, p)
	}
}

func without(m map[string][]layout.Place, path string, p layout.Place) {
	kept := m[path][:0]
	for _, q := range m[path] {
		if q != p {
			kept = append(kept, q)
		}
	}
	if len(kept) == 0 {
		delete(m, path)
		return
	}
	m[path] = kept
}

// folders calls do with every folder that has to be watched.
func (r *routes) folders(do func(string)) {
	for path := range r.inside {
		do(path)
	}
	for path := range r.exact {
		do(filepath.Dir(path))
	}
}

// mark adds to the scope what an event on path is about.
func (r *routes) mark(sc *source.Scope, path string) {
	for _, p := range r.exact[path] {
		sc.Add(p)
	}
	for _, p := range r.inside[path] { // about the folder itself
		if p.Part == layout.Root {
			sc.Add(p)
		} else {
			sc.Add(layout.Place{Org: p.Org, Part: p.Part})
		}
	}
	name := filepath.Base(path)
	if tree.Ignored(name) {
		return
	}
	for _, p := range r.inside[filepath.Dir(path)] {
		switch p.Part {
		case layout.Root:
			sc.Add(layout.Place{Org: name, Part: layout.Folder})
		case layout.Folder:
			sc.Add(inFolder(p.Org, name))
		case layout.Buckets:
			sc.Add(layout.Place{Org: p.Org, Part: layout.Buckets, Name: name})
		default:
			sc.Add(p)
		}
	}
}

// inFolder returns the place of a name in an organization's folder.
func inFolder(org, name string) layout.Place {
	for p, n := range layout.PartNames {
		if n == name {
			return layout.Place{Org: org, Part: layout.Part(p)}
		}
	}
	return layout.Place{Org: org, Part: layout.Folder, Name: name}
}
