package index

import (
	"postern/index/internal/match"
	"postern/internal/action"
	"postern/policy"
)

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
		if step.outcome != out.Decision.Outcome || r.DenyOnly && step.outcome == policy.Allow {
			continue // no Allow decided what asks about Denies only
		}
		if step.iam != nil {
			out.Determining = append(out.Determining, step.iam.Determining(out.Decision.Outcome, &v.Inquiry)...)
			out.Looked += step.iam.Len()
		}
		if step.policies == nil {
			continue
		}
		v.DenyOnly = step.denyOnly
		out.Looked += step.policies.Looked(&v.View)
		switch out.Decision.Outcome {
		case policy.ExplicitDeny:
			out.Determining = append(out.Determining, step.policies.Determining(step.layer, policy.EffectDeny, &v.View)...)
		case policy.Allow:
			if !step.denyOnly { // which has no Allow to show
				out.Determining = append(out.Determining, step.policies.Determining(step.layer, policy.EffectAllow, &v.View)...)
			}
		}
	}
	if step := v.refused(out.Decision); step != nil {
		v.DenyOnly = false
		if step.iam != nil {
			out.Nearest, out.Truncated = step.iam.Nearest(&v.Inquiry)
			out.Looked += min(step.iam.Len(), match.NearestBound)
		} else {
			asked := v.Action
			step.policies.TakeRefused(&v.View)
			if out.Nearest, out.Truncated = step.policies.Nearest(step.layer, &v.View); out.Nearest != nil && v.Action != asked {
				out.Nearest.Action = action.Name(v.Action)
			}
			out.Looked += min(step.policies.Len(), match.NearestBound)
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
