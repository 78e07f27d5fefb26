package lint

import (
	"fmt"
	"slices"
	"strings"

	"postern/internal/awskeys"
	"postern/internal/conditionkey"
	"postern/internal/pattern"
	"postern/internal/policyjson"
	"postern/internal/spelling"
	"postern/internal/value"
	"postern/policy"
)

// Rules about condition keys, in conditions and in policy variables.

// conditionKeys warns of keys that no request is known to have.
func conditionKeys(l *look, st *policy.Statement) {
	for i, c := range st.Conditions {
		l.knownKey(c.Key, c.Key, l.at(policyjson.PartKey, i))
	}
	l.variables(st, func(key, text string, at policyjson.Place) {
		if l.Variables && strings.ContainsAny(key, ":.") { // else it is a template that was left
			l.knownKey(key, text, at)
		}
	})
}

// knownKey warns of a key that is not known. text is what stands at the place: the
// key, or a pattern that holds it.
func (l *look) knownKey(key, text string, at policyjson.Place) {
	if isKnown(key) || l.Kind == policy.KindAccess && !ownNamespace(key) {
		return
	}
	message := fmt.Sprintf("no request is known to have the condition key %s", policyjson.Quote(key))
	near, ok := nearestKey(key)
	if !ok {
		if service, _, found := strings.Cut(key, ":"); found && value.EqualFoldASCII(service, "cw") {
			return // CoreWeave may have more keys than its documentation
		}
		l.warn(policy.CodeUnknownConditionKey, at, message+"; check its spelling")
		return
	}
	l.warnFix(policy.CodeUnknownConditionKey, at, message+"; did you mean "+policyjson.Quote(near)+"?", fix{at, strings.ReplaceAll(text, key, near)})
}

// isKnown reports whether a request may have a key, as far as anyone knows.
func isKnown(key string) bool {
	if kind, name := conditionkey.Split(key); kind != conditionkey.Caller {
		return name != "" && !strings.HasPrefix(name, ":")
	}
	return awskeys.Known(key)
}

// serverKeys are keys that the server sets, beside those of AWS's names.
var serverKeys = []string{"subject.type", "subject.id", "resource.type", "resource.id", "action.name"}

// nearestKey is the known key that is spelled most like one that is not.
func nearestKey(key string) (string, bool) {
	if !strings.Contains(key, ":") { // the service may be all that is missing
		for _, service := range []string{"aws:", "s3:"} {
			if awskeys.Known(service + key) {
				return service + key, true
			}
		}
	}
	if near, ok := awskeys.Nearest(key); ok {
		return near, true
	}
	if i := spelling.Nearest(value.FoldASCII(key), len(serverKeys), func(i int) string { return serverKeys[i] }); i >= 0 {
		return serverKeys[i], true
	}
	return "", false
}

// variables calls use for each policy variable of a statement with its key, and
// the pattern that it stands in. A document of 2008 has none; what would be one in a
// later version is passed too.
func (l *look) variables(st *policy.Statement, use func(key, text string, at policyjson.Place)) {
	if l.Kind != policy.KindBucket {
		return
	}
	in := func(text string, at policyjson.Place) {
		if !strings.Contains(text, "${") {
			return
		}
		parts, err := pattern.Parse(text, true)
		if err != nil {
			return // plain text of 2008
		}
		written := text
		if at.Part == policyjson.PartResource {
			written = l.written(text)
		}
		for _, p := range parts {
			if p.Kind == pattern.Variable {
				use(p.Text, written, at)
			}
		}
	}
	for i, r := range st.Resources {
		in(r, l.at(policyjson.PartResource, i))
	}
	for i, c := range st.Conditions {
		if f := c.Operator.Test.Family(); f != policy.FamilyString && f != policy.FamilyArn {
			continue
		}
		for k, v := range c.Values {
			at := l.at(policyjson.PartValue, i)
			at.Value = k
			in(v, at)
		}
	}
}

// keysFitActions warns of keys that no action of their statement has.
func keysFitActions(l *look, st *policy.Statement) {
	if st.NotAction {
		return
	}
	for i, c := range st.Conditions {
		if slices.ContainsFunc(l.known, func(m matched) bool { return m.all || len(m.actions) == 0 || l.fits(m, c.Key) }) {
			continue
		}
		have := awskeys.Actions(c.Key)
		l.warn(policy.CodeKeyDoesNotFitAction, l.at(policyjson.PartKey, i),
			fmt.Sprintf("no action of this statement has the condition key %s, which belongs to %s; write it into a statement about these", policyjson.Quote(c.Key), alternatives(have, "and")))
	}
}

// fits reports whether one of the actions that a pattern matches has a key.
func (l *look) fits(m matched, key string) bool {
	for _, id := range m.actions {
		if awskeys.Fits(key, id) {
			return true
		}
	}
	return false
}
