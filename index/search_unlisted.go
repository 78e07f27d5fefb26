package index

import (
	"slices"
	"strings"

	"postern/index/internal/glob"
	"postern/index/internal/match"
	"postern/internal/action"
	"postern/policy"
)

// unlistedSubjects returns what a search for principals cannot list.
func (p *patterns) unlistedSubjects(v *view) []admitted {
	s, own := p.s, p.s.own(v)
	switch {
	case match.IsToken(v.Request): // an unknown token is nobody
		return nil
	case v.Class == action.IAM:
		if own.IAM == nil || own.IAMUnavailable || v.outsideTenant(v.Request.Resource.Kind == policy.ResourceOrganization || v.Request.Resource.Type == "organization") {
			return nil
		}
		return own.IAM.admitSubjects(p, v)
	case own.PoliciesUnavailable:
		return nil
	}
	bucket, reason := s.owner(v)
	if reason != policy.ReasonNone {
		return nil
	}
	if v.Class == action.ControlPlane {
		return p.controlPlane(v, own, func(of *Policies) []admitted {
			return p.admitSubjects(v, of, policy.LayerOrganization)
		}, func(m *IAM) []admitted { return m.admitSubjects(p, v) })
	}
	if v.Owner != v.Org && p.ownerDenies(v) {
		return nil
	}
	return p.layers(v, own, bucket, func(of *Policies, layer policy.Layer) []admitted {
		return p.admitSubjects(v, of, layer)
	})
}

// ownerDenies reports that the owner's Denies to `*` deny every foreign caller.
func (p *patterns) ownerDenies(v *view) bool {
	of := p.s.organization(v.Owner).Policies
	if of == nil {
		return false
	}
	for _, b := range of.asked(v) {
		for id := range b.Denies() {
			r := b.Record(id)
			if p.look() && r.Everyone() && v.Covers(b, id) &&
				of.resourceChance(b, r, v, openSubject).and(of.conditionsChance(b, r, v, openSubject)) == always {
				return true
			}
		}
	}
	return false
}

// controlPlane returns what cwobject: actions are admitted by: either layer.
func (p *patterns) controlPlane(v *view, own *Organization, policies func(*Policies) []admitted, iam func(*IAM) []admitted) (out []admitted) {
	if own.IAMUnavailable {
		return nil
	}
	if own.Policies != nil {
		out = policies(own.Policies)
	}
	if own.IAM != nil {
		out = append(out, iam(own.IAM)...)
	}
	return out
}

// unlistedActions returns what a search for actions cannot list: the actions
// that no table knows, of each service.
func (p *patterns) unlistedActions(*view) (out []admitted) {
	for _, service := range services {
		request := *p.open
		var fits bool
		if request.Resource.Kind, fits = kindOf(service.class, request.Resource.Type, request.Resource.ID); !fits {
			continue
		}
		request.Action = service.prefix + "?" // none that a table knows
		var sc Scratch
		v := &sc.view
		v.begin(&request, p.s.defaultOrg)
		out = append(out, p.unlistedActionsOf(v, service.prefix, service.class)...)
		p.doubt(v)
	}
	return out
}

func (p *patterns) unlistedActionsOf(v *view, prefix string, class action.Class) []admitted {
	s, own := p.s, p.s.own(v)
	if v.nobody(own) {
		return nil
	}
	if class == action.IAM {
		if own.IAM == nil || own.IAMUnavailable || v.outsideTenant(v.Request.Resource.Kind == policy.ResourceOrganization) {
			return nil
		}
		return own.IAM.admitActions(p, v, class)
	}
	if own.PoliciesUnavailable {
		return nil
	}
	bucket, reason := s.owner(v)
	if reason != policy.ReasonNone {
		return nil
	}
	if class == action.ControlPlane {
		return p.controlPlane(v, own, func(of *Policies) []admitted {
			return p.admitActions(v, of, policy.LayerOrganization, prefix)
		}, func(m *IAM) []admitted { return m.admitActions(p, v, class) })
	}
	return p.layers(v, own, bucket, func(of *Policies, layer policy.Layer) []admitted {
		return p.admitActions(v, of, layer, prefix)
	})
}

// unlistedResources returns what a search for resources cannot list.
func (p *patterns) unlistedResources(v *view) []admitted {
	own, resourceType := p.s.own(v), p.open.Resource.Type
	switch {
	case v.nobody(own),
		resourceType == "organization", // the caller's own is the only one
		v.Class.WholeOrganization():
		return nil
	case v.Class == action.IAM:
		if own.IAM == nil || own.IAMUnavailable || v.outsideTenant(false) {
			return nil
		}
		return own.IAM.admitResources(p, v, resourceType)
	case resourceType != "bucket" && resourceType != "object",
		own.PoliciesUnavailable, own.Policies == nil && !p.s.isPlatform(v), v.Class.OrganizationOnly() && v.outsideTenant(false):
		return nil
	}
	if own.Policies == nil {
		return p.inBuckets(v, own, everything())
	}
	out := []admitted{}
	for _, a := range p.admitResources(v, own.Policies, policy.LayerOrganization, false) {
		switch {
		case resourceType == "bucket" && strings.IndexByte(beginOf(a.program), '/') >= 0: // keys alone
		default:
			out = append(out, a)
		}
	}
	return p.inBuckets(v, own, out)
}

func beginOf(program string) string {
	_, begin := glob.Classify(program)
	return begin
}

// inBuckets returns what is left of patterns of the organization step behind
// the bucket step. Past the bound all of them are.
func (p *patterns) inBuckets(v *view, own *Organization, as []admitted) (out []admitted) {
	named := p.open.Resource.Type == "bucket"
	wide := as[:0:0]
	for _, a := range as {
		name, one := bucketName(a.program)
		if !one {
			wide = append(wide, a)
			continue
		}
		bucket := p.s.bucket(name, hash64(name))
		if bucket == nil {
			bucket = &unknownBucket
		}
		out = append(out, p.inBucket(v, name, bucket, []admitted{a})...)
	}
	if len(wide) == 0 {
		return out
	}
	// A bucket in no folder: it has an owner where that is stated or filled in.
	out = append(out, p.inBucket(v, "", &unknownBucket, wide)...)
	for i := range p.s.shards {
		for name, e := range p.s.shards[i].buckets() {
			if !p.look() {
				return append(out, wide...)
			}
			if named && p.tried(name, e, own, v) {
				continue
			}
			if slot := p.s.bucket(name, hash64(name)); slot != nil {
				out = append(out, p.inBucket(v, name, slot, wide)...)
			}
		}
	}
	return out
}

// tried reports that the search had the bucket among its candidates.
func (p *patterns) tried(name string, e *bucketEntry, own *Organization, v *view) bool {
	org := p.open.Resource.Org
	if org == "" {
		org = v.Org
	}
	if e.owner == org || slices.Contains(e.claimants, org) {
		return true
	}
	_, found := slices.BinarySearch(own.Policies.names().buckets, name)
	return found
}

// inBucket returns what patterns of the organization step admit in one bucket,
// or of those that no folder holds.
func (p *patterns) inBucket(v *view, name string, bucket *bucketSlot, as []admitted) []admitted {
	stated := p.open.Resource.Org
	claimed := bucket.is(bucketContested) && bucket.entry != nil && slices.Contains(bucket.entry.claimants, stated)
	switch {
	case bucket != &unknownBucket:
		if v.Owner = p.s.owners[bucket.owner].name; stated != "" && stated != v.Owner && !claimed {
			return nil
		}
	case v.Class == action.CreateBucket:
		v.Owner = v.Org
	case stated != "":
		v.Owner = stated
	case p.s.defaultOrg != "":
		v.Owner = p.s.defaultOrg
	default:
		return nil
	}
	if v.Owner == v.Org && p.s.isPlatform(v) {
		return nil
	}
	inside := func(list []admitted) []admitted { return list }
	if name != "" {
		within := name
		if p.open.Resource.Type == "object" {
			within = anyAfter(name + "/")
		} else if p.request.Resource.ID, p.request.Resource.Kind = name, policy.ResourceBucket; !p.goOn() {
			return as // in doubt
		} else if p.s.Decide(&p.request, &p.scratch).Outcome != policy.Allow {
			return nil
		}
		inside = func(list []admitted) []admitted {
			return slices.DeleteFunc(slices.Clone(list), func(a admitted) bool { return !p.look() || !p.mayMeet(a.program, within) })
		}
	}
	if as = inside(as); len(as) == 0 {
		return nil
	}
	passes, asked := p.s.bucketStep(v, bucket)
	switch {
	case passes:
		return as
	case asked == nil:
		return nil
	}
	foreign := v.Owner != v.Org
	return p.both(as, inside(p.admitResources(v, asked, policy.LayerBucket, foreign)))
}
