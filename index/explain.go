package index

import (
	"cmp"
	"slices"
	"strings"

	"postern/index/internal/block"
	"postern/policy"
)

// nearestBound is the number of statements that the search for the nearest
// Allow looks at (specification 3.2).
const nearestBound = 10_000

// Explain answers a request as Decide does, with the grounds (specification
// 1.8, 3.2). It allocates, and looks at every statement of the layers asked:
// it is not for the plain path.
func (s *Snapshot) Explain(r *policy.Request) policy.Explanation {
	var sc Scratch
	v := &sc.view
	v.explaining = true
	out := policy.Explanation{Decision: s.Decide(r, &sc), Digest: s.digest}
	v.Again(r)
	for i := range v.steps {
		step := &v.steps[i]
		out.Steps = append(out.Steps, policy.Step{Layer: step.layer, Org: step.org, Outcome: step.outcome, Platform: step.platform})
		if step.outcome != out.Decision.Outcome {
			continue
		}
		if step.iam != nil {
			out.Determining = append(out.Determining, step.iam.determining(out.Decision.Outcome, v)...)
			out.Looked += step.iam.Len()
		}
		if step.policies == nil {
			continue
		}
		v.DenyOnly = step.denyOnly
		for _, b := range step.policies.asked(v) {
			out.Looked += b.Count()
		}
		switch out.Decision.Outcome {
		case policy.ExplicitDeny:
			out.Determining = append(out.Determining, step.policies.determining(step, policy.EffectDeny, v)...)
		case policy.Allow:
			if !step.denyOnly { // which has no Allow to show
				out.Determining = append(out.Determining, step.policies.determining(step, policy.EffectAllow, v)...)
			}
		}
	}
	if step := v.refused(out.Decision); step != nil {
		v.DenyOnly = false
		if step.iam != nil {
			out.Nearest, out.Truncated = step.iam.nearest(v)
			out.Looked += min(step.iam.Len(), nearestBound)
		} else {
			step.policies.takeRefused(v)
			out.Nearest, out.Truncated = step.policies.nearest(step, v)
			out.Looked += min(step.policies.Len(), nearestBound)
		}
	}
	out.Truncated = out.Truncated || v.Over() || out.Decision.Reason == policy.TooCostly
	out.Hints = s.Hints(r, out.Decision)
	return out
}

// refused returns the step of the layer that did not allow, nil if the reason
// is another.
func (v *view) refused(d policy.Decision) *step {
	switch d.Reason {
	case policy.OrganizationNoMatch, policy.NoOrganizationPolicy:
		// Of a cwobject: action both layers had their say: organization first.
		for i := range v.steps {
			if step := &v.steps[i]; step.policies != nil || step.iam != nil {
				return step
			}
		}
	case policy.BucketNoMatch, policy.CrossOrganizationNoAllow, policy.IAMNoMatch:
		if last := &v.steps[len(v.steps)-1]; last.policies != nil || last.iam != nil {
			return last
		}
	}
	return nil
}

// asked returns the blocks that the request can be about.
func (p *Policies) asked(v *view) []block.Block {
	out := []block.Block{block.At(p.words, 0)}
	if !v.Whole {
		name := bucketOf(v.Text)
		if b := p.bucketBlock(name, hash64(name)); !b.IsNone() {
			out = append(out, b)
		}
	}
	return out
}

// determining lists the satisfied statements of an effect, by file and index.
func (p *Policies) determining(s *step, effect policy.Effect, v *view) []policy.StatementRef {
	var out []policy.StatementRef
	for _, b := range p.asked(v) {
		for id := range b.Count() {
			if effectOf(b, id) == effect && v.someAction(func() bool { return v.Covers(b, id) && p.variables.Holds(b, b.Record(id), &v.View) }) && !v.Over() {
				out = append(out, p.reference(b, id, s.layer))
			}
		}
	}
	slices.SortFunc(out, byPlace)
	return out
}

// someAction reports whether something is so of one of the actions that the
// request needs, each at hand in turn.
func (v *view) someAction(is func() bool) bool {
	if is() {
		return true
	}
	first, found := v.Action, false
	for _, id := range v.Beside {
		v.Take(id)
		if found = is(); found {
			break
		}
	}
	if len(v.Beside) > 0 {
		v.Take(first)
	}
	return found
}

// takeRefused makes the first of the needed actions that no Allow is satisfied
// for the one at hand.
func (p *Policies) takeRefused(v *view) {
	for _, id := range v.Beside {
		if !p.hasAllow(v) {
			return
		}
		v.Take(id)
	}
}

// hasAllow reports whether an Allow is satisfied for the action at hand.
func (p *Policies) hasAllow(v *view) bool {
	for _, b := range p.asked(v) {
		for id := b.Denies(); id < b.Count(); id++ {
			if v.Covers(b, id) && p.variables.Holds(b, b.Record(id), &v.View) || v.Over() {
				return true
			}
		}
	}
	return false
}

func byPlace(a, b policy.StatementRef) int {
	return cmp.Or(
		cmp.Compare(a.File, b.File), cmp.Compare(a.Index, b.Index),
		// In the iam layer different lists of a file may have one index.
		cmp.Compare(a.Line, b.Line), cmp.Compare(a.Statement, b.Statement),
	)
}

// reference names a statement.
func (p *Policies) reference(b block.Block, id int, layer policy.Layer) policy.StatementRef {
	m := &p.meta[b.FirstMeta()+id]
	d := &p.documents[m.Document]
	return policy.StatementRef{
		Document:  d.Name,
		Statement: strings.Clone(b.StatementName(m)),
		Index:     int(m.Index),
		File:      d.File,
		Line:      int(m.Line),
		Effect:    effectOf(b, id),
		Layer:     layer,
	}
}

// nearest finds the Allow that failed on the fewest dimensions, nil if there
// is no Allow; ties go to the first by file and index. truncated reports that
// there were more statements than it looked at.
//
// The blocks that the request is about come first, so that the bound does not
// hide them; the others can only fail on the resource too.
func (p *Policies) nearest(s *step, v *view) (best *policy.Nearest, truncated bool) {
	blocks := p.asked(v)
	for _, at := range p.buckets.used {
		if b := p.block(at); len(blocks) < 2 || !b.Is(blocks[1]) {
			blocks = append(blocks, b)
		}
	}
	var in block.Block
	var number int
	defer func() {
		if best != nil {
			p.variables.Detail(best, in, in.Record(number), &v.View)
		}
	}()
	looked := 0
	for _, b := range blocks {
		for id := b.Denies(); id < b.Count(); id++ {
			if looked++; looked > nearestBound {
				return best, true
			}
			failed := p.failed(b, id, v)
			if v.Over() {
				return best, true
			}
			if best != nil && len(failed) > len(best.Failed) {
				continue
			}
			ref := p.reference(b, id, s.layer)
			if best == nil || len(failed) < len(best.Failed) || byPlace(ref, best.Statement) < 0 {
				best = &policy.Nearest{Statement: ref, Failed: failed}
				in, number = b, id
			}
		}
	}
	return best, false
}

// failed lists the dimensions of a statement that do not hold.
func (p *Policies) failed(b block.Block, id int, v *view) []string {
	r := b.Record(id)
	var out []string
	if !v.PrincipalHolds(b, r) {
		out = append(out, "principal")
	}
	if !v.Covers(b, id) {
		out = append(out, "action")
	}
	if !p.variables.ResourceHolds(b, r, &v.View) {
		out = append(out, "resource")
	}
	if !p.variables.ConditionsHold(b, r, &v.View) {
		out = append(out, "condition")
	}
	return out
}
