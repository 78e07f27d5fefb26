package open

import (
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/internal/match"
	"postern/internal/conditionkey"
)

// Chance is what is known of a part of a statement while one side of the request
// is left open: whatever is put in there, it holds never, perhaps, or always.
type Chance uint8

// The chances, from the least.
const (
	Never Chance = iota
	Perhaps
	Always
)

// And returns the chance that both hold.
func (c Chance) And(other Chance) Chance { return min(c, other) }

// ChanceOf returns the chance of what does not depend on the open side.
func ChanceOf(holds bool) Chance {
	if holds {
		return Always
	}
	return Never
}

// Side is a side of a request that a search leaves open.
type Side byte

// The sides.
const (
	Subject  Side = 's'
	Resource Side = 'r'
	Action   Side = 'a'
)

// settledKeys tells of the kinds of condition key on which open sides their
// values do not depend. A kind that is missing here depends on every side: a
// search then takes what reads it to hold perhaps, which lists too much and
// never too little.
var settledKeys = map[conditionkey.Kind]string{
	conditionkey.PrincipalOrg:     "sra",
	conditionkey.Groups:           "ra", // a team token's is its team's
	conditionkey.Claim:            "sra",
	conditionkey.CurrentTime:      "sra",
	conditionkey.EpochTime:        "sra",
	conditionkey.ResourceOrg:      "sa",
	conditionkey.ResourceProperty: "sa",
	conditionkey.Tag:              "sa",
	conditionkey.Resource:         "sa",
	conditionkey.SubjectProperty:  "ra",
	conditionkey.ActionProperty:   "sr",
	conditionkey.Caller:           "sra",
	conditionkey.SubjectType:      "ra",
	conditionkey.SubjectID:        "ra",
	conditionkey.PrincipalArn:     "ra",
	conditionkey.PrincipalAccount: "sra",
	conditionkey.ResourceType:     "s", // which of its forms the resource has depends on the action
	conditionkey.ResourceID:       "s",
	conditionkey.ActionName:       "sr",
}

// settled reports that the value of a key does not depend on the open side.
func settled(kind conditionkey.Kind, side Side) bool {
	return strings.IndexByte(settledKeys[kind], byte(side)) >= 0
}

// settledProgram reports whether no variable of a program depends on the open
// side.
func settledProgram(x *match.Variables, program string, side Side) bool {
	for {
		i := strings.IndexByte(program, glob.OpVariable)
		if i < 0 {
			return true
		}
		n, rest := glob.VariableNumber(program[i:])
		if !settled((*x)[n].Key.Kind, side) {
			return false
		}
		program = rest
	}
}

// Conditions returns the chance of a statement's conditions: x.ConditionsHold
// with a side open.
func Conditions(x *match.Variables, b block.Block, r block.Record, v *match.View, side Side) Chance {
	out := Always
	for want := range x.Conditions(b, r) {
		depends := !settled(want.Kind(), side)
		if want.Op&block.Variables != 0 {
			for i := range want.N {
				depends = depends || !settledProgram(x, want.Text(i), side)
			}
		}
		switch {
		case depends:
			out = Perhaps
		case !want.Holds(v, r.Deny()):
			return Never
		}
	}
	return out
}

// Resources returns the chance of a statement's resources: x.ResourceHolds with
// the subject or the action open.
func Resources(x *match.Variables, b block.Block, r block.Record, v *match.View, side Side) Chance {
	if !v.Whole {
		w := b.What(r)
		for i := range w.Glob {
			if !settledProgram(x, b.ResourceProgram(w, i), side) {
				return Perhaps
			}
		}
	}
	return ChanceOf(x.ResourceHolds(b, r, v))
}
