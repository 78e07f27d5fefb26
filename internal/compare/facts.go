package compare

import (
	"math"
	"slices"

	"postern/policy"
)

// defaults compares what requests come to that do not say whose the caller or
// the resource is, where `-default-org` is in force on one side only.
func (x *comparison) defaults() {
	if x.old.DefaultOrganization == x.new.DefaultOrganization {
		return
	}
	for _, side := range []struct {
		direction Direction
		org, fact string
	}{
		{Gained, x.new.DefaultOrganization, "-default-org is in force: no other organization has a folder any more"},
		{Lost, x.old.DefaultOrganization, "-default-org is in force no more: another organization has a folder"},
	} {
		if side.org == "" {
			continue
		}
		q := x.question(side.direction, nil)
		class := Class{Direction: side.direction, Cause: Cause{New: side.direction == Gained, Fact: side.fact}, Organization: side.org}
		scenarios := []scenario{
			{caller: side.org, owner: side.org, blank: true, statesOwner: true},
			{caller: side.org, owner: side.org, blank: true, kind: policy.ResourceOrganization},
			{caller: side.org, owner: side.org},
		}
		for _, name := range x.names {
			scenarios = append(scenarios, scenario{caller: side.org, owner: q.allowing.Buckets[name].Owner, bucket: name, blank: true})
		}
		w, f := q.first(scenarios)
		if f == foundNothing && x.hasIAM(side.org) {
			f = foundLimit
			q.doubts.add("the iam layer is searched by trial")
		}
		x.report(class, w, f, q.doubts)
	}
}

// first asks in scenarios one after the other.
func (q *question) first(scenarios []scenario) (*policy.Request, found) {
	result := foundNothing
	for _, sc := range scenarios {
		sc.spelled = map[string]string{}
		classes := onBuckets
		if sc.kind == policy.ResourceOrganization {
			classes = wholeOrganization
		}
		w, f := q.differs(sc, classes)
		switch {
		case f == foundText:
			return w, f
		case f == foundLimit:
			result = f
		}
		if q.budget.over() {
			q.doubts.add(doubtWork)
			return nil, foundLimit
		}
	}
	return nil, result
}

// platforms compares what callers of platform organizations come to that have a
// folder on one side only: where they have none, their own step counts as an
// Allow (specification 1.3).
func (x *comparison) platforms() {
	for _, org := range x.organizations() {
		was, is := x.old.passesByItself(org), x.new.passesByItself(org)
		if was == is {
			continue
		}
		fact := "the platform organization " + org + " has a folder now"
		if is {
			fact = "the platform organization " + org + " has no folder any more"
		}
		for _, d := range []Direction{Gained, Lost} {
			byOwner := map[string][]scenario{}
			q := x.question(d, nil)
			for _, name := range x.names {
				if b := q.allowing.Buckets[name]; b.HasPolicy && b.Owner != org {
					byOwner[b.Owner] = append(byOwner[b.Owner], scenario{caller: org, owner: b.Owner, bucket: name})
				}
			}
			for _, owner := range sortedKeys(byOwner) {
				q.doubts = nil
				w, f := q.first(byOwner[owner])
				x.report(Class{Direction: d, Cause: Cause{New: is, Fact: fact}, Organization: org, Owner: owner}, w, f, slices.Clone(q.doubts))
			}
		}
	}
}

// hasIAM reports that an organization has iam documents on either side.
func (x *comparison) hasIAM(org string) bool {
	for _, s := range []*side{x.old, x.new} {
		if o := s.Organizations[org]; o != nil && len(o.Access) > 0 {
			return true
		}
	}
	return false
}

// A bearer is a token to ask with.
type bearer struct {
	name string // "" for none
	// at is the time to ask at: that of the comparison, or an earlier one where the
	// token has expired by then.
	at int64
	// names are those of all tokens that could ask. To organization and bucket
	// policies they are alike but for subject.id and the group of a team's.
	names []string
}

// tokens is a token that an organization has on both sides: of several, the one that
// expires last.
func (x *comparison) tokens(org string) bearer {
	if b, ok := x.token[org]; ok {
		return b
	}
	// expire has the tokens of a side, with the second from which each is none.
	expire := func(s *side) map[string]int64 {
		out := map[string]int64{}
		if o := s.Organizations[org]; o != nil {
			for _, d := range o.Access {
				for _, t := range d.Tokens {
					out[t.Name] = math.MaxInt64
					if t.HasExpires {
						out[t.Name] = t.Expires
					}
				}
			}
		}
		return out
	}
	var b bearer
	last := int64(0)
	old, new := expire(x.old), expire(x.new)
	for _, name := range sortedKeys(old) {
		until, both := new[name]
		if until = min(until, old[name]); !both || until <= 0 {
			continue
		}
		b.names = append(b.names, name)
		if until > last {
			b.name, last = name, until
		}
	}
	b.at = min(x.now, last-1)
	x.token[org] = b
	return b
}
