package search

import (
	"slices"
	"strings"

	"postern/index/internal/glob"
	"postern/index/internal/iam"
	"postern/index/internal/match"
	"postern/index/internal/open"
	"postern/index/internal/statements"
	"postern/index/internal/store"
	"postern/internal/action"
	"postern/policy"
)

// ofSubjects returns what a search for principals cannot list.
func (p *unlisted) ofSubjects(v *iam.Inquiry) []open.Admitted {
	own := p.store.Organization(v.Org)
	switch {
	case match.IsToken(v.Request): // an unknown token is nobody
		return nil
	case v.Class == action.IAM:
		if own.IAM == nil || own.IAMUnavailable || p.s.OutsideTenant(&v.View, v.Request.Resource.Kind == policy.ResourceOrganization || v.Request.Resource.Type == "organization") {
			return nil
		}
		return own.IAM.AdmitSubjects(&p.Patterns, v)
	case own.PoliciesUnavailable:
		return nil
	}
	bucket, reason := p.s.Owner(&v.View)
	if reason != policy.ReasonNone {
		return nil
	}
	if v.Class == action.ControlPlane {
		return p.controlPlane(v, own, func(of *statements.Policies) []open.Admitted {
			return of.AdmitSubjects(&p.Patterns, &v.View, policy.LayerOrganization)
		}, func(m *iam.Layer) []open.Admitted { return m.AdmitSubjects(&p.Patterns, v) })
	}
	if of := p.store.Organization(v.Owner).Policies; v.Owner != v.Org && of != nil && of.DeniesEveryone(&p.Patterns, &v.View) {
		return nil
	}
	return p.layers(v, own, bucket, func(of *statements.Policies, layer policy.Layer) []open.Admitted {
		return of.AdmitSubjects(&p.Patterns, &v.View, layer)
	})
}

// Services are those whose actions different layers decide, each with the class
// of its actions that no table knows; the iam layer has every other.
var Services = []struct {
	Prefix string
	Class  action.Class
}{{"s3:", action.Bucket}, {"cwobject:", action.ControlPlane}, {"", action.IAM}}

// controlPlane returns what cwobject: actions are admitted by: either layer.
func (p *unlisted) controlPlane(v *iam.Inquiry, own *store.Organization, policies func(*statements.Policies) []open.Admitted, layer func(*iam.Layer) []open.Admitted) (out []open.Admitted) {
	if own.IAMUnavailable {
		return nil
	}
	if own.Policies != nil {
		out = policies(own.Policies)
	}
	if own.IAM != nil {
		out = append(out, layer(own.IAM)...)
	}
	return out
}

// ofActions returns what a search for actions cannot list: the actions
// that no table knows, of each service.
func (p *unlisted) ofActions(*iam.Inquiry) (out []open.Admitted) {
	for _, service := range Services {
		request := *p.open
		var fits bool
		if request.Resource.Kind, fits = kindOf(service.Class, request.Resource.Type, request.Resource.ID); !fits {
			continue
		}
		request.Action = service.Prefix + "?" // none that a table knows
		v := &iam.Inquiry{}
		v.Begin(&request, p.store.DefaultOrganization)
		out = append(out, p.ofService(v, service.Prefix, service.Class)...)
		p.Doubt(&v.View)
	}
	return out
}

func (p *unlisted) ofService(v *iam.Inquiry, prefix string, class action.Class) []open.Admitted {
	own := p.store.Organization(v.Org)
	if !own.Knows(v) {
		return nil
	}
	if class == action.IAM {
		if own.IAM == nil || own.IAMUnavailable || p.s.OutsideTenant(&v.View, v.Request.Resource.Kind == policy.ResourceOrganization) {
			return nil
		}
		return own.IAM.AdmitActions(&p.Patterns, v, class)
	}
	if own.PoliciesUnavailable {
		return nil
	}
	bucket, reason := p.s.Owner(&v.View)
	if reason != policy.ReasonNone {
		return nil
	}
	if class == action.ControlPlane {
		return p.controlPlane(v, own, func(of *statements.Policies) []open.Admitted {
			return of.AdmitActions(&p.Patterns, &v.View, policy.LayerOrganization, prefix)
		}, func(m *iam.Layer) []open.Admitted { return m.AdmitActions(&p.Patterns, v, class) })
	}
	return p.layers(v, own, bucket, func(of *statements.Policies, layer policy.Layer) []open.Admitted {
		return of.AdmitActions(&p.Patterns, &v.View, layer, prefix)
	})
}

// ofResources returns what a search for resources cannot list.
func (p *unlisted) ofResources(v *iam.Inquiry) []open.Admitted {
	own, resourceType := p.store.Organization(v.Org), p.open.Resource.Type
	switch {
	case !own.Knows(v),
		resourceType == "organization", // the caller's own is the only one
		v.Class.WholeOrganization():
		return nil
	case v.Class == action.IAM:
		if own.IAM == nil || own.IAMUnavailable || p.s.OutsideTenant(&v.View, false) {
			return nil
		}
		return own.IAM.AdmitResources(&p.Patterns, v, resourceType)
	case resourceType != "bucket" && resourceType != "object",
		own.PoliciesUnavailable, own.Policies == nil && !p.s.IsPlatform(&v.View), v.Class.OrganizationOnly() && p.s.OutsideTenant(&v.View, false):
		return nil
	}
	if own.Policies == nil {
		return p.inBuckets(v, own, open.Everything())
	}
	out := []open.Admitted{}
	for _, a := range own.Policies.AdmitResources(&p.Patterns, &v.View, policy.LayerOrganization, false) {
		switch {
		case resourceType == "bucket" && strings.IndexByte(prefixOf(a.Program), '/') >= 0: // keys alone
		default:
			out = append(out, a)
		}
	}
	return p.inBuckets(v, own, out)
}

func prefixOf(program string) string {
	_, begin := glob.Classify(program)
	return begin
}

// inBuckets returns what is left of patterns of the organization step behind
// the bucket step. Past the bound all of them are.
func (p *unlisted) inBuckets(v *iam.Inquiry, own *store.Organization, as []open.Admitted) (out []open.Admitted) {
	named := p.open.Resource.Type == "bucket"
	wide := as[:0:0]
	for _, a := range as {
		name, one := statements.BucketName(a.Program)
		if !one {
			wide = append(wide, a)
			continue
		}
		bucket := p.store.Bucket(name, match.HashBucket(name))
		if bucket == nil {
			bucket = &store.UnknownBucket
		}
		out = append(out, p.inBucket(v, name, bucket, []open.Admitted{a})...)
	}
	if len(wide) == 0 {
		return out
	}
	// A bucket in no folder: it has an owner where that is stated or filled in.
	out = append(out, p.inBucket(v, "", &store.UnknownBucket, wide)...)
	for bucket := range p.store.Buckets() {
		if !p.Look() {
			return append(out, wide...)
		}
		if !named || !p.tried(bucket, own, v) {
			out = append(out, p.inBucket(v, bucket.Name(), bucket, wide)...)
		}
	}
	return out
}

// tried reports that the search had the bucket among its candidates.
func (p *unlisted) tried(bucket *store.Slot, own *store.Organization, v *iam.Inquiry) bool {
	org := p.open.Resource.Org
	if org == "" {
		org = v.Org
	}
	if p.store.Owner(bucket) == org || bucket.ClaimedBy(org) {
		return true
	}
	_, found := slices.BinarySearch(own.Policies.Names().Buckets, bucket.Name())
	return found
}

// inBucket returns what patterns of the organization step admit in one bucket,
// or of those that no folder holds.
func (p *unlisted) inBucket(v *iam.Inquiry, name string, bucket *store.Slot, as []open.Admitted) []open.Admitted {
	stated := p.open.Resource.Org
	claimed := bucket.ClaimedBy(stated)
	switch {
	case bucket.Known():
		if v.Owner = p.store.Owner(bucket); stated != "" && stated != v.Owner && !claimed {
			return nil
		}
	case v.Class == action.CreateBucket:
		v.Owner = v.Org
	case stated != "":
		v.Owner = stated
	case p.store.DefaultOrganization != "":
		v.Owner = p.store.DefaultOrganization
	default:
		return nil
	}
	if v.Owner == v.Org && p.s.IsPlatform(&v.View) {
		return nil
	}
	inside := func(list []open.Admitted) []open.Admitted { return list }
	if name != "" {
		within := name
		if p.open.Resource.Type == "object" {
			within = open.AnyAfter(name + "/")
		} else if p.request.Resource.ID, p.request.Resource.Kind = name, policy.ResourceBucket; !p.GoOn() {
			return as // in doubt
		} else if !p.s.Allows(&p.request) {
			return nil
		}
		inside = func(list []open.Admitted) []open.Admitted {
			return slices.DeleteFunc(slices.Clone(list), func(a open.Admitted) bool { return !p.Look() || !p.MayMeet(a.Program, within) })
		}
	}
	if as = inside(as); len(as) == 0 {
		return nil
	}
	return p.behindBucketStep(v, bucket, as, func(asked *statements.Policies) []open.Admitted {
		return inside(asked.AdmitResources(&p.Patterns, &v.View, policy.LayerBucket, v.Owner != v.Org))
	})
}
