package directory

import (
	"errors"
	"maps"
	"slices"

	"postern/loader/internal/layout"
	"postern/loader/internal/tree"
	"postern/loader/source"
	"postern/policy"
)

// organization looks at one name in the root, and collects the tasks for it.
func (s *scan) organization(name string) error {
	at := tree.Look(s.real, s.real, name)
	s.watchLinks(at.Through)
	valid := layout.ValidOrganization(name)
	if at.Kind == tree.Regular || !valid {
		s.trace.link(layout.Place{Org: name, Part: layout.Folder}, at)
	}
	s.found.Misplaced[name] = judgeInRoot(name, valid, at)
	if !valid && (at.Kind == tree.Broken || at.Kind == tree.Folder) {
		return nil // not checked again at the end, as what has no place may be a growing log
	}
	f, known := &source.OrgFinding{Name: name, Trace: at}, s.q.Org(name)
	s.check(name, s.real, name, at)
	if f.Gone = at.Kind == tree.Regular || at.Kind == tree.Absent; f.Gone {
		if known != nil {
			s.found.Orgs = append(s.found.Orgs, f)
		}
		return nil
	}
	waiting, arriving := s.d.arriving[name]
	arriving = arriving && known == nil && waiting.Same(at)
	if s.q.Scope.All || at.Through == nil || arriving {
		if s.arriving(name, at) && !s.atRest(name, at) {
			return nil
		}
	}
	s.found.Orgs = append(s.found.Orgs, f)
	sc := &source.OrgScope{Whole: true}
	if !s.q.Scope.All && !arriving {
		moved := known == nil || !s.d.of(name).at.Same(at)
		if moved && at.Through != nil {
			return tree.ErrChanged // other names may have moved with it
		}
		if !moved && !known.Faulted {
			sc = s.q.Scope.Orgs[name]
		}
	}
	f.Whole = sc.Whole
	if at.Kind == tree.Broken {
		f.Whole, f.Fault = true, []policy.Diagnostic{layout.Problem(name, at.Problem)}
		return nil
	}
	return s.parts(f, sc, known)
}

// judgeInRoot returns what is wrong with a name in the root that has no place there, nil
// if nothing is. valid says that an organization can have the name.
func judgeInRoot(name string, valid bool, at tree.Spot) *policy.Diagnostic {
	var d policy.Diagnostic
	switch {
	case at.Kind == tree.Broken && !valid:
		d = layout.Problem(name, at.Problem)
	case at.Kind == tree.Folder && !valid:
		d = layout.Warning(policy.CodeMisplacedName, name, misplacedFolder(name))
	case at.Kind == tree.Regular && name != manifest && !passedOver(name):
		d = layout.Warning(policy.CodeMisplacedName, name, misplacedInRoot(name))
	default:
		return nil
	}
	return &d
}

// parts collects the tasks for the parts of one organization.
func (s *scan) parts(f *source.OrgFinding, sc *source.OrgScope, known *source.Last) error {
	f.Misplaced = map[string]*policy.Diagnostic{}
	names := slices.Collect(maps.Keys(sc.Misplaced))
	if sc.Whole {
		var err error
		names, err = s.names(spotOf(f.Trace))
		if errors.Is(err, tree.ErrChanged) && !s.q.Last {
			return err
		}
		if err != nil {
			f.Fault = []policy.Diagnostic{layout.Problem(f.Name, "this folder cannot be listed: "+tree.Reason(err))}
			return nil
		}
	} else if len(names) > 0 {
		// Of a folder whose names cannot be looked at nothing is known of single ones:
		// that is its own fault, which a look at the whole folder finds.
		h, err := tree.Enter(s.root, s.real, spotOf(f.Trace))
		if errors.Is(err, tree.ErrChanged) && !s.q.Last {
			return err
		}
		if err != nil {
			names = nil
		} else {
			h.Close()
		}
	}
	for _, name := range names {
		if !layout.IsPart(name) {
			s.misplacedName(f, name)
		}
	}
	for _, p := range layout.Sets {
		if sc.Whole || sc.Units[p] {
			u := &source.Unit{}
			if known != nil {
				u = known.Unit(p)
			}
			if !s.q.Scope.All {
				s.counted.Add(int64(-len(u.Seen)))
			}
			s.tasks = append(s.tasks, func() error {
				found, err := (&setLook{s, f, p, u}).look()
				f.Units[p] = found
				return err
			})
		}
	}
	if sc.Whole || sc.Buckets || len(sc.Files) > 0 {
		s.waiting = append(s.waiting, func() { s.buckets(f, sc, known) })
	}
	return nil
}

// misplacedName judges a name in an organization's folder that has no place there.
func (s *scan) misplacedName(f *source.OrgFinding, name string) {
	path := f.Name + "/" + name
	at := tree.Look(s.real, spotOf(f.Trace).Real, name)
	s.watchLinks(at.Through)
	s.trace.link(layout.Place{Org: f.Name, Part: layout.Folder, Name: name}, at)
	var d policy.Diagnostic
	switch at.Kind {
	case tree.Absent:
		f.Misplaced[path] = nil
		return
	case tree.Broken:
		d = layout.Problem(path, at.Problem)
	default:
		if at.Kind == tree.Regular && passedOver(name) {
			f.Misplaced[path] = nil
			return
		}
		if nearest(name, at.Kind == tree.Folder) == "" && !holdsJSON(at, name) {
			f.Harmless = source.With(f.Harmless, path)
		}
		d = layout.Warning(policy.CodeMisplacedName, path, misplacedInFolder(name, at))
	}
	f.Misplaced[path] = &d
}
