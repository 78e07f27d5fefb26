package compile

import (
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

func (l *lowering) actionPattern(text string) *actionPattern {
	folded := value.FoldASCII(text)
	if p := l.actions[folded]; p != nil {
		return p
	}
	p := &actionPattern{program: l.program(folded, false), unknown: true}
	if id, ok := action.Lookup(text); ok {
		p.unknown = false // literally the name of a known action
		p.resolve(id)
	}
	for id := action.ID(0); int(id) < action.Count(); id++ {
		p.resolve(id)
	}
	l.actions[folded] = p
	return p
}

func (p *actionPattern) resolve(id action.ID) {
	if index.Match(p.program, value.FoldASCII(action.Name(id))) {
		p.known.Add(id)
	}
	for _, name := range action.Also(id) {
		if index.Match(p.program, value.FoldASCII(name)) {
			p.known.Add(id)
		}
	}
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
