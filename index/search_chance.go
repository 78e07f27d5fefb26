package index

import (
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/lowered"
)

// chance is what is known of a part of a statement while one side of the request
// is left open: whatever is put in there, it holds never, perhaps, or always.
type chance uint8

const (
	never chance = iota
	perhaps
	always
)

// and is the chance of both together.
func (t chance) and(other chance) chance { return min(t, other) }

func chanceOf(holds bool) chance {
	if holds {
		return always
	}
	return never
}

// The sides of a request that a search leaves open.
const (
	openSubject  = 's'
	openResource = 'r'
	openAction   = 'a'
)

// settledKeys tells of the kinds of condition key on which open sides their
// values do not depend. A kind that is missing here depends on every side: a
// search then takes what reads it to hold perhaps, which lists too much and
// never too little.
var settledKeys = map[lowered.KeyKind]string{
	lowered.KeyPrincipalOrg:     "sra",
	lowered.KeyGroups:           "ra", // a team token's is its team's
	lowered.KeyClaim:            "sra",
	lowered.KeyCurrentTime:      "sra",
	lowered.KeyEpochTime:        "sra",
	lowered.KeyResourceOrg:      "sa",
	lowered.KeyResourceProperty: "sa",
	lowered.KeyTag:              "sa",
	lowered.KeyResource:         "sa",
	lowered.KeySubjectProperty:  "ra",
	lowered.KeyActionProperty:   "sr",
	lowered.KeyContext:          "sra",
	lowered.KeySubjectType:      "ra",
	lowered.KeySubjectID:        "ra",
	lowered.KeyPrincipalArn:     "ra",
	lowered.KeyPrincipalAccount: "sra",
	lowered.KeyResourceType:     "s", // which of its forms the resource has depends on the action
	lowered.KeyResourceID:       "s",
	lowered.KeyActionName:       "sr",
}

// settled reports that the value of a key does not depend on the open side.
func settled(kind lowered.KeyKind, open byte) bool {
	return strings.IndexByte(settledKeys[kind], open) >= 0
}

// settledProgram reports that no variable of a program depends on the open side.
func (p *Policies) settledProgram(program string, open byte) bool {
	for {
		i := strings.IndexByte(program, glob.OpVariable)
		if i < 0 {
			return true
		}
		n, rest := glob.VariableNumber(program[i:])
		if !settled(p.variables[n].Key.Kind, open) {
			return false
		}
		program = rest
	}
}

// conditionsChance is conditionsHold with a side open.
func (p *Policies) conditionsChance(b block.Block, r block.Record, v *view, open byte) chance {
	out := always
	for want := range p.variables.Conditions(b, r) {
		depends := !settled(want.Kind(), open)
		if want.Op&block.Variables != 0 {
			for i := range want.N {
				depends = depends || !p.settledProgram(want.Text(i), open)
			}
		}
		switch {
		case depends:
			out = perhaps
		case !want.Holds(&v.View, r.Deny()):
			return never
		}
	}
	return out
}

// resourceChance is resourceHolds with the subject or the action open.
func (p *Policies) resourceChance(b block.Block, r block.Record, v *view, open byte) chance {
	if !v.Whole {
		w := b.What(r)
		for i := range w.Glob {
			if !p.settledProgram(b.ResourceProgram(w, i), open) {
				return perhaps
			}
		}
	}
	return chanceOf(p.variables.ResourceHolds(b, r, &v.View))
}

// scopeChance is resourceChance and conditionsChance of a scope of the iam layer.
func (g *Grants) scopeChance(number uint32, deny bool, v *view, open byte) chance {
	if number == 0 {
		return always
	}
	b := block.At(g.scopes.words, 0)
	r := b.Record(int(number - 1))
	if deny {
		r = r.AsDeny()
	}
	return g.scopes.resourceChance(b, r, v, open).and(g.scopes.conditionsChance(b, r, v, open))
}
