package lint

import (
	"bytes"
	"fmt"
	"strings"

	"postern/internal/jsonscan"
	"postern/internal/policyjson"
	"postern/policy"
)

// access looks at an iam document: at its conditions, by the rules about keys and
// values that hold there too, and at all that it says, for templates.
func (d *Directory) access(path string, data []byte, doc *policy.AccessDocument) (out []policy.Diagnostic) {
	look := func(effect policy.Effect, conditions []policy.Condition) {
		if len(conditions) > 0 {
			out = append(out, d.accessConditions(path, data, effect, conditions)...)
		}
	}
	for i := range doc.Roles {
		for k := range doc.Roles[i].Rules {
			look(policy.EffectAllow, doc.Roles[i].Rules[k].Conditions)
		}
	}
	for i := range doc.Bindings {
		look(doc.Bindings[i].Effect, doc.Bindings[i].Conditions)
	}
	return append(out, accessTemplates(path, data)...)
}

func (d *Directory) accessConditions(path string, data []byte, effect policy.Effect, conditions []policy.Condition) (out []policy.Diagnostic) {
	l := look{Document: &policy.Document{Kind: policy.KindAccess, Variables: true}, dir: d}
	st := policy.Statement{Effect: effect, Conditions: conditions}
	for _, rule := range []func(*look, *policy.Statement){conditionKeys, keysOfS3, equalsWithWildcard, datesLikeNumbers, organizationsKnown} {
		rule(&l, &st)
	}
	for _, x := range l.findings {
		c := &conditions[x.place.Entry]
		text := c.Key
		if x.place.Part == policyjson.PartValue {
			text = c.Values[x.place.Value]
		}
		d := policy.Diagnostic{Severity: policy.Warning, Code: x.code, Message: x.message(""), Position: policy.Position{File: path, Line: c.Line, Column: 1}}
		if column := columnOf(data, c.Line, policyjson.String(text)); column > 0 {
			d.Position.Column = column
			if x.fix.text != "" && x.fix.place == x.place {
				d.Fix = policy.Fix{Line: c.Line, Column: column, Text: policyjson.String(x.fix.text)}
			}
		}
		out = append(out, d)
	}
	return out
}

// keysOfS3 warns of condition keys that only requests of S3's own actions have, which
// the iam layer is never asked about (specification 2).
func keysOfS3(l *look, st *policy.Statement) {
	for i, c := range st.Conditions {
		if service, _, _ := strings.Cut(strings.ToLower(c.Key), ":"); service == "s3" && isKnown(c.Key) {
			l.warn(policy.CodeKeyDoesNotFitAction, l.at(policyjson.PartKey, i),
				fmt.Sprintf("no action of an iam document has the condition key %s, which belongs to actions of S3; write it into a policy of access-policies/ or buckets/", policyjson.Quote(c.Key)))
		}
	}
}

// accessTemplates warns of placeholders that were not filled in, wherever a text of
// the document has one; descriptions are for people.
func accessTemplates(path string, data []byte) (out []policy.Diagnostic) {
	if !bytes.ContainsAny(data, "${[<%&") {
		return nil
	}
	l := look{Document: &policy.Document{Kind: policy.KindAccess, Variables: true}}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var s jsonscan.Scanner
	s.Reset(data, jsonscan.MaxDepth, 0, false)
	var value func()
	value = func() {
		switch s.Peek() {
		case jsonscan.Object:
			s.EnterObject()
			for s.Member() {
				if key, _ := s.Key(); string(key) == "description" {
					s.Skip()
					continue
				}
				value()
			}
		case jsonscan.Array:
			s.EnterArray()
			for s.Element() {
				value()
			}
		case jsonscan.String:
			at := s.Offset()
			raw, escaped, _ := s.Text()
			if escaped {
				raw = jsonscan.Unescape(nil, raw)
			}
			if left := l.placeholder(string(raw)); left != "" {
				before := data[:at]
				out = append(out, policy.Diagnostic{Severity: policy.Warning, Code: policy.CodeTemplateLeft,
					Position: policy.Position{File: path, Line: 1 + bytes.Count(before, []byte("\n")), Column: at - bytes.LastIndexByte(before, '\n')},
					Message:  templateMessage(string(raw), left)})
			}
		default:
			s.Skip()
		}
	}
	value()
	return out
}

// columnOf is the column at which text first stands in a line, which counts as a
// position's, 0 if it does not: documents of iam/ keep the lines of conditions alone.
func columnOf(data []byte, line int, text string) int {
	rest := strings.TrimPrefix(string(data), "\ufeff")
	for ; line > 1; line-- {
		_, rest, _ = strings.Cut(rest, "\n")
	}
	rest, _, _ = strings.Cut(rest, "\n")
	return strings.Index(rest, text) + 1
}

// ownNamespace reports whether a key of an iam document is in a namespace whose keys
// are known. What others mean is between the enforcer and the document.
func ownNamespace(key string) bool {
	service, _, ok := strings.Cut(strings.ToLower(key), ":")
	switch service {
	case "aws", "s3", "cw", "iam", "oidc":
		return ok
	}
	return false
}
