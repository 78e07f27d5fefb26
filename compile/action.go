package compile

import (
	"strings"

	"postern/index"
	"postern/internal/action"
	"postern/internal/value"
)

// actionPattern is one action pattern, resolved over the table of known
// actions; a pattern matches an action if it matches any of its names
// (specification 1.2).
type actionPattern struct {
	known   index.ActionBits
	program string
	// unknown: the pattern can match an action that the table does not hold.
	unknown bool
}

// names are all names of known actions, folded, with the actions that each
// stands for.
var names = func() map[string]index.ActionBits {
	m := map[string]index.ActionBits{}
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

func (l *lowering) actionPattern(text string) *actionPattern {
	folded := value.FoldASCII(text)
	if p := l.actions[folded]; p != nil {
		return p
	}
	p := &actionPattern{program: l.program(folded, false)}
	l.actions[folded] = p
	if bits, ok := names[folded]; ok {
		p.known = bits
		return p
	}
	p.unknown = true
	if !strings.ContainsAny(folded, "*?") {
		return p
	}
	for name, bits := range names {
		if index.Match(p.program, name) {
			for i := range p.known {
				p.known[i] |= bits[i]
			}
		}
	}
	return p
}

// actionSet lowers the statement's action dimension.
func (l *lowering) actionSet() index.Actions {
	s := l.statement
	out := index.Actions{Not: s.NotAction}
	if len(s.Actions) == 0 {
		l.refuse("the statement has no action")
	}
	for _, text := range s.Actions {
		p := l.actionPattern(text)
		for i := range out.Known {
			out.Known[i] |= p.known[i]
		}
		if p.unknown {
			out.Programs = append(out.Programs, p.program)
		}
	}
	if s.NotAction {
		for id := action.ID(0); int(id) < action.Count(); id++ {
			out.Known[id>>6] ^= 1 << (id & 63)
		}
	}
	return out
}
