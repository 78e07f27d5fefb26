package loader

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
	units   [len(setParts)]bool
	buckets bool                // all of buckets/
	files   map[string]struct{} // in buckets/
	odd     map[string]struct{} // names without a place in the organization's folder
}

// listFrom is the number of names in one folder from which listing the folder
// is cheaper than looking at each.
const listFrom = 4096

// add puts a place in scope.
func (s *scope) add(p place) {
	if p.part == partRoot {
		s.all = true
	}
	if s.all {
		return
	}
	if s.orgs == nil {
		s.orgs = map[string]*orgScope{}
	}
	o := s.orgs[p.org]
	if o == nil {
		o = &orgScope{}
		s.orgs[p.org] = o
	}
	switch {
	case p.part == partFolder && p.name == "":
		o.whole = true
	case p.part == partFolder:
		o.odd = with(o.odd, p.name)
	case p.part == partBuckets && p.name == "":
		o.buckets = true
	case p.part == partBuckets:
		o.files = with(o.files, p.name)
		if len(o.files) >= listFrom {
			o.buckets = true
		}
	default:
		o.units[p.part] = true
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
