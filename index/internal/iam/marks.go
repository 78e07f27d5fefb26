package iam

import (
	"math/bits"
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/lowered"
)

// marks tell what rules may be about, and marks of a request what it is about:
// so most of a caller's bindings, and most of its groups, are passed over
// without a look at more than this. What passes may hold, what does not cannot.
type marks struct {
	// actions are those of actionRows.marks.
	actions uint64
	// pairs has a bit for each action of a rule and each id that the rule is
	// about, or for the action alone where a rule is about every id.
	pairs uint64
	// spots has two bits of each resource: one of its type and one of its id.
	// Rules have those of every resource that the literal beginnings of their
	// patterns admit.
	spots uint64
}

// may reports that the rules may cover a request.
func (m *marks) may(request *marks) bool {
	return m.spots&request.spots == request.spots && m.pairs&request.pairs != 0 && m.actions&request.actions != 0
}

func (m *marks) add(other *marks) {
	m.actions |= other.actions
	m.pairs |= other.pairs
	m.spots |= other.spots
}

const (
	everySpot = ^uint64(0)
	typeSpots = 16 // bits of types; the rest are of ids
)

// spots makes marks. Of an id it looks at four bytes, the same in every id.
type spots struct {
	// at is where in ids the four bytes lie.
	at uint32
	// off: every rule has all marks (lowered.FormScan).
	off bool
}

// newSpots looks where the ids of scopes differ most.
func newSpots(scopes []lowered.Scope, form lowered.Form) spots {
	var ids []string
	for i := range scopes {
		for _, program := range scopes[i].Resources {
			_, literal := glob.Classify(program)
			if _, id, ok := strings.Cut(literal, ":"); ok {
				ids = append(ids, id)
			}
		}
	}
	return spots{at: new(block.Writer).ChooseKey("", ids), off: form == lowered.FormScan}
}

// key is the four bytes of the id in a text `type:id`, or in the beginning of
// one; false if they are not there.
func (s *spots) key(text string) (key uint32, ok bool) {
	if colon := strings.IndexByte(text, ':'); colon >= 0 {
		return s.keyBehind(text, colon)
	}
	return 0, false
}

func (s *spots) keyBehind(text string, colon int) (key uint32, ok bool) {
	if id := text[colon+1:]; uint64(s.at)+block.KeyBytes <= uint64(len(id)) {
		return block.KeyOf(id, s.at), true
	}
	return 0, false
}

// request makes the marks of a request, by the text `type:id` of its resource and the
// mark of its action. An id that is too short for a key matches no rule that has
// the mark of one, so that it is safe to leave that mark out.
func (s *spots) request(text string, action uint64) marks {
	colon, number := max(0, strings.IndexByte(text, ':')), bits.TrailingZeros64(action)
	m := marks{actions: action, pairs: pair(number), spots: typeSpot(text[:colon])}
	if key, ok := s.keyBehind(text, colon); ok {
		m.pairs |= pairWith(number, key)
		m.spots |= idSpot(key)
	}
	return m
}

// rule makes the marks of a rule, by the marks of its actions and the number of
// its scope.
func (s *spots) rule(actions uint64, scopes []lowered.Scope, scope int) marks {
	if s.off {
		return marks{everySpot, everySpot, everySpot}
	}
	m := marks{actions: actions, spots: s.scope(scopes, scope)}
	for a := range 64 {
		if actions>>a&1 == 0 {
			continue
		}
		if scope == lowered.NoScope || scopes[scope].Resources == nil {
			m.pairs |= pair(a)
			continue
		}
		for _, program := range scopes[scope].Resources {
			_, literal := glob.Classify(program)
			if key, ok := s.key(literal); ok {
				m.pairs |= pairWith(a, key)
			} else {
				m.pairs |= pair(a)
			}
		}
	}
	return m
}

// scope are the spots of all resources that a scope may hold on.
func (s *spots) scope(scopes []lowered.Scope, scope int) (set uint64) {
	if s.off || scope == lowered.NoScope || scopes[scope].Resources == nil {
		return everySpot
	}
	for _, program := range scopes[scope].Resources {
		_, literal := glob.Classify(program)
		set |= s.under(literal)
	}
	return set
}

// under are the spots of all resources whose text begins with a literal.
func (s *spots) under(literal string) uint64 {
	colon := strings.IndexByte(literal, ':')
	if colon < 0 {
		return everySpot
	}
	set := typeSpot(literal[:colon])
	if key, ok := s.keyBehind(literal, colon); ok {
		return set | idSpot(key)
	}
	return set | everySpot&^(1<<typeSpots-1)
}

const spread = 0x9e3779b1

// typeSpot is the bit of a type, idSpot that of an id.
func typeSpot(name string) uint64 { return 1 << (block.KeyTag(name) * spread >> 28) }

func idSpot(key uint32) uint64 {
	return 1 << (typeSpots + uint64(key*spread)*(64-typeSpots)>>32)
}

// pair is the bit of an action, by the number of its mark, on every id, and
// pairWith that on an id.
func pair(action int) uint64 { return 1 << (uint32(action) * spread >> 26) }

func pairWith(action int, key uint32) uint64 {
	return 1 << ((key*0x85ebca6b ^ uint32(action+1)*0xc2b2ae35) * spread >> 26)
}
