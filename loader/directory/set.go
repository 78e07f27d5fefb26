package directory

import (
	"errors"
	"slices"
	"strings"

	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
	"postern/loader/source"
	"postern/policy"
)

// setLook looks at a set.
type setLook struct {
	*scan
	f     *source.OrgFinding
	part  layout.Part
	known *source.Unit // what the last looks left of it; not nil
}

// path returns the path of a file of the set.
func (l *setLook) path(name string) string {
	if l.part == layout.List {
		return l.f.Name + "/" + name
	}
	return l.f.Name + "/" + layout.PartNames[l.part] + "/" + name
}

// look looks at the set until nothing changes during the look.
func (l *setLook) look() (*source.SetFinding, error) {
	at := tree.Look(l.real, spotOf(l.f.Trace).Real, layout.PartNames[l.part])
	if l.q.Inner && at.Through != nil && l.part != layout.List && !at.Same(l.d.of(l.f.Name).units[l.part]) {
		return nil, tree.ErrChanged // other names may have moved with it
	}
	for attempt := range source.Repeats {
		found, err := l.files(l.list())
		if !errors.Is(err, tree.ErrChanged) {
			return found, err
		}
		if err := source.Pause(l.ctx, attempt); err != nil {
			return nil, err
		}
	}
	return source.BrokenSet(layout.Problem(layout.Place{Org: l.f.Name, Part: l.part}.Path(), stillChanging)), nil
}

// listing has the names of a set.
type listing struct {
	at      tree.Spot // the folder; zero for buckets.json
	entries []entry
	stray   []policy.Diagnostic // warnings about names that are not read
	through []string            // the links that lead to all of these
	fault   *policy.Diagnostic  // why the folder cannot be listed; nil if it can
	changed bool                // the folder was exchanged during the look
}

// entry is one name where a file of the set belongs.
type entry struct {
	name    string
	spot    tree.Spot
	problem string // what is wrong with the name; "" if nothing
}

// same reports whether both listings have the same files in the same state.
func (l listing) same(o listing) bool {
	return !o.changed && l.at.Same(o.at) && (l.fault == nil) == (o.fault == nil) &&
		slices.EqualFunc(l.entries, o.entries, func(a, b entry) bool { return a.name == b.name && a.spot.Same(b.spot) })
}

// list looks at the names of the set.
func (l *setLook) list() (names listing) {
	at := tree.Look(l.real, spotOf(l.f.Trace).Real, layout.PartNames[l.part])
	l.watchLinks(at.Through)
	if l.part == layout.List {
		if at.Kind != tree.Absent {
			names.entries = []entry{judge(layout.List, layout.ListName, at)}
			names.through = at.Through
		}
		return names
	}
	names.at = at
	fault := func(message string) listing {
		d := layout.Problem(layout.Place{Org: l.f.Name, Part: l.part}.Path(), message)
		names.fault = &d
		return names
	}
	switch at.Kind {
	case tree.Absent:
		return names
	case tree.Broken:
		return fault(at.Problem)
	case tree.Regular:
		return fault("this must be a folder")
	}
	listed, err := l.names(at)
	if errors.Is(err, tree.ErrChanged) {
		names.changed = true
		return names
	}
	if err != nil {
		return fault("this folder cannot be listed: " + tree.Reason(err))
	}
	l.d.Looks.Add(int64(len(listed)))
	for _, name := range listed {
		e := judge(l.part, name, tree.Look(l.real, at.Real, name))
		l.watchLinks(e.spot.Through)
		names.through = append(names.through, e.spot.Through...)
		if e.problem == "" && !strings.HasSuffix(name, layout.Suffix) {
			if !passedOver(name) {
				names.stray = append(names.stray, layout.Warning(policy.CodeMisplacedName, l.path(name), misplacedInPart(name)))
			}
			continue
		}
		names.entries = append(names.entries, e)
	}
	return names
}

// noFolder is what is wrong with a folder where files belong.
const noFolder = "a folder has no place here: put the files one level up"

// judge returns a name where a file of the part belongs, with what is wrong with it.
func judge(p layout.Part, name string, at tree.Spot) entry {
	e := entry{name: name, spot: at}
	switch {
	case at.Kind == tree.Broken:
		e.problem = at.Problem
	case at.Kind == tree.Folder && p == layout.List:
		e.problem = "this must be a file"
	case at.Kind == tree.Folder:
		e.problem = noFolder
	case strings.HasSuffix(name, layout.Suffix):
		e.problem = layout.BadStem(p, name)
	}
	return e
}
