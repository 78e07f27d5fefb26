package policyjson

import (
	"iter"
	"strings"

	"postern/internal/action"
	"postern/internal/value"
)

// actionForm checks the grammar of action patterns (specification 1.6).
func (d *decoder) actionForm(text string, at int) bool {
	if text == "*" {
		return true
	}
	service, name, ok := strings.Cut(text, ":")
	switch {
	case ok && name != "" && isName(service, "-", len(service)):
		return true
	case !ok && isName(text, "*?", len(text)) && d.matchesKnown("s3:"+text):
		d.report(at, msgActionService, quote(text), instead("s3:"+text))
	case !ok && isName(text, "*?", len(text)) && d.matchesKnown("cwobject:"+text):
		d.report(at, msgActionService, quote(text), instead("cwobject:"+text))
	default:
		d.report(at, msgActionForm, quote(text))
	}
	return false
}

// knownAction warns of a pattern that matches no action of the table. Only the
// first maxGlobs patterns with wildcards of a file are compared with the table,
// so that a hostile file cannot take seconds.
func (d *decoder) knownAction(text string, at int) {
	if d.matchesKnown(text) {
		return
	}
	if !strings.ContainsAny(text, "*?") && d.suggestions > 0 {
		d.suggestions--
		if near, ok := action.Nearest(clip(text)); ok {
			d.report(at, msgActionNear, quote(text), instead(near))
			return
		}
	}
	d.report(at, msgActionUnknown, quote(text))
}

func (d *decoder) matchesKnown(text string) bool {
	if _, ok := action.Lookup(text); ok || strings.HasSuffix(text, ":*") || text == "*" {
		return true
	}
	if !strings.ContainsAny(text, "*?") {
		return false
	}
	if d.globs == 0 {
		return true
	}
	d.globs--
	for range KnownActions(value.FoldASCII(text)) {
		return true
	}
	return false
}

// KnownActions returns the actions of the table, and the operations, that a pattern in
// lower case matches, in the order of the table.
func KnownActions(pattern string) iter.Seq[action.ID] {
	return func(yield func(action.ID) bool) {
		head, _, _ := strings.Cut(pattern, "*")
		head, _, _ = strings.Cut(head, "?")
		for id, name := range foldedNames {
			if strings.HasPrefix(name, head) && matchName(pattern, name) && !yield(action.ID(id)) {
				return
			}
		}
	}
}

// foldedNames are the names of the table of actions, in lower case.
var foldedNames = func() []string {
	out := make([]string, action.Count())
	for id := range out {
		out[id] = value.FoldASCII(action.Name(action.ID(id)))
	}
	return out
}()

// matchName matches a pattern with a name of the table of actions. It takes at
// most len(pattern) x len(name) steps; the names are short.
func matchName(pattern, name string) bool {
	p, n, star, from := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
