package statements

import (
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/internal/match"
	"postern/index/internal/open"
)

// Subjects adds the principals of statements that allow the request, if the
// caller is left open.
func (p *Policies) Subjects(v *match.View, provider string, c *open.Candidates) {
	look := func(b block.Block, id int) bool {
		r := b.Record(id)
		if open.Resources(&p.variables, b, r, v, open.Subject).And(open.Conditions(&p.variables, b, r, v, open.Subject)) == open.Never {
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
		for i := range w.Prefixes {
			if !c.Look() {
				return false
			}
			text, org := b.NamePrefix(w, i)
			if name, ok := strings.CutPrefix(text, provider); ok && (org == "" || org == v.Org) {
				c.Prefixes = append(c.Prefixes, name)
			}
		}
		return true
	}
	wide := p.Block()
	if !v.Whole {
		if b := p.bucketBlock(v.Bucket, v.BucketHash); !b.IsNone() {
			p.allows(b, v, c, p.byResource(b, v), look)
		}
	}
	p.allows(wide, v, c, p.byResource(wide, v), look)
}

// byResource returns the postings of the statements that may be about the
// request's resource; nil if nothing narrows them.
func (p *Policies) byResource(b block.Block, v *match.View) []*roaring.Bitmap {
	ix := p.roaringOf(b)
	switch {
	case ix == nil:
		return nil
	case v.Whole:
		return []*roaring.Bitmap{ix.whole}
	}
	return append(ix.resources.Find(nil, v.Text, v), roaring.New())
}

// byPrincipal returns the postings of the statements that may be about the
// request's caller; nil if nothing narrows them.
func (p *Policies) byPrincipal(b block.Block, v *match.View) []*roaring.Bitmap {
	ix := p.roaringOf(b)
	if ix == nil {
		return nil
	}
	who := []*roaring.Bitmap{ix.loose}
	for _, id := range v.Request.Principal.IDs {
		if posting := ix.names[id]; posting != nil {
			who = append(who, posting)
		}
		who = ix.prefixes.Find(who, id, v)
	}
	return who
}

func (p *Policies) roaringOf(b block.Block) *roaringIndex {
	if n := b.Narrowing(); b.Count() > 0 && n != block.ByWords && n != block.ByNothing {
		return p.roaring[n-1]
	}
	return nil
}

// allows calls visit for the Allow statements of a part that cover the action
// and stand in one of the postings (in any if nil), until visit returns false.
func (p *Policies) allows(b block.Block, v *match.View, c *open.Candidates, in []*roaring.Bitmap, visit func(b block.Block, id int) bool) {
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

// Resources adds the literal prefixes of the resources that statements may
// allow the caller. What they name without wildcard is known anyway.
func (p *Policies) Resources(v *match.View, resourceType string, c *open.Candidates) {
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
				literal = b.Pattern(w, i) // it is stored without its run
			}
			if resourceType == "object" || strings.IndexByte(literal, '/') < 0 {
				c.Prefixes = append(c.Prefixes, literal)
			}
		}
		return true
	}
	wide := p.Block()
	p.allows(wide, v, c, p.byPrincipal(wide, v), look)
	if resourceType != "object" {
		return // a bucket that has a part is named, so that searches know it
	}
	for _, at := range p.buckets.used {
		if !c.Look() {
			return
		}
		b := p.block(at)
		p.allows(b, v, c, p.byPrincipal(b, v), look)
	}
}
