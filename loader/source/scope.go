package source

import "postern/loader/internal/layout"

// Scope is what one look is about.
type Scope struct {
	All     bool // everything; Orgs is not used
	AtOnce  bool // no folder has to be at rest, because a hold ended
	Again   bool // a look in the middle of another one was about it before
	Confirm bool // SIGHUP: what is missed was meant to go
	Meant   bool // a transaction has ended: what is missed was meant to go
	Orgs    map[string]*OrgScope
}

// OrgScope is what one look is about in one organization.
type OrgScope struct {
	Whole     bool                   // everything in it
	Units     [len(layout.Sets)]bool // these units
	Buckets   bool                   // all of buckets/
	Files     map[string]struct{}    // these files of buckets/
	Misplaced map[string]struct{}    // these names of the folder, which have no place in the layout
}

// listFrom is the number of names in one folder from which listing the folder
// is cheaper than looking at each.
const listFrom = 4096

// Add adds a place to the scope.
func (s *Scope) Add(p layout.Place) {
	if p.Part == layout.Root {
		s.All = true
	}
	if s.All {
		return
	}
	if s.Orgs == nil {
		s.Orgs = map[string]*OrgScope{}
	}
	o := s.Orgs[p.Org]
	if o == nil {
		o = &OrgScope{}
		s.Orgs[p.Org] = o
	}
	switch {
	case p.Part == layout.Folder && p.Name == "":
		o.Whole = true
	case p.Part == layout.Folder:
		o.Misplaced = With(o.Misplaced, p.Name)
	case p.Part == layout.Buckets && p.Name == "":
		o.Buckets = true
	case p.Part == layout.Buckets:
		o.Files = With(o.Files, p.Name)
		if len(o.Files) >= listFrom {
			o.Buckets = true
		}
	default:
		o.Units[p.Part] = true
	}
}

// Join adds to the scope what o is about.
func (s *Scope) Join(o *Scope) {
	if o.All {
		s.Add(layout.Place{Part: layout.Root})
	}
	for org, x := range o.Orgs {
		if x.Whole {
			s.Add(layout.Place{Org: org, Part: layout.Folder})
		}
		for p, asked := range x.Units {
			if asked {
				s.Add(layout.Place{Org: org, Part: layout.Part(p)})
			}
		}
		if x.Buckets {
			s.Add(layout.Place{Org: org, Part: layout.Buckets})
		}
		for name := range x.Files {
			s.Add(layout.Place{Org: org, Part: layout.Buckets, Name: name})
		}
		for name := range x.Misplaced {
			s.Add(layout.Place{Org: org, Part: layout.Folder, Name: name})
		}
	}
}

// With adds a name to a set, which it makes if it is nil.
func With(set map[string]struct{}, name string) map[string]struct{} {
	if set == nil {
		set = map[string]struct{}{}
	}
	set[name] = struct{}{}
	return set
}

// Empty reports whether there is nothing to look at.
func (s *Scope) Empty() bool { return !s.All && len(s.Orgs) == 0 }
