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
	// maxWork bounds what one search for patterns looks at: statements, patterns,
	// buckets, and pairs of patterns.
	maxWork = 65_536
	// looksBetween is the number of looks from one question whether to go on to
	// the next.
	looksBetween = 256
	// maxSteps are the steps of matching that count as one look.
	maxSteps = 1024
)

// Admitted is a pattern with its program, which tells what two have in common.
type Admitted struct {
	// Program is what Text, which people read, is compiled to.
	Program, Text string
	At            policy.StatementRef
}

// Everything is what a step that asks nothing admits: it stands beside what the
// next one admits, which names the statement.
func Everything() []Admitted { return []Admitted{{Program: glob.Every, Text: "*"}} }

// Patterns is the work of one search for what it cannot list, and its bounds.
type Patterns struct {
	// More says whether there may be more work; nil: there may.
	More func() bool
	// Truncated: there may be more patterns than were found. Stopped: More ended
	// the work.
	Truncated, Stopped bool
	looked             int
}

// Look counts what is looked at; false past the bound, from where the answer is
// in doubt.
func (p *Patterns) Look() bool {
	if p.looked++; p.looked > maxWork || p.looked%looksBetween == 0 && !p.GoOn() {
		p.Truncated = true
	}
	return !p.Truncated
}

// GoOn asks whether there may be more work.
func (p *Patterns) GoOn() bool {
	if p.More != nil && !p.Stopped && !p.More() {
		p.Stopped, p.Truncated = true, true
	}
	return !p.Stopped
}

// Doubt says that the answer is in doubt where a view passed its budget.
func (p *Patterns) Doubt(v *match.View) { p.Truncated = p.Truncated || v.Over() }

// Both returns what two layers admit that both have to: of each pair that can
// have something in common the narrower one, which holds all of that.
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
// wildcards it compares how they begin and how they end, and so may be true in
// vain.
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

// literalEnd is the literal text that a program ends with.
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

// Covers reports that a program matches whatever another does; false
// where that is not plain to see.
func Covers(wide, narrow string) bool {
	kind, begin := glob.Classify(wide)
	_, other := glob.Classify(narrow)
	return wide == narrow || kind == glob.Prefix && strings.HasPrefix(other, begin)
}

// AnyAfter is the program of what begins with a text.
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
