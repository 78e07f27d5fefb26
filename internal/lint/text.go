package lint

import (
	"fmt"
	"strings"

	"postern/internal/conditionkey"
	"postern/internal/policyjson"
	"postern/internal/value"
	"postern/policy"
)

// Rules about text that another program was to replace.

// templatesLeft warns of placeholders that were not filled in.
func templatesLeft(l *look, st *policy.Statement) {
	check := func(text string, at policyjson.Place, bucket string) {
		left := l.placeholder(text)
		if left == "" {
			left = placeholderInName(bucket)
		}
		if left != "" {
			l.warn(policy.CodeTemplateLeft, at, templateMessage(text, left))
		}
	}
	for i, p := range st.Principals {
		check(p.Name, l.at(policyjson.PartPrincipal, i), "")
	}
	for i, a := range st.Actions {
		check(a, l.at(policyjson.PartAction, i), "")
	}
	for i, r := range st.Resources {
		bucket, _, _ := strings.Cut(r, "/")
		check(r, l.at(policyjson.PartResource, i), bucket)
	}
	for i, c := range st.Conditions {
		check(c.Key, l.at(policyjson.PartKey, i), "")
		for k, v := range c.Values {
			at := l.at(policyjson.PartValue, i)
			at.Value = k
			check(v, at, "")
		}
	}
}

func templateMessage(text, left string) string {
	return fmt.Sprintf("%s looks like a template that was not filled in: nothing replaces %s; write what it stands for", policyjson.Quote(text), policyjson.Quote(left))
}

// placeholder returns what text holds of a template's syntax, "" if nothing.
func (l *look) placeholder(text string) string {
	if !hasMark(text) {
		return ""
	}
	for _, form := range placeholders {
		for rest := text; ; {
			_, after, ok := strings.Cut(rest, form.open)
			if !ok {
				break
			}
			inner, _, ok := strings.Cut(after, form.close)
			if ok && form.is(inner) && (form.open != "${" || l.Kind != policy.KindOrganization) {
				return form.open + inner + form.close
			}
			rest = after
		}
	}
	return ""
}

// marks are the characters of which a placeholder has one.
var marks = [256]bool{'$': true, '{': true, '[': true, '<': true, '%': true, '&': true}

func hasMark(text string) bool {
	for i := range len(text) {
		if marks[text[i]] {
			return true
		}
	}
	return false
}

// placeholders are the ways in which templates mark what is to be replaced. In an
// organization policy the parser warns of `${`.
var placeholders = [...]struct {
	open, close string
	is          func(inner string) bool
}{
	{"{{", "}}", func(string) bool { return true }},
	{"&{", "}", isWord},
	{"${", "}", func(inner string) bool { // of a key with a service conditionKeys warns
		key, _, _ := strings.Cut(inner, ", '")
		return !strings.ContainsAny(key, ":.") && isWord(key)
	}},
	{"[", "]", isCapitals},
	{"<", ">", isCapitals},
	{"%", "s", func(inner string) bool { return inner == "" }},
	{"%(", ")s", isWord},
}

// placeholderInName is placeholder for the name of a bucket, which can hold none of
// these characters.
func placeholderInName(bucket string) string {
	if !hasMark(bucket) {
		return ""
	}
	for _, form := range []struct{ open, close string }{{"[", "]"}, {"<", ">"}, {"$(", ")"}} {
		if _, after, ok := strings.Cut(bucket, form.open); ok {
			if inner, _, ok := strings.Cut(after, form.close); ok && inner != "" {
				return form.open + inner + form.close
			}
		}
	}
	if _, after, ok := strings.Cut(bucket, "$"); ok && after != "" && isCapitals(strings.TrimRight(after, "*?")) {
		return "$" + after
	}
	return ""
}

// isWord reports whether text is a name, with spaces around it or none.
func isWord(text string) bool {
	text = strings.TrimSpace(text)
	return text != "" && strings.Trim(value.FoldASCII(text), "abcdefghijklmnopqrstuvwxyz0123456789_-. ()\"[]") == ""
}

// isCapitals reports whether text is a name in capitals, as in BUCKET-NAME.
func isCapitals(text string) bool {
	return len(text) > 1 && 'A' <= text[0] && text[0] <= 'Z' && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_- ") == ""
}

// variablesIn2008 warns of policy variables in a document of version 2008-10-17,
// in which they are plain text (specification 1.7).
func variablesIn2008(l *look, st *policy.Statement) {
	if l.Variables {
		return
	}
	l.variables(st, func(key, text string, at policyjson.Place) {
		if kind, _ := conditionkey.Split(key); kind == conditionkey.Caller && !isKnown(key) {
			return
		}
		l.warnFix(policy.CodeVariableIn2008, at,
			fmt.Sprintf(`%s is plain text in %s, because a document of version 2008-10-17 has no policy variables; write "Version": "2012-10-17"`, policyjson.Quote("${"+key+"}"), policyjson.Quote(text)),
			fix{policyjson.Place{Part: policyjson.PartVersion}, "2012-10-17"})
	})
}
