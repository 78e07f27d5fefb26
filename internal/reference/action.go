package reference

import (
	"postern/internal/action"
	"postern/policy"
)

// actionsHold tells whether a statement speaks about the action asked for
// (1.2): "A request's action may have several names; a pattern matches the
// action if it matches any of them." NotAction speaks about those that none of
// its patterns matches.
func (q *question) actionsHold(s *policy.Statement) bool {
	names := actionNames(q.action)
	matches := false
	for _, text := range s.Actions {
		// 1.6: "Actions are compared without regard to ASCII case". They hold
		// no variables.
		p := plainPattern(lowerASCII(text))
		for _, name := range names {
			if p.matches(lowerASCII(name)) {
				matches = true
			}
		}
	}
	return matches != s.NotAction
}

// actionNames lists the names of an action: its own, and those that the table
// of actions adds (1.2).
func actionNames(name string) []string {
	names := []string{name}
	if id, ok := action.Lookup(name); ok {
		names = append(names, action.Also(id)...)
	}
	return names
}

// neededActions lists the actions that a request asks for: its own, and those
// that an operation needs beside it (1.2).
func neededActions(name string) []string {
	needed := []string{name}
	if id, ok := action.Lookup(name); ok {
		for _, beside := range action.Beside(id) {
			needed = append(needed, action.Name(beside))
		}
	}
	return needed
}

// aboutObjects tells that the action at hand is an object operation that is
// asked on a bucket (1.2): it is about objects of the bucket that the request
// does not name.
func (q *question) aboutObjects() bool {
	id, ok := action.Lookup(q.action)
	return ok && action.KindOf(id) == action.OnObject && q.request.Resource.Kind == policy.ResourceBucket
}

// lowerASCII folds the letters A to Z, and nothing else.
func lowerASCII(s string) string {
	out := []byte(s)
	for i, c := range out {
		if c >= 'A' && c <= 'Z' {
			out[i] = c - 'A' + 'a'
		}
	}
	return string(out)
}
