package lint

import (
	"strings"

	"postern/internal/policyjson"
	"postern/policy"
)

// access looks at the conditions of an iam document, by the rules about keys and
// values that hold there too.
func access(path string, data []byte, doc *policy.AccessDocument) (out []policy.Diagnostic) {
	look := func(effect policy.Effect, conditions []policy.Condition) {
		if len(conditions) > 0 {
			out = append(out, accessConditions(path, data, effect, conditions)...)
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
	return out
}

func accessConditions(path string, data []byte, effect policy.Effect, conditions []policy.Condition) (out []policy.Diagnostic) {
	l := look{Document: &policy.Document{Kind: policy.KindAccess, Variables: true}, dir: new(Directory)}
	st := policy.Statement{Effect: effect, Conditions: conditions}
	for _, rule := range []func(*look, *policy.Statement){conditionKeys, equalsWithWildcard, datesLikeNumbers} {
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
