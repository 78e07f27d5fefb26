package search

import (
	"postern/index/internal/iam"
	"postern/index/internal/open"
	"postern/index/internal/statements"
	"postern/index/internal/store"
	"postern/internal/action"
	"postern/policy"
)

// subjects finds the candidates of a search for principals of a provider,
// `provider/`. The view has that as the caller's first identifier: what holds for
// it holds for every name, but for statements that read the caller's names.
func (sr *search) subjects(provider string) {
	v := sr.v
	own := sr.store.Organization(v.Org)
	c := &open.Candidates{}
	switch {
	case provider == "token/":
		// A token may be a member of anything by its type; there are few.
		c.All = own.IAM != nil && !own.IAMUnavailable
	case v.Class == action.IAM:
		if own.IAM != nil && !own.IAMUnavailable {
			own.IAM.Subjects(v, provider, c)
		}
	case own.PoliciesUnavailable:
	default:
		bucket, reason := sr.s.Owner(&v.View)
		if reason != policy.ReasonNone {
			return
		}
		c = sr.policySubjects(v, own, bucket, provider)
	}
	c.Doubt(&v.View)
	c.Settle()
	sr.names.add(c.Exact, "", sr.after, open.EveryName)
	if !c.All && len(c.Prefixes) == 0 {
		return
	}
	sr.names.add(own.Policies.Names().Principals, provider, sr.after, c)
	if own.IAM != nil {
		sr.names.add(own.IAM.Names().Principals, provider, sr.after, c)
	}
	for i := range store.ShardCount {
		sr.names.add(sr.store.Named(i, v.Org).Principals, provider, sr.after, c)
	}
	if bucket := sr.store.Bucket(v.Bucket, v.BucketHash); bucket != nil && bucket.HasPolicy() && sr.store.Owner(bucket) != v.Org {
		var k statements.Names
		k.Add(bucket.Policy(), v.Org)
		k.Settle()
		sr.names.add(k.Principals, provider, sr.after, c)
	}
}

// policySubjects are those that the layers in front of iam may allow: every
// step has to, so the one that names the fewest does.
func (sr *search) policySubjects(v *iam.Inquiry, own *store.Organization, bucket *store.Slot, provider string) *open.Candidates {
	c := &open.Candidates{}
	switch {
	case own.Policies != nil:
		own.Policies.Subjects(&v.View, provider, c)
	case v.Owner != v.Org && sr.s.IsPlatform(&v.View):
		c.All = true
	}
	if v.Class == action.ControlPlane {
		if own.IAM != nil && !own.IAMUnavailable && !c.All {
			own.IAM.Subjects(v, provider, c)
		}
		return c
	}
	if v.Class.OrganizationOnly() || !bucket.HasPolicy() {
		return c
	}
	d := &open.Candidates{}
	bucket.Policy().Subjects(&v.View, provider, d)
	return open.Narrower(c, d)
}

// resources finds the candidates of a search for resources.
func (sr *search) resources() {
	v := sr.v
	own := sr.store.Organization(v.Org)
	resourceType := sr.request.Resource.Type
	switch {
	case resourceType == "organization":
		// The only one that a caller may ask about is its own.
		if v.Class == action.IAM || v.Class.WholeOrganization() {
			sr.names.add([]string{v.Org}, "", sr.after, open.EveryName)
		}
		return
	case v.Class.WholeOrganization():
		return
	case v.Class == action.IAM:
		if own.IAM == nil || own.IAMUnavailable {
			return
		}
		c := &open.Candidates{}
		own.IAM.Resources(v, resourceType, c)
		c.Doubt(&v.View)
		c.Settle()
		sr.names.add(c.Exact, "", sr.after, open.EveryName)
		if c.All || len(c.Prefixes) > 0 {
			sr.names.add(own.IAM.Names().Resources, resourceType+":", sr.after, c)
			sr.addStored(resourceType, own.Policies, c, c)
		}
		return
	case resourceType != "bucket" && resourceType != "object", own.PoliciesUnavailable, own.Policies == nil && !sr.s.IsPlatform(&v.View):
		return
	}
	c := &open.Candidates{}
	if own.Policies != nil {
		own.Policies.Resources(&v.View, resourceType, c)
	} else {
		c.All = true
	}
	c.Doubt(&v.View)
	c.Settle()
	// What organization policies name is gone through as it is; of the other
	// buckets and keys, what their wildcards may cover.
	sr.addStored(resourceType, own.Policies, open.EveryName, c)
}

// addStored adds buckets or objects: of those that organization policies name,
// the candidates named; of those in buckets of the organization, stored.
func (sr *search) addStored(resourceType string, p *statements.Policies, named, stored *open.Candidates) {
	switch resourceType {
	case "bucket":
		sr.names.add(p.Names().Buckets, "", sr.after, named)
	case "object":
		sr.names.add(p.Names().Objects, "", sr.after, named)
	default:
		return
	}
	if !stored.All && len(stored.Prefixes) == 0 {
		return
	}
	org := sr.request.Resource.Org
	if org == "" {
		org = sr.v.Org
	}
	for i := range store.ShardCount {
		if resourceType == "bucket" {
			sr.names.add(sr.store.BucketNames(i, org), "", sr.after, stored)
			continue
		}
		sr.names.add(sr.store.Named(i, org).Objects, "", sr.after, stored)
	}
}
