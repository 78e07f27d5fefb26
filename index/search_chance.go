package index

import "postern/index/internal/open"

// scopeChance is resourceChance and conditionsChance of a scope of the iam layer.
func (g *Grants) scopeChance(number uint32, deny bool, v *view, side open.Side) open.Chance {
	if number == 0 {
		return open.Always
	}
	b, r := g.scopes.statement(number)
	if deny {
		r = r.AsDeny()
	}
	x := &g.scopes.variables
	return open.Resources(x, b, r, &v.View, side).And(open.Conditions(x, b, r, &v.View, side))
}
