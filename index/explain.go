package index

import (
	"cmp"
	"slices"

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
	out := policy.Explanation{Decision: s.Decide(r, &sc)}
	v.request = r
	for i := range v.steps[:v.stepCount] {
		step := &v.steps[i]
		out.Steps = append(out.Steps, policy.Step{Layer: step.layer, Org: step.org, Outcome: step.outcome})
		if step.policies == nil || step.outcome != out.Decision.Outcome {
			continue
		}
		v.denyOnly = step.denyOnly
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
		v.denyOnly = false
		out.Nearest, out.Truncated = step.policies.nearest(step, v)
	}
	return out
}

// refused returns the step of the layer that did not allow, nil if the reason
// is another.
func (v *view) refused(d policy.Decision) *step {
	switch d.Reason {
	case policy.OrganizationNoMatch, policy.BucketNoMatch, policy.CrossOrganizationNoAllow:
		if last := &v.steps[v.stepCount-1]; last.policies != nil {
			return last
		}
	}
	return nil
}

// asked returns the parts that the request can be about.
func (p *Policies) asked(v *view) []*part {
	if v.whole || p.buckets == nil {
		return []*part{p.wide}
	}
	if x := p.buckets[bucketOf(v.text)]; x != nil {
		return []*part{p.wide, x}
	}
	return []*part{p.wide}
}

// determining lists the satisfied statements of an effect, by file and index.
func (p *Policies) determining(s *step, effect policy.Effect, v *view) []policy.StatementRef {
	var out []policy.StatementRef
	for _, x := range p.asked(v) {
		for i := range x.statements {
			st := &x.statements[i]
			if st.effect() == effect && x.actions[st.actions].covers(v) && p.verify(st, v) {
				out = append(out, p.reference(x, i, s.layer))
			}
		}
	}
	slices.SortFunc(out, byPlace)
	return out
}

func byPlace(a, b policy.StatementRef) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Index, b.Index))
}

// reference names a statement.
func (p *Policies) reference(x *part, i int, layer policy.Layer) policy.StatementRef {
	m := &x.meta[i]
	d := &p.documents[m.document]
	return policy.StatementRef{
		Document:  d.Name,
		Statement: p.str(m.name),
		Index:     int(m.index),
		File:      d.File,
		Line:      int(m.line),
		Effect:    x.statements[i].effect(),
		Layer:     layer,
	}
}

// nearest finds the Allow that failed on the fewest dimensions, nil if there
// is no Allow; ties go to the first by file and index. truncated reports that
// there were more statements than it looked at.
func (p *Policies) nearest(s *step, v *view) (best *policy.Nearest, truncated bool) {
	// The parts that the request is about come first, so that the bound does
	// not hide them; the others can only fail on the resource too.
	parts := p.asked(v)
	for _, x := range p.parts {
		if !slices.Contains(parts[:min(2, len(parts))], x) {
			parts = append(parts, x)
		}
	}
	looked := 0
	for _, x := range parts {
		for i := range x.statements {
			st := &x.statements[i]
			if st.is(flagDeny) {
				continue
			}
			if looked++; looked > nearestBound {
				return best, true
			}
			failed := p.failed(x, st, v)
			if best != nil && len(failed) > len(best.Failed) {
				continue
			}
			ref := p.reference(x, i, s.layer)
			if best == nil || len(failed) < len(best.Failed) || byPlace(ref, best.Statement) < 0 {
				best = &policy.Nearest{Statement: ref, Failed: failed}
			}
		}
	}
	return best, false
}

// failed lists the dimensions that do not hold.
func (p *Policies) failed(x *part, s *statement, v *view) []string {
	var out []string
	if !p.principalHolds(s, v) {
		out = append(out, "principal")
	}
	if !x.actions[s.actions].covers(v) {
		out = append(out, "action")
	}
	if !p.resourceHolds(s, v) {
		out = append(out, "resource")
	}
	if !p.conditionsHold(s, v) {
		out = append(out, "condition")
	}
	return out
}
