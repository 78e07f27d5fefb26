package index

import (
	"math/bits"
	"unsafe"

	"postern/policy"
)

// statement is one frozen statement: what deciding needs, without pointers.
// Its principals lie in Policies.principals from names on: first the exact
// ones by (hash, text), then the beginnings, prefix-free by (organization,
// text), then organizations. Its resources lie in Policies.resources from
// patterns on: exact ones sorted, beginnings prefix-free and sorted, globs.
type statement struct {
	flags   uint8
	actions uint32 // number in part.actions

	names                          uint32
	exact, prefixes, organizations uint32

	patterns                                    uint32
	exactPatterns, prefixPatterns, globPatterns uint32

	conditions span
}

const (
	flagDeny = 1 << iota
	flagEveryone
	flagNotPrincipal
	flagNotResource
	flagWhole
)

func (s *statement) set(flag uint8, on bool) {
	if on {
		s.flags |= flag
	}
}

func (s *statement) is(flag uint8) bool { return s.flags&flag != 0 }

// effect returns the statement's effect.
func (s *statement) effect() policy.Effect {
	if s.is(flagDeny) {
		return policy.EffectDeny
	}
	return policy.EffectAllow
}

// meta is what explanations say of a statement.
type meta struct {
	document, index, line uint32
	name                  ref
}

// part is a set of statements that are asked together, Deny statements first;
// among those of one effect, by file and index.
type part struct {
	statements []statement
	meta       []meta
	denies     int
	// actions are the distinct action dimensions.
	actions []actionSet
	// roaring is set for parts of more than one word of statements.
	roaring *roaringIndex
	scan    bool // FormScan
}

// actionSet is one action dimension and, in a part of one word, the statements
// that have it.
type actionSet struct {
	known    ActionBits
	mask     uint64
	programs []string
	not      bool
}

// covers reports whether the dimension holds for the requested action.
func (a *actionSet) covers(v *view) bool {
	if v.known {
		return a.known.Has(v.action)
	}
	for _, program := range a.programs {
		if glob(program, v.actionFolded()) {
			return !a.not
		}
	}
	return a.not
}

const wordSize = 64

// part freezes statements, which are in order, into a part.
func (f *freezer) part(list []frozen) *part {
	p := &part{
		statements: make([]statement, len(list)),
		meta:       make([]meta, len(list)),
		scan:       f.form == FormScan,
	}
	sets := map[string]uint32{}
	for i := range list {
		s := &list[i]
		id := actionsID(s.actions)
		n, ok := sets[id]
		if !ok {
			n = uint32(len(p.actions))
			sets[id] = n
			p.actions = append(p.actions, actionSet{known: s.actions.Known, programs: s.actions.Programs, not: s.actions.Not})
		}
		s.statement.actions = n
		if i < wordSize {
			p.actions[n].mask |= 1 << i
		}
		if s.is(flagDeny) {
			p.denies++
		}
		p.statements[i], p.meta[i] = s.statement, s.meta
	}
	if !p.scan && (len(list) > wordSize || f.form == FormRoaring) {
		p.roaring = newRoaringIndex(list, p)
	}
	return p
}

// actionsID tells equal action dimensions.
func actionsID(a *Actions) string {
	b := make([]byte, 0, 64)
	for _, w := range a.Known {
		for i := 0; i < 64; i += 8 {
			b = append(b, byte(w>>i))
		}
	}
	if a.Not {
		b = append(b, '!')
	}
	for _, p := range a.Programs {
		b = append(b, p...)
		b = append(b, 0)
	}
	return string(b)
}

// satisfied answers for the part: Deny if a Deny is satisfied, else Allow if
// an Allow is, else none.
func (p *Policies) satisfied(x *part, v *view) policy.Effect {
	if len(x.statements) == 0 {
		return policy.EffectNone
	}
	switch {
	case x.scan:
		return p.scanAll(x, v)
	case x.roaring != nil:
		return p.scanRoaring(x, v)
	}
	var candidates uint64
	if v.known {
		for i := range x.actions {
			a := &x.actions[i]
			candidates |= a.mask & -(a.known[v.action>>6] >> (v.action & 63) & 1)
		}
	} else {
		for i := range x.actions {
			if a := &x.actions[i]; a.covers(v) {
				candidates |= a.mask
			}
		}
	}
	if v.denyOnly {
		candidates &= 1<<x.denies - 1
	}
	for ; candidates != 0; candidates &= candidates - 1 {
		s := &x.statements[bits.TrailingZeros64(candidates)]
		if p.verify(s, v) {
			return s.effect()
		}
	}
	return policy.EffectNone
}

// scanAll is satisfied with the index switched off.
func (p *Policies) scanAll(x *part, v *view) policy.Effect {
	for i := range x.statements {
		s := &x.statements[i]
		if v.denyOnly && !s.is(flagDeny) {
			break
		}
		if x.actions[s.actions].covers(v) && p.verify(s, v) {
			return s.effect()
		}
	}
	return policy.EffectNone
}

// verify reports whether a statement that covers the action is satisfied.
func (p *Policies) verify(s *statement, v *view) bool {
	return p.resourceHolds(s, v) && p.principalHolds(s, v) && p.conditionsHold(s, v)
}

func (x *part) size() int64 {
	n := int64(unsafe.Sizeof(*x)) + sizeOf(x.statements) + sizeOf(x.meta) + sizeOf(x.actions)
	for i := range x.actions {
		n += sizeOf(x.actions[i].programs)
	}
	if x.roaring != nil {
		n += x.roaring.size()
	}
	return n
}
