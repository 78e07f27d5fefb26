package loader

import "postern/loader/internal/layout"

// scope is what one look looks at.
type scope struct {
	all     bool // everything
	atOnce  bool // nothing has to be at rest: a hold ended
	again   bool // it was looked at in the middle of another look
	confirm bool // SIGHUP: buckets/ folders that vanished are removals
	orgs    map[string]*orgScope
}

// orgScope is what a look looks at of one organization.
type orgScope struct {
	whole   bool // everything
	units   [len(layout.Sets)]bool
	buckets bool                // all of buckets/
	files   map[string]struct{} // in buckets/
	odd     map[string]struct{} // names without a place in the organization's folder
}

// listFrom is the number of names in one folder from which listing the folder
// is cheaper than looking at each.
const listFrom = 4096

// add puts a place in scope.
func (s *scope) add(p layout.Place) {
	if p.Part == layout.Root {
		s.all = true
	}
	if s.all {
		return
	}
	if s.orgs == nil {
		s.orgs = map[string]*orgScope{}
	}
	o := s.orgs[p.Org]
	if o == nil {
		o = &orgScope{}
		s.orgs[p.Org] = o
	}
	switch {
	case p.Part == layout.Folder && p.Name == "":
		o.whole = true
	case p.Part == layout.Folder:
		o.odd = with(o.odd, p.Name)
	case p.Part == layout.Buckets && p.Name == "":
		o.buckets = true
	case p.Part == layout.Buckets:
		o.files = with(o.files, p.Name)
		if len(o.files) >= listFrom {
			o.buckets = true
		}
	default:
		o.units[p.Part] = true
	}
}

func with(set map[string]struct{}, name string) map[string]struct{} {
	if set == nil {
		set = map[string]struct{}{}
	}
	set[name] = struct{}{}
	return set
}

func (s *scope) empty() bool { return !s.all && len(s.orgs) == 0 }
