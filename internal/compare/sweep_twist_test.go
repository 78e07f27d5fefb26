package compare

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"

	"postern/internal/policyjson"
	"postern/internal/policywrite"
	"postern/policy"
)

// twisted is a directory that is like d, but for small changes of statements: of an
// operator, a qualifier, a value, a pattern, a key, an inverted dimension. What the
// parser does not read stays as it was.
func twisted(r *rand.Rand, d *policy.Directory) *policy.Directory {
	return edited(d, func(doc *policy.Document) {
		if r.IntN(3) == 0 {
			return
		}
		before := slices.Clone(doc.Statements)
		for range 1 + r.IntN(3) {
			i := r.IntN(len(doc.Statements))
			doc.Statements[i] = twist(r, doc, doc.Statements[i])
		}
		if again := reread(doc); again != nil {
			*doc = *again
		} else {
			doc.Statements = before
		}
	})
}

// reread is the document that the parser reads from the text of doc; nil if it has
// errors.
func reread(doc *policy.Document) *policy.Document {
	text := policywrite.Append(nil, doc)
	var out *policy.Document
	var ds []policy.Diagnostic
	if doc.Kind == policy.KindBucket {
		name := doc.File[strings.LastIndexByte(doc.File, '/')+1:]
		out, ds = policyjson.ParseBucket(doc.File, strings.TrimSuffix(name, ".json"), text, policyjson.Limits{})
	} else {
		out, ds = policyjson.ParseOrganization(doc.File, text, policyjson.Limits{})
	}
	if policy.HasErrors(ds) {
		return nil
	}
	return out
}

// twistConditions are conditions to add, of keys that the server sets among them.
var twistConditions = []struct {
	test       policy.Test
	key, value string
}{
	{policy.StringEquals, "k", "a"}, {policy.StringNotLike, "k", "a*"}, {policy.NumericLessThan, "n", "10"}, {policy.Null, "k", "false"},
	{policy.IPAddress, "aws:SourceIp", "10.0.0.0/8"}, {policy.StringEquals, "iam:o1:groups", "g1"}, {policy.ArnLike, "aws:PrincipalArn", "arn:aws:iam::*:role/*"},
	{policy.StringLike, "s3:prefix", "a*"}, {policy.StringNotEquals, "aws:username", "a"}, {policy.StringEquals, "subject.type", "role"}, {policy.StringNotLike, "subject.id", "a*"},
	{policy.StringEquals, "resource.type", "object"}, {policy.StringLike, "resource.id", "*k"}, {policy.StringLike, "action.name", "s3:Get*"}, {policy.Bool, "action.soft", "true"},
	{policy.NumericGreaterThan, "subject.level", "1"}, {policy.StringNotEquals, "resource.x", "a"}, {policy.StringEquals, "oidc:o1:sub", "a"},
	{policy.StringEquals, "aws:PrincipalAccount", "o1"}, {policy.StringNotEquals, "cw:ResourceOrgID", "o2"}, {policy.StringEquals, "cw:PrincipalOrgID", "o1"},
	{policy.DateGreaterThan, "aws:CurrentTime", "2026-01-01T00:00:00Z"}, {policy.NumericLessThanEquals, "aws:EpochTime", "1767225600"},
}

func twist(r *rand.Rand, doc *policy.Document, s policy.Statement) policy.Statement {
	s.Actions, s.Resources = slices.Clone(s.Actions), slices.Clone(s.Resources)
	s.Principals, s.Conditions = slices.Clone(s.Principals), slices.Clone(s.Conditions)
	bucket := doc.Kind == policy.KindBucket
	switch r.IntN(12) {
	case 0:
		if bucket {
			s.NotAction = !s.NotAction
		}
	case 1:
		if bucket {
			s.NotResource = !s.NotResource
		}
	case 2:
		if bucket && s.Effect == policy.EffectDeny {
			s.NotPrincipal = !s.NotPrincipal
		}
	case 3:
		s.Actions[r.IntN(len(s.Actions))] = twistText(r, s.Actions[r.IntN(len(s.Actions))])
	case 4, 5:
		s.Resources[r.IntN(len(s.Resources))] = twistText(r, s.Resources[r.IntN(len(s.Resources))])
	case 6:
		p := &s.Principals[r.IntN(len(s.Principals))]
		switch {
		case p.Kind == policy.PrincipalExact:
			if cut := strings.IndexByte(p.Name, '/') + 1; r.IntN(2) == 0 {
				p.Kind, p.Name = policy.PrincipalPrefix, p.Name[:cut+r.IntN(len(p.Name)-cut+1)]
			} else {
				p.Name += "x"
			}
		case p.Kind == policy.PrincipalPrefix:
			p.Name += "x"
		case p.Kind == policy.PrincipalOrganization:
			p.Kind = policy.PrincipalAccount
		case p.Kind == policy.PrincipalAccount && bucket:
			p.Kind, p.Name = policy.PrincipalPrefix, "role/"
		}
	case 7:
		if !bucket {
			break
		}
		c := twistConditions[r.IntN(len(twistConditions))]
		if !slices.ContainsFunc(s.Conditions, func(o policy.Condition) bool { return o.Operator.Test == c.test && o.Key == c.key }) {
			s.Conditions = append(s.Conditions, policy.Condition{Operator: policy.Operator{Test: c.test}, Key: c.key, Values: []string{c.value}})
		}
	default:
		if len(s.Conditions) == 0 {
			s.Effect = policy.EffectAllow + policy.EffectDeny - s.Effect
			s.NotPrincipal = false
			break
		}
		c := &s.Conditions[r.IntN(len(s.Conditions))]
		c.Values = slices.Clone(c.Values)
		switch r.IntN(5) {
		case 0:
			c.Operator.IfExists = !c.Operator.IfExists && c.Operator.Test != policy.Null
		case 1:
			if c.Operator.Test != policy.Null {
				c.Operator.Qualifier = policy.Qualifier(r.IntN(3))
			}
		case 2:
			var family []policy.Test
			for _, t := range policy.Tests() {
				if t.Family() == c.Operator.Test.Family() {
					family = append(family, t)
				}
			}
			c.Operator.Test = family[r.IntN(len(family))]
		case 3:
			i := r.IntN(len(c.Values))
			c.Values[i] = twistText(r, c.Values[i])
		case 4:
			c.Values = append(c.Values, twistText(r, c.Values[r.IntN(len(c.Values))]))
		}
	}
	return s
}

// twistText changes one place of a text.
func twistText(r *rand.Rand, text string) string {
	if text == "true" || text == "false" {
		return map[string]string{"true": "false", "false": "true"}[text]
	}
	chars := []rune(text)
	at := r.IntN(len(chars) + 1)
	switch end := min(at+1, len(chars)); r.IntN(5) {
	case 0:
		return string(chars[:at]) + "*" + string(chars[end:])
	case 1:
		return string(chars[:at]) + "?" + string(chars[end:])
	case 2:
		return string(chars[:at]) + string(chars[end:])
	case 3:
		return string(chars[:at]) + []string{"1", "a", "/", "${aws:username}", "${k}"}[r.IntN(5)] + string(chars[at:])
	}
	return string(chars) + []string{"*", "x", "0", "/*"}[r.IntN(4)]
}

// twistedAccess changes iam documents in any place: an entry of a list goes or
// stands twice, a text or number becomes another of its kind, an effect the other.
// It reports whether there was something to change.
func twistedAccess(r *rand.Rand, d *policy.Directory) bool {
	did := false
	for _, name := range sortedKeys(d.Organizations) {
		o := d.Organizations[name]
		o.Access = slices.Clone(o.Access)
		for i := range o.Access {
			if r.IntN(2) == 0 {
				continue
			}
			c := deepCopy(reflect.ValueOf(o.Access[i])).Interface().(*policy.AccessDocument)
			for range 1 + r.IntN(3) {
				did = twistValue(r, reflect.ValueOf(c).Elem()) || did
			}
			o.Access[i] = c
		}
	}
	return did
}

func deepCopy(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			p := reflect.New(v.Type().Elem())
			p.Elem().Set(deepCopy(v.Elem()))
			out.Set(p)
		}
	case reflect.Slice:
		if !v.IsNil() {
			list := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			for i := range v.Len() {
				list.Index(i).Set(deepCopy(v.Index(i)))
			}
			out.Set(list)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			out.Field(i).Set(deepCopy(v.Field(i)))
		}
	default:
		out.Set(v)
	}
	return out
}

// twistValue changes one of the places of a document.
func twistValue(r *rand.Rand, document reflect.Value) bool {
	type place struct {
		v    reflect.Value
		name string
	}
	var places []place
	var walk func(reflect.Value, string)
	walk = func(v reflect.Value, name string) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem(), name)
			}
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[policy.Position]() {
				return
			}
			e, isExpression := v.Interface().(policy.Expression)
			for i := range v.NumField() {
				if f := v.Type().Field(i).Name; f != "Text" || isExpression && (e.Kind == policy.ExpressionString || e.Kind == policy.ExpressionLiteralEntity) {
					walk(v.Field(i), f)
				}
			}
		case reflect.Slice:
			if v.Len() > 0 {
				places = append(places, place{v, name})
			}
			for i := range v.Len() {
				walk(v.Index(i), name)
			}
		case reflect.Uint8, reflect.Uint64, reflect.Int64:
			if name == "Effect" || name == "MaxOpenSeconds" || name == "Expires" || name == "Operator" && v.Type() == reflect.TypeFor[policy.TagOperator]() {
				places = append(places, place{v, name})
			}
		case reflect.String:
			if name == "Values" || name == "Pattern" || name == "Text" || name == "Value" {
				places = append(places, place{v, name})
			}
		}
	}
	walk(document, "")
	if len(places) == 0 {
		return false
	}
	p := places[r.IntN(len(places))]
	switch {
	case p.v.Kind() == reflect.Slice:
		i := r.IntN(p.v.Len())
		empties := map[string]bool{"Bindings": true, "Groups": true, "Tokens": true, "Entities": true, "MemberRoles": true, "Issuers": true, "Tags": true, "Conditions": true}
		if p.v.Len() > 1 || empties[p.name] || p.name == "Members" && r.IntN(2) == 0 && p.v.Len() > 1 {
			p.v.Set(reflect.AppendSlice(p.v.Slice3(0, i, i), p.v.Slice(i+1, p.v.Len())))
			return true
		}
		return false
	case p.name == "Effect" && p.v.Uint() != 0:
		p.v.SetUint(uint64(policy.EffectAllow+policy.EffectDeny) - p.v.Uint())
	case p.name == "MaxOpenSeconds":
		p.v.SetUint(uint64(r.IntN(3) * 60))
	case p.name == "Expires" && p.v.Int() != 0:
		p.v.SetInt(p.v.Int() + int64(r.IntN(3)-1)*86400)
	case p.name == "Operator":
		// In and NotIn have values, the other two have none.
		if o := p.v.Uint(); o == uint64(policy.TagIn) || o == uint64(policy.TagNotIn) {
			p.v.SetUint(uint64(policy.TagIn+policy.TagNotIn) - o)
		} else {
			p.v.SetUint(uint64(policy.TagExists+policy.TagDoesNotExist) - o)
		}
	case p.v.Kind() == reflect.String:
		if other := places[r.IntN(len(places))]; other.name == p.name && other.v.Kind() == reflect.String {
			p.v.SetString(other.v.String())
		} else if p.name == "Pattern" {
			p.v.SetString(p.v.String() + "*")
		} else if p.name == "Text" {
			return false
		} else {
			p.v.SetString(p.v.String() + "1")
		}
	default:
		return false
	}
	return true
}
