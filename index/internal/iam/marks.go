package iam

import (
	"math/bits"
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/lowered"
)

// marks say, at a low cost, which rules cannot hold. A request has marks for
// what it is about, and rules have marks for what they may be about, so that
// most of a caller's bindings, and of its groups, are passed over without
// looking at more. Rules that pass may hold; those that do not pass cannot.
type marks struct {
	// actions are marks of actions, see actionRows.marks.
	actions uint64
	// pairs has a bit for each action of a rule and each id that the rule is
	// about, or for the action alone where a rule is about every id.
	pairs uint64
	// spots has two bits for each resource: one for its type and one for its
	// id. Rules have the bits of all resources that the literal prefixes of
	// their patterns admit.
	spots uint64
}

// may reports whether the rules may cover a request.
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
	typeSpots = 16 // the number of bits of types; the others are of ids
)

// spots makes the marks of resources. It looks at four bytes of an id, which
// lie at the same place in every id.
type spots struct {
	// at is the place of the four bytes.
	at uint32
	// off says that every rule has all marks (lowered.FormScan).
	off bool
}

// newSpots chooses the place where the ids of scopes differ most.
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

// key returns the four bytes of the id in a text `type:id`, or in the literal
// prefix of one; ok is false if it has fewer.
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

// request makes the marks of a request from the text `type:id` of its resource
// and the mark of its action. An id that has no four bytes at that place gets no
// bit: no rule that has bits of single ids matches it.
func (s *spots) request(text string, action uint64) marks {
	colon, number := max(0, strings.IndexByte(text, ':')), bits.TrailingZeros64(action)
	m := marks{actions: action, pairs: pair(number), spots: typeSpot(text[:colon])}
	if key, ok := s.keyBehind(text, colon); ok {
		m.pairs |= pairWith(number, key)
		m.spots |= idSpot(key)
	}
	return m
}

// rule makes the marks of a rule from the marks of its actions and the number
// of its scope.
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

// scope returns the spots of all resources on which a scope may hold.
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

// under returns the spots of all resources whose text begins with a literal.
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

// typeSpot returns the bit of a type, and idSpot that of an id.
func typeSpot(name string) uint64 { return 1 << (block.KeyTag(name) * spread >> 28) }

func idSpot(key uint32) uint64 {
	return 1 << (typeSpots + uint64(key*spread)*(64-typeSpots)>>32)
}

// pair returns the bit of an action, given by the number of its mark, on every
// id, and pairWith that of an action on one id.
func pair(action int) uint64 { return 1 << (uint32(action) * spread >> 26) }

func pairWith(action int, key uint32) uint64 {
	return 1 << ((key*0x85ebca6b ^ uint32(action+1)*0xc2b2ae35) * spread >> 26)
}
