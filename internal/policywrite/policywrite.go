// Package policywrite writes documents as the text of policy files, for tests,
// fuzz targets and benchmarks: they make documents, and hold the parser and the
// loader to what they read of them. postern itself writes no policies.
package policywrite

import (
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"unicode/utf8"

	"postern/policy"
)

// Append appends doc to dst as JSON that policyjson parses to the same document,
// but for two things: lines and columns are those of the new text, and the
// conditions of a statement that have one operator stand together. doc must be an
// organization or bucket policy that keeps the promises of policy.Document.
func Append(dst []byte, doc *policy.Document) []byte {
	w := writer{dst: dst}
	w.document(doc)
	return w.dst
}

// AppendVaried is Append with the text as different authors would write it: half
// of the files without white space, as an API returns them, the members of a
// statement in any order, and a list of one element as that element alone. The
// document's File says which; one file is always written alike.
func AppendVaried(dst []byte, doc *policy.Document) []byte {
	hash := fnv.New64a()
	hash.Write([]byte(doc.File))
	seed := hash.Sum64()
	w := writer{
		dst:      dst,
		order:    rand.New(rand.NewPCG(seed, 1)),
		minified: seed&1 != 0,
		scalars:  seed&2 != 0 && doc.Kind == policy.KindBucket,
	}
	w.document(doc)
	return w.dst
}

func (w *writer) document(doc *policy.Document) {
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
}

type writer struct {
	dst      []byte
	order    *rand.Rand // of the members of a statement; nil for the usual one
	minified bool       // without white space
	scalars  bool       // lists of one element are written as the element
}

// raw writes what stands between texts.
func (w *writer) raw(s string) {
	if w.minified {
		s = noSpace.Replace(s)
	}
	w.dst = append(w.dst, s...)
}

var noSpace = strings.NewReplacer(" ", "", "\n", "")

// open writes what stands before a key, the key and its colon.
func (w *writer) open(before, key string) {
	w.raw(before)
	w.text(key)
	w.raw(": ")
}

// member is a member of an object, and what writes its value.
type member struct {
	key   string
	value func()
}

// statement writes an object of these members.
func (w *writer) statement(members []member) {
	if w.order != nil {
		w.order.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	}
	before := "\n    {\n      "
	for _, m := range members {
		w.open(before, m.key)
		m.value()
		before = ",\n      "
	}
	w.raw("\n    }")
}

func (w *writer) organizationStatement(st *policy.Statement) {
	w.statement([]member{
		{"name", func() { w.text(st.Name) }},
		{"effect", func() { w.text(st.Effect.String()) }},
		{"actions", func() { w.list(st.Actions, "") }},
		{"resources", func() { w.list(st.Resources, "") }},
		{"principals", func() { w.principals(st.Principals) }},
	})
}

func (w *writer) bucketStatement(st *policy.Statement) {
	var members []member
	if st.Name != "" {
		members = append(members, member{"Sid", func() { w.text(st.Name) }})
	}
	members = append(members,
		member{"Effect", func() { w.text(st.Effect.String()) }},
		member{negated("Principal", st.NotPrincipal), func() { w.bucketPrincipals(st.Principals) }},
		member{negated("Action", st.NotAction), func() { w.list(st.Actions, "") }},
		member{negated("Resource", st.NotResource), func() { w.list(st.Resources, "arn:aws:s3:::") }})
	if len(st.Conditions) > 0 {
		members = append(members, member{"Condition", func() { w.conditions(st.Conditions) }})
	}
	w.statement(members)
}

func (w *writer) bucketPrincipals(ps []policy.PrincipalPattern) {
	if ps[0].Kind == policy.PrincipalNobody {
		w.open("{", "Service")
		w.text("nobody")
	} else {
		w.open("{", "AWS")
		w.principals(ps)
	}
	w.raw("}")
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
	texts := make([]string, len(ps))
	for i, p := range ps {
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
		texts[i] = text
	}
	w.list(texts, "")
}

// list writes texts, each behind prefix.
func (w *writer) list(texts []string, prefix string) {
	if w.scalars && len(texts) == 1 {
		w.text(prefix + texts[0])
		return
	}
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
