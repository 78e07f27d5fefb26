package open

import (
	"slices"
	"strings"

	"postern/index/internal/glob"
	"postern/index/internal/match"
	"postern/internal/action"
	"postern/internal/value"
	"postern/policy"
)

const (
	// maxWork is how many statements, patterns, buckets and pairs of patterns
	// one search for patterns looks at.
	maxWork = 65_536
	// looksBetween is the number of looks between two calls of More.
	looksBetween = 256
	// maxSteps is the number of steps of matching that count as one look.
	maxSteps = 1024
)

// Admitted is a pattern with its program, which says what two patterns have in
// common.
type Admitted struct {
	// Program is what Text, which is for people, is compiled to.
	Program, Text string
	At            policy.StatementRef
}

// Everything is what a step that asks nothing admits: it stands beside what the
// next one admits, which names the statement.
func Everything() []Admitted { return []Admitted{{Program: glob.Every, Text: "*"}} }

// Patterns is the work of one search for what it cannot list, and its bounds.
type Patterns struct {
	// More reports whether the search may go on; it may if More is nil.
	More func() bool
	// Truncated says that there may be more patterns than were found, and
	// Stopped that More ended the search.
	Truncated, Stopped bool
	looked             int
}

// Look counts n looks. It returns false past the bound, from where on the
// answer is in doubt.
func (p *Patterns) Look() bool {
	if p.looked++; p.looked > maxWork || p.looked%looksBetween == 0 && !p.GoOn() {
		p.Truncated = true
	}
	return !p.Truncated
}

// GoOn reports whether the search may go on.
func (p *Patterns) GoOn() bool {
	if p.More != nil && !p.Stopped && !p.More() {
		p.Stopped, p.Truncated = true, true
	}
	return !p.Stopped
}

// Doubt notes that the answer is in doubt, if a view passed its budget.
func (p *Patterns) Doubt(v *match.View) { p.Truncated = p.Truncated || v.Over() }

// Both returns what two layers admit that both have to allow: of each pair of
// patterns that can have a text in common the narrower one, which holds all
// such texts.
func (p *Patterns) Both(as, bs []Admitted) (out []Admitted) {
	for _, a := range as {
		for _, b := range bs {
			if !p.Look() {
				return out
			}
			switch {
			case !p.MayMeet(a.Program, b.Program):
			case Covers(b.Program, a.Program) && !Covers(a.Program, b.Program):
				out = append(out, a)
			default:
				out = append(out, b)
			}
		}
	}
	return out
}

// MayMeet reports whether two programs may match one text. Of two that have
// wildcards it compares only the beginnings and the ends, so that it may return
// true for two that match no text in common.
func (p *Patterns) MayMeet(a, b string) bool {
	aKind, aBegin := glob.Classify(a)
	bKind, bBegin := glob.Classify(b)
	switch {
	case aKind == glob.Exact && bKind == glob.Exact:
		return a == b
	case aKind == glob.Exact && strings.IndexByte(b, glob.OpVariable) < 0:
		p.looked += len(a) * len(b) / maxSteps
		return glob.Match(b, a)
	case bKind == glob.Exact && strings.IndexByte(a, glob.OpVariable) < 0:
		p.looked += len(a) * len(b) / maxSteps
		return glob.Match(a, b)
	}
	n := min(len(aBegin), len(bBegin))
	if aBegin[:n] != bBegin[:n] {
		return false
	}
	aEnd, bEnd := literalEnd(a), literalEnd(b)
	n = min(len(aEnd), len(bEnd))
	return aEnd[len(aEnd)-n:] == bEnd[len(bEnd)-n:]
}

// literalEnd returns the literal text with which a program ends.
func literalEnd(program string) string {
	for {
		n := glob.LiteralLen(program)
		if n == len(program) {
			return program
		}
		if program[n] == glob.OpVariable {
			n += 3
		}
		program = program[n+1:]
	}
}

// Covers reports whether a program matches every text that another does. It
// returns false where that is not easy to see.
func Covers(wide, narrow string) bool {
	kind, begin := glob.Classify(wide)
	_, other := glob.Classify(narrow)
	return wide == narrow || kind == glob.Prefix && strings.HasPrefix(other, begin)
}

// AnyAfter returns the program that matches every text with a prefix.
func AnyAfter(begin string) string { return begin + glob.Every }

// ActionText writes the program of an action, which is folded, with the capitals
// of the first action of the table that begins as it does.
func ActionText(program string) string {
	text := strings.NewReplacer(string([]byte{glob.OpRun}), "*", string([]byte{glob.OpOne}), "?").Replace(program)
	_, begin := glob.Classify(program)
	for _, name := range KnownActions() {
		if len(name) >= len(begin) && value.EqualFoldASCII(name[:len(begin)], begin) {
			return name[:len(begin)] + text[len(begin):]
		}
	}
	return text
}

// KnownActions are the names of the action table in byte order.
func KnownActions() []string {
	out := make([]string, action.Count())
	for i := range out {
		out[i] = action.Name(action.ID(i))
	}
	slices.Sort(out)
	return out
}
