package index

import (
	"postern/policy"
)

// Grounded is a snapshot as the decision log asks it, one goroutine at a time.
type Grounded struct {
	*Snapshot
	scratch Scratch
}

// Grounds appends, for each layer that brought a decision about, the first of its
// determining statements that was found, and returns the list (specification 8.5). d
// is what Decide came to; nothing is appended where no statement decided, or where
// deciding once more comes to something else. It costs little more than a decision,
// however many statements there are, and allocates little.
func (g *Grounded) Grounds(r *policy.Request, d policy.Decision, out []policy.StatementRef) []policy.StatementRef {
	if d.Outcome == policy.ImplicitDeny || r.DenyOnly && d.Outcome == policy.Allow {
		return out
	}
	v := &g.scratch.view
	v.explaining, v.Grounding = true, true
	again := g.Decide(r, &g.scratch)
	v.explaining, v.Grounding = false, false
	v.Forget()
	if again.Reason != d.Reason || again.Layer != d.Layer {
		return out
	}
	for i := range v.steps {
		if step := &v.steps[i]; step.outcome == d.Outcome && step.ground.File != "" {
			out = append(out, step.ground)
		}
	}
	clear(v.steps)
	return out
}

// ground is the statement that decided a layer, where that is wanted; zero if none did.
func (v *view) ground(layer policy.Layer, p *Policies, effect policy.Effect) (out policy.StatementRef) {
	if !v.Grounding {
		return out
	}
	if effect != policy.EffectNone && !v.FoundIn.IsNone() {
		out = p.Ground(layer, &v.View)
	}
	v.Forget()
	return out
}
