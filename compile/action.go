package compile

import (
	"strings"

	"postern/index/lowered"
	"postern/internal/action"
	"postern/internal/value"
)

// actionPattern is a pattern that can match actions that are not in the table:
// the known actions that it covers, and its program for the others. It covers
// an action if it matches any of the action's names (specification 1.2).
type actionPattern struct {
	known   lowered.ActionBits
	program string
}

// names maps every name of a known action, folded, to the actions that bear it.
var names = func() map[string]lowered.ActionBits {
	m := map[string]lowered.ActionBits{}
	add := func(name string, id action.ID) {
		folded := value.FoldASCII(name)
		bits := m[folded]
		bits.Add(id)
		m[folded] = bits
	}
	for id := action.ID(0); int(id) < action.Count(); id++ {
		add(action.Name(id), id)
		for _, name := range action.Also(id) {
			add(name, id)
		}
	}
	return m
}()

// byAction has for each known action the set of actions that its own name
// covers.
var byAction = func() []lowered.ActionBits {
	out := make([]lowered.ActionBits, action.Count())
	for id := range out {
		out[id] = names[value.FoldASCII(action.Name(action.ID(id)))]
	}
	return out
}()

// The bounds of what is remembered about action patterns from one unit to the
// next.
const (
	maxPatterns   = 1024
	maxPatternLen = 128
)

// actionPattern resolves a pattern that is not the name of a known action.
func (l *lowering) actionPattern(text string) *actionPattern {
	if p := l.actions[text]; p != nil {
		return p
	}
	folded := value.FoldASCII(text)
	p := &actionPattern{program: strings.Clone(l.program(folded, false))}
	if strings.ContainsAny(folded, "*?") {
		for name, bits := range names {
			if lowered.Match(p.program, name) {
				for i := range p.known {
					p.known[i] |= bits[i]
				}
			}
		}
	}
	if len(text) <= maxPatternLen {
		if len(l.actions) == maxPatterns {
			clear(l.actions)
		}
		l.actions[strings.Clone(text)] = p
	}
	return p
}

// actionSet lowers the actions of the statement at hand.
func (l *lowering) actionSet(out *lowered.Actions) {
	s := l.statement
	out.Not = s.NotAction
	if len(s.Actions) == 0 {
		l.refuse("the statement has no action")
	}
	l.texts.begin()
	for _, text := range s.Actions {
		var known lowered.ActionBits
		if id, ok := action.Lookup(text); ok {
			known = byAction[id]
		} else {
			p := l.actionPattern(text)
			known = p.known
			l.texts.add(p.program)
		}
		for i := range out.Known {
			out.Known[i] |= known[i]
		}
	}
	out.Programs = l.texts.end()
	if s.NotAction {
		for id := action.ID(0); int(id) < action.Count(); id++ {
			out.Known[id>>6] ^= 1 << (id & 63)
		}
	}
}
