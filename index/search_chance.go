package index

import (
	"strings"

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
func (p *Policies) conditionsChance(b block, r record, v *view, open byte) chance {
	out := always
	for want := range p.conditionEntries(b, r) {
		kind := lowered.KeyKind(b[want.entry+conditionHow] >> 16)
		depends := !settled(kind, open)
		if want.op&conditionVariables != 0 {
			for i := range want.n {
				depends = depends || !p.settledProgram(b.text(want.at, i), open)
			}
		}
		switch {
		case depends:
			out = perhaps
		case !want.conditionHolds(want.entry, kind, v, r.is(flagDeny)):
			return never
		}
	}
	return out
}

// entryAt is a condition entry with its values.
type entryAt struct {
	wanted
	entry uint32
}

// conditionEntries goes through the condition entries of a statement. It is for
// searches and explanations; conditionsHold does the same without a call each.
func (p *Policies) conditionEntries(b block, r record) func(yield func(*entryAt) bool) {
	return func(yield func(*entryAt) bool) {
		n := b.conditionCount(r)
		if n == 0 {
			return
		}
		want := entryAt{wanted: wanted{b: b, at: b.conditions(r), policies: p}}
		for ; n > 0; n-- {
			want.entry = want.at
			how := b[want.entry+conditionHow]
			want.at, want.n = want.entry+conditionWords, b[want.entry+conditionValues]
			want.how, want.op = lowered.Comparison(how), how>>8&0xff
			if !yield(&want) {
				return
			}
			want.at += want.n * valueWords(want.how)
		}
	}
}

// resourceChance is resourceHolds with the subject or the action open.
func (p *Policies) resourceChance(b block, r record, v *view, open byte) chance {
	if !v.whole {
		exact, beginnings, globs := b.what(r)
		at := b.patterns(r) + textWords*(exact+beginnings)
		for i := range globs {
			if !p.settledProgram(b.text(at, i), open) {
				return perhaps
			}
		}
	}
	return chanceOf(p.resourceHolds(b, r, v))
}

// scopeChance is resourceChance and conditionsChance of a scope of the iam layer.
func (g *Grants) scopeChance(number uint32, deny bool, v *view, open byte) chance {
	if number == 0 {
		return always
	}
	b := block(g.scopes.words)
	r := b.record(int(number - 1))
	if deny {
		r.first |= flagDeny
	}
	return g.scopes.resourceChance(b, r, v, open).and(g.scopes.conditionsChance(b, r, v, open))
}
