package open

import (
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/internal/match"
	"postern/index/lowered"
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

// And is the chance of both together.
func (c Chance) And(other Chance) Chance { return min(c, other) }

// ChanceOf is the chance of what does not depend on the open side.
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
func settled(kind lowered.KeyKind, side Side) bool {
	return strings.IndexByte(settledKeys[kind], byte(side)) >= 0
}

// settledProgram reports that no variable of a program depends on the open side.
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

// Conditions is the chance of a statement's conditions: x.ConditionsHold with a
// side open.
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

// Resources is the chance of a statement's resources: x.ResourceHolds with the
// subject or the action open.
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
