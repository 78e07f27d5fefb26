package source

import "postern/loader/internal/layout"

// Scope is what one look looks at.
type Scope struct {
	All     bool // everything
	AtOnce  bool // nothing has to be at rest: a hold ended
	Again   bool // it was looked at in the middle of another look
	Confirm bool // SIGHUP: buckets/ folders that vanished are removals
	Orgs    map[string]*OrgScope
}

// OrgScope is what a look looks at of one organization.
type OrgScope struct {
	Whole     bool // everything
	Units     [len(layout.Sets)]bool
	Buckets   bool                // all of buckets/
	Files     map[string]struct{} // in buckets/
	Misplaced map[string]struct{} // names without a place in the organization's folder
}

// listFrom is the number of names in one folder from which listing the folder
// is cheaper than looking at each.
const listFrom = 4096

// Add puts a place in scope.
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

func With(set map[string]struct{}, name string) map[string]struct{} {
	if set == nil {
		set = map[string]struct{}{}
	}
	set[name] = struct{}{}
	return set
}

func (s *Scope) Empty() bool { return !s.All && len(s.Orgs) == 0 }
