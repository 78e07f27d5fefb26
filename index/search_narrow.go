package index

import (
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/internal/open"
	"postern/internal/action"
	"postern/policy"
)

// subjects finds the candidates of a search for principals of a provider,
// `provider/`. The view has that as the caller's first identifier: what holds for
// it holds for every name, but for statements that read the caller's names.
func (sr *search) subjects(provider string) {
	s, v := sr.s, sr.v
	own := s.own(v)
	c := &open.Candidates{}
	switch {
	case provider == "token/":
		// A token may be a member of anything by its type; there are few.
		c.All = own.IAM != nil && !own.IAMUnavailable
	case v.Class == action.IAM:
		if own.IAM != nil && !own.IAMUnavailable {
			own.IAM.subjects(v, provider, c)
		}
	case own.PoliciesUnavailable:
	default:
		bucket, reason := s.owner(v)
		if reason != policy.ReasonNone {
			return
		}
		c = s.policySubjects(v, own, bucket, provider)
	}
	c.Doubt(&v.View)
	c.Settle()
	sr.names.add(c.Exact, "", sr.after, open.EveryName)
	if !c.All && len(c.Beginnings) == 0 {
		return
	}
	sr.names.add(own.Policies.names().principals, provider, sr.after, c)
	if own.IAM != nil {
		sr.names.add(own.IAM.names().principals, provider, sr.after, c)
	}
	for i := range s.shards {
		x := &s.shards[i]
		sr.names.add(x.named(v.Org).principals, provider, sr.after, c)
	}
	if bucket := s.bucket(v.bucket, v.bucketHash); bucket != nil && bucket.is(bucketHasPolicy) && bucket.entry.owner != v.Org {
		var k knownNames
		k.addBlock(block.At(bucket.entry.policy.words, 0), v.Org)
		k.settle()
		sr.names.add(k.principals, provider, sr.after, c)
	}
}

// policySubjects are those that the layers in front of iam may allow: every
// step has to, so the one that names the fewest does.
func (s *Snapshot) policySubjects(v *view, own *Organization, bucket *bucketSlot, provider string) *open.Candidates {
	c := &open.Candidates{}
	switch {
	case own.Policies != nil:
		own.Policies.subjects(v, provider, c)
	case s.passesAsPlatform(v):
		c.All = true
	}
	if v.Class == action.ControlPlane {
		if own.IAM != nil && !own.IAMUnavailable && !c.All {
			own.IAM.subjects(v, provider, c)
		}
		return c
	}
	if v.Class.OrganizationOnly() || !bucket.is(bucketHasPolicy) {
		return c
	}
	d := &open.Candidates{}
	bucket.entry.policy.subjects(v, provider, d)
	return open.Narrower(c, d)
}

// subjects adds those whom a statement allows that holds but for the caller.
func (p *Policies) subjects(v *view, provider string, c *open.Candidates) {
	look := func(b block.Block, id int) bool {
		r := b.Record(id)
		if open.Resources(&p.variables, b, r, &v.View, open.Subject).And(open.Conditions(&p.variables, b, r, &v.View, open.Subject)) == open.Never {
			return true
		}
		if v.Lists(b, r) {
			c.All = true
			return false
		}
		w := b.Who(r)
		for i := range w.Exact {
			if !c.Look() {
				return false
			}
			text, org := b.Identifier(w, i)
			if name, ok := strings.CutPrefix(text, provider); ok && (org == "" || org == v.Org) {
				c.Exact = append(c.Exact, name)
			}
		}
		for i := range w.Beginnings {
			if !c.Look() {
				return false
			}
			text, org := b.Beginning(w, i)
			if name, ok := strings.CutPrefix(text, provider); ok && (org == "" || org == v.Org) {
				c.Beginnings = append(c.Beginnings, name)
			}
		}
		return true
	}
	wide := block.At(p.words, 0)
	if !v.Whole {
		if b := p.bucketBlock(v.bucket, v.bucketHash); !b.IsNone() {
			p.allows(b, v, c, p.byResource(b, v), look)
		}
	}
	p.allows(wide, v, c, p.byResource(wide, v), look)
}

// byResource returns the postings of the statements that may be about the
// request's resource; nil if nothing narrows them.
func (p *Policies) byResource(b block.Block, v *view) []*roaring.Bitmap {
	ix := p.roaringOf(b)
	switch {
	case ix == nil:
		return nil
	case v.Whole:
		return []*roaring.Bitmap{ix.whole}
	}
	return append(ix.resources.Find(nil, v.Text, &v.View), roaring.New())
}

// byPrincipal returns the postings of the statements that may be about the
// request's caller; nil if nothing narrows them.
func (p *Policies) byPrincipal(b block.Block, v *view) []*roaring.Bitmap {
	ix := p.roaringOf(b)
	if ix == nil {
		return nil
	}
	who := []*roaring.Bitmap{ix.loose}
	for _, id := range v.Request.Principal.IDs {
		if posting := ix.names[id]; posting != nil {
			who = append(who, posting)
		}
		who = ix.beginnings.Find(who, id, &v.View)
	}
	return who
}

func (p *Policies) roaringOf(b block.Block) *roaringIndex {
	if n := b.Narrowing(); b.Count() > 0 && n != block.ByWords && n != block.ByNothing {
		return p.roaring[n-1]
	}
	return nil
}

// allows visits the Allow statements of a part that cover the action and stand
// in one of the postings (nil: all do), until visit returns false.
func (p *Policies) allows(b block.Block, v *view, c *open.Candidates, in []*roaring.Bitmap, visit func(b block.Block, id int) bool) {
	if c.All || b.Count() == 0 {
		return
	}
	if in == nil {
		for id := b.Denies(); id < b.Count() && c.Look(); id++ {
			if v.Covers(b, id) && !visit(b, id) {
				return
			}
		}
		return
	}
	set := roaring.FastOr(in...)
	if v.Known {
		covering := p.roaringOf(b).actions[v.Action]
		if covering == nil {
			return
		}
		set.And(covering)
	}
	it := set.Iterator()
	it.AdvanceIfNeeded(uint32(b.Denies()))
	for it.HasNext() && c.Look() {
		if id := int(it.Next()); v.Covers(b, id) && !visit(b, id) {
			return
		}
	}
}

// resources finds the candidates of a search for resources.
func (sr *search) resources() {
	s, v := sr.s, sr.v
	own := s.organization(v.Org)
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
		own.IAM.resources(v, resourceType, c)
		c.Doubt(&v.View)
		c.Settle()
		sr.names.add(c.Exact, "", sr.after, open.EveryName)
		if c.All || len(c.Beginnings) > 0 {
			sr.names.add(own.IAM.names().resources, resourceType+":", sr.after, c)
			sr.addStored(resourceType, own.Policies, c, c)
		}
		return
	case resourceType != "bucket" && resourceType != "object", own.PoliciesUnavailable, own.Policies == nil && !s.isPlatform(v):
		return
	}
	c := &open.Candidates{}
	if own.Policies != nil {
		own.Policies.resources(v, resourceType, c)
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
func (sr *search) addStored(resourceType string, p *Policies, named, stored *open.Candidates) {
	switch resourceType {
	case "bucket":
		sr.names.add(p.names().buckets, "", sr.after, named)
	case "object":
		sr.names.add(p.names().objects, "", sr.after, named)
	default:
		return
	}
	if !stored.All && len(stored.Beginnings) == 0 {
		return
	}
	org := sr.request.Resource.Org
	if org == "" {
		org = sr.v.Org
	}
	for i := range sr.s.shards {
		x := &sr.s.shards[i]
		if resourceType == "bucket" {
			sr.names.add(x.bucketNames(org), "", sr.after, stored)
			continue
		}
		sr.names.add(x.named(org).objects, "", sr.after, stored)
	}
}

// resources adds the beginnings of what a statement allows the caller; what it
// names without wildcard is known anyway.
func (p *Policies) resources(v *view, resourceType string, c *open.Candidates) {
	look := func(b block.Block, id int) bool {
		r := b.Record(id)
		if !v.PrincipalHolds(b, r) {
			return true
		}
		if r.NotResource() {
			c.All = true
			return false
		}
		w := b.What(r)
		for i := w.Exact; i < w.Count(); i++ {
			if !c.Look() {
				return false
			}
			_, literal := glob.Classify(b.Pattern(w, i))
			if i < w.Exact+w.Prefix {
				literal = b.Pattern(w, i) // stored without its run
			}
			if resourceType == "object" || strings.IndexByte(literal, '/') < 0 {
				c.Beginnings = append(c.Beginnings, literal)
			}
		}
		return true
	}
	wide := block.At(p.words, 0)
	p.allows(wide, v, c, p.byPrincipal(wide, v), look)
	if resourceType != "object" {
		return // a bucket that has a part is named, and so known
	}
	for _, at := range p.buckets.used {
		if !c.Look() {
			return
		}
		b := p.block(at)
		p.allows(b, v, c, p.byPrincipal(b, v), look)
	}
}
