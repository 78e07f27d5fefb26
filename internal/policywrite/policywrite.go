// Package policywrite writes documents as the text of policy files, for tests,
// fuzz targets and benchmarks: they make documents, and hold the parser and the
// loader to what they read of them. postern itself writes no policies.
package policywrite

import (
	"unicode/utf8"

	"postern/policy"
)

// Append appends doc to dst as JSON that policyjson parses to the same document,
// but for two things: lines and columns are those of the new text, and the
// conditions of a statement that have one operator stand together. doc must be an
// organization or bucket policy that keeps the promises of policy.Document.
func Append(dst []byte, doc *policy.Document) []byte {
	w := writer{dst}
	if doc.Kind == policy.KindOrganization {
		w.open("{\n  ", "version")
		w.text("v1alpha1")
		w.open(",\n  ", "name")
		w.text(doc.Name)
		w.open(",\n  ", "statements")
	} else {
		w.open("{\n  ", "Version")
		if doc.Variables {
			w.text("2012-10-17")
		} else {
			w.text("2008-10-17")
		}
		if doc.Name != "" {
			w.open(",\n  ", "Id")
			w.text(doc.Name)
		}
		w.open(",\n  ", "Statement")
	}
	w.raw("[")
	for i := range doc.Statements {
		if i > 0 {
			w.raw(",")
		}
		if doc.Kind == policy.KindOrganization {
			w.organizationStatement(&doc.Statements[i])
		} else {
			w.bucketStatement(&doc.Statements[i])
		}
	}
	w.raw("\n  ]\n}\n")
	return w.dst
}

type writer struct{ dst []byte }

func (w *writer) raw(s string) { w.dst = append(w.dst, s...) }

// open writes what stands before a key, the key and its colon.
func (w *writer) open(before, key string) {
	w.raw(before)
	w.text(key)
	w.raw(": ")
}

const separator = ",\n      "

func (w *writer) organizationStatement(st *policy.Statement) {
	w.open("\n    {\n      ", "name")
	w.text(st.Name)
	w.open(separator, "effect")
	w.text(st.Effect.String())
	w.open(separator, "actions")
	w.list(st.Actions, "")
	w.open(separator, "resources")
	w.list(st.Resources, "")
	w.open(separator, "principals")
	w.principals(st.Principals)
	w.raw("\n    }")
}

func (w *writer) bucketStatement(st *policy.Statement) {
	before := "\n    {\n      "
	if st.Name != "" {
		w.open(before, "Sid")
		w.text(st.Name)
		before = separator
	}
	w.open(before, "Effect")
	w.text(st.Effect.String())
	w.open(separator, negated("Principal", st.NotPrincipal))
	if st.Principals[0].Kind == policy.PrincipalNobody {
		w.open("{", "Service")
		w.text("nobody")
	} else {
		w.open("{", "AWS")
		w.principals(st.Principals)
	}
	w.raw("}")
	w.open(separator, negated("Action", st.NotAction))
	w.list(st.Actions, "")
	w.open(separator, negated("Resource", st.NotResource))
	w.list(st.Resources, "arn:aws:s3:::")
	if len(st.Conditions) > 0 {
		w.open(separator, "Condition")
		w.conditions(st.Conditions)
	}
	w.raw("\n    }")
}

func negated(element string, not bool) string {
	if not {
		return "Not" + element
	}
	return element
}

// conditions writes all keys of one operator together, where its first stood.
func (w *writer) conditions(cs []policy.Condition) {
	done := map[policy.Operator]bool{}
	before := "{\n        "
	for i := range cs {
		op := cs[i].Operator
		if done[op] {
			continue
		}
		done[op] = true
		w.open(before, op.String())
		before = ",\n        "
		keyBefore := "{"
		for j := i; j < len(cs); j++ {
			if cs[j].Operator == op {
				w.open(keyBefore, cs[j].Key)
				w.list(cs[j].Values, "")
				keyBefore = ", "
			}
		}
		w.raw("}")
	}
	w.raw("\n      }")
}

func (w *writer) principals(ps []policy.PrincipalPattern) {
	w.raw("[")
	for i, p := range ps {
		if i > 0 {
			w.raw(", ")
		}
		text := p.Name
		switch p.Kind {
		case policy.PrincipalEveryone:
			text = "*"
		case policy.PrincipalPrefix:
			text += "*"
		case policy.PrincipalOrganization:
			text = "*"
		case policy.PrincipalAccount:
			text = "root"
		}
		if p.Org != "" {
			text = "arn:aws:iam::" + p.Org + ":" + text
		}
		w.text(text)
	}
	w.raw("]")
}

// list writes texts, each behind prefix.
func (w *writer) list(texts []string, prefix string) {
	w.raw("[")
	for i, t := range texts {
		if i > 0 {
			w.raw(", ")
		}
		w.text(prefix + t)
	}
	w.raw("]")
}

const hex = "0123456789abcdef"

// text writes a JSON string. What is not UTF-8 becomes U+FFFD; no document
// holds such.
func (w *writer) text(s string) {
	w.dst = append(w.dst, '"')
	for _, r := range s {
		switch {
		case r == '"', r == '\\':
			w.dst = append(w.dst, '\\', byte(r))
		case r < 0x20:
			w.dst = append(w.dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			w.dst = utf8.AppendRune(w.dst, r)
		}
	}
	w.dst = append(w.dst, '"')
}
