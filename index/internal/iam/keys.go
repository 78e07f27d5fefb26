package iam

import (
	"postern/index/internal/block"
	"postern/index/lowered"
)

// Keys calls visit with each condition key that bindings and rules ask for, as often
// as they do, and whether there is a Deny that may be what asks.
func (m *Layer) Keys(visit func(key lowered.Key, deny bool)) {
	s := &m.grants.scopes
	if len(s.words) > 0 {
		s.variables.Keys(block.At(s.words, 0), func(key lowered.Key, _ bool) { visit(key, m.grants.denies > 0) })
	}
}
