package policyjson

import (
	"slices"
	"strconv"
	"strings"

	"postern/internal/action"
	"postern/internal/jsonscan"
	"postern/internal/value"
	"postern/policy"
)

// nodeType reads `__type` and returns its place in types, from 1, or 0 if it is
// none of them.
func (d *decoder) nodeType(f *field, types []string) int {
	text, at, ok := d.text(f)
	if !ok {
		return 0
	}
	i := slices.Index(types, text)
	if i >= 0 {
		return i + 1
	}
	if k := d.nearest([]byte(text), len(types), func(k int) string { return types[k] }); k >= 0 {
		d.report(at, msgNodeNear, quote(text), instead(types[k]))
	} else {
		d.report(at, msgNodeType, quote(text), f.want)
	}
	return 0
}

// nodeFields reports the fields that a node has and its type does not.
func (d *decoder) nodeFields(set *fieldSet, t *nodeType, name string, f *found) {
	if d.s.Failed() {
		return
	}
	for i := 1; i < len(set.fields); i++ { // field 0 is __type
		if f.has(i) && !slices.Contains(t.takes, i) {
			d.report(f.at[i]-1, msgNodeField, name, quote(set.fields[i].name))
		}
	}
}

// permissions reads the scopes that a node of type Allow grants.
func (d *decoder) permissions(f *field) (out []string) {
	out = []string{}
	d.listOf(f, true, func(k jsonscan.Kind, at int) {
		if k != jsonscan.String {
			d.wrongType("an entry of "+quote(f.name), k, "a string")
			return
		}
		text, ok := d.readText()
		service, name, colon := strings.Cut(text, ":")
		switch {
		case !ok || !d.short(text, at):
			return
		case text == "": // Pulumi's NoPermission
			d.report(at, msgPermissionEmpty)
			return
		case wild(text):
			d.report(at, msgPermissionWild, quote(text))
		case !colon || name == "" || !isName(service, "-_", len(service)):
			d.report(at, msgPermissionForm, quote(text))
		case action.ClassOf(text).S3():
			d.report(at, msgAccessActionNever, quote(text))
		default:
			d.knownScope(text, at)
		}
		out = append(out, text)
	})
	return out
}

// options reads the options of a node of type Select.
func (d *decoder) options(f *field) (out []policy.DescriptorOption) {
	var seen names
	d.listOf(f, true, func(k jsonscan.Kind, _ int) {
		if k != jsonscan.Object {
			d.wrongType("an entry of "+quote(f.name), k, `an option, an object such as {"value": {...}, "node": {...}}`)
			return
		}
		var o policy.DescriptorOption
		d.fields(&optionSet, func(i int) {
			if i == 1 {
				o.Node = d.descriptor()
				return
			}
			var at int
			o.Value, at = d.expression()
			switch {
			case o.Value == nil || o.Value.Kind == 0:
			case !o.Value.Kind.Literal():
				d.report(at, msgOptionLiteral)
			default:
				if other, twice := seen.add(literalKey(o.Value), at); twice {
					d.reportOther(at, other, msgOptionTwice)
				}
			}
		})
		out = append(out, o)
	})
	return out
}

// literalKey returns a text that two literals share if and only if they are
// equal.
func literalKey(e *policy.Expression) string {
	text := e.Text
	if e.Kind == policy.ExpressionNumber {
		if n, ok := value.Number(text); ok {
			text = strconv.FormatFloat(n, 'g', -1, 64)
		}
	}
	return e.Kind.String() + "\x00" + e.Entity + "\x00" + text
}

const expressionPrefix, literalPrefix = "PermissionExpression", "PermissionLiteralExpression"

const wantExpression = `an expression, an object such as {"__type": "PermissionExpressionEqual", "left": {...}, "right": {...}}`

const (
	exType = iota
	exLeft
	exRight
	exNode
	exContext
	exKey
	exIdentity
	exValue
)

var nodeSet = fieldSet{
	what: "an expression",
	fields: []field{
		exType:     {"__type", `a type such as "PermissionExpressionEqual"`, `"__type": "PermissionExpressionEqual", or its type`},
		exLeft:     {"left", wantExpression, ""},
		exRight:    {"right", wantExpression, ""},
		exNode:     {"node", wantExpression, ""},
		exContext:  {"context", `an object such as {"__type": "PermissionExpressionStack"}`, ""},
		exKey:      {"key", "a tag's key, a string", ""},
		exIdentity: {"identity", "an entity's id, a string", ""},
		exValue:    {"value", "a string, a number or a boolean, as the type says", ""},
	},
	hints: typeHints,
}

// expressionType is a type of expression, with the kind that it becomes and the
// fields that it takes.
type expressionType struct {
	nodeType
	kind   policy.ExpressionKind
	entity string
	scalar jsonscan.Kind // the kind of its value, if it is a literal
	zero   string        // the value of a literal that has none
}

// zeroOf has, by the kind of its value, the text of a literal whose value is
// left out.
var zeroOf = map[jsonscan.Kind]string{jsonscan.Number: "0", jsonscan.True: "false"}

var expressionTypes, expressionNames = func() (out []expressionType, names []string) {
	add := func(name string, kind policy.ExpressionKind, entity string, scalar jsonscan.Kind, takes ...int) {
		out = append(out, expressionType{nodeType{name, takes}, kind, entity, scalar, zeroOf[scalar]})
		names = append(names, name)
	}
	add(expressionPrefix+"And", policy.ExpressionAnd, "", 0, exLeft, exRight)
	add(expressionPrefix+"Or", policy.ExpressionOr, "", 0, exLeft, exRight)
	add(expressionPrefix+"Not", policy.ExpressionNot, "", 0, exNode)
	add(expressionPrefix+"Equal", policy.ExpressionEqual, "", 0, exLeft, exRight)
	add(expressionPrefix+"HasTag", policy.ExpressionHasTag, "", 0, exContext, exKey, exNode)
	add(expressionPrefix+"Tag", policy.ExpressionTag, "", 0, exContext, exKey)
	for _, e := range [][2]string{{"Stack", "stack"}, {"Environment", "environment"}, {"InsightsAccount", "insights-account"}, {"Team", "team"}} {
		add(expressionPrefix+e[0], policy.ExpressionEntity, e[1], 0)
		add(literalPrefix+e[0], policy.ExpressionLiteralEntity, e[1], 0, exIdentity)
	}
	add(literalPrefix+"String", policy.ExpressionString, "", jsonscan.String, exValue)
	add(literalPrefix+"Number", policy.ExpressionNumber, "", jsonscan.Number, exValue)
	add(literalPrefix+"Bool", policy.ExpressionBool, "", jsonscan.True, exValue)
	return out, names
}()

// expression reads an expression and returns it with its offset; it is nil if
// there is none. Its kind is 0 if its type is not known.
func (d *decoder) expression() (*policy.Expression, int) {
	if !d.isObject("an expression", wantExpression) {
		return nil, 0
	}
	at := d.s.Offset()
	e := &policy.Expression{At: d.position(at)}
	var left, right, node, context *policy.Expression
	var leftAt, rightAt, nodeAt, contextAt, valueAt int
	var identity string
	var scalar jsonscan.Kind
	var text string
	var t *expressionType
	f := d.fields(&nodeSet, func(i int) {
		f := &nodeSet.fields[i]
		switch i {
		case exType:
			if k := d.nodeType(f, expressionNames); k > 0 {
				t = &expressionTypes[k-1]
			}
		case exLeft:
			left, leftAt = d.expression()
		case exRight:
			right, rightAt = d.expression()
		case exNode:
			// Pulumi's schema lets a HasTag have a `node`, which means nothing.
			if t != nil && t.kind == policy.ExpressionHasTag || t == nil && d.typeAhead(at) == hasTagName {
				d.skip()
				return
			}
			node, nodeAt = d.expression()
		case exContext:
			context, contextAt = d.expression()
		case exKey:
			e.Key, _, _ = d.text(f)
		case exIdentity:
			identity, _, _ = d.text(f)
		case exValue:
			if scalar = d.s.Peek(); scalar == jsonscan.False {
				scalar = jsonscan.True
			}
			valueAt = d.s.Offset()
			var ok bool
			if text, ok = d.scalar(d.s.Peek(), true); !ok {
				d.wrongType(quote(f.name), scalar, f.want)
				scalar = jsonscan.None
			}
		}
	})
	d.missing(&nodeSet, &f, at)
	if t == nil || d.s.Failed() {
		return e, at
	}
	d.nodeFields(&nodeSet, &t.nodeType, t.name, &f)
	e.Kind, e.Entity = t.kind, t.entity
	switch e.Kind {
	case policy.ExpressionAnd, policy.ExpressionOr:
		d.boolOperand(left, leftAt)
		d.boolOperand(right, rightAt)
		e.Left, e.Right = left, right
	case policy.ExpressionNot:
		d.boolOperand(node, nodeAt)
		e.Left = node
	case policy.ExpressionEqual:
		e.Left, e.Right = left, right
		d.comparable(left, right, at)
	case policy.ExpressionHasTag, policy.ExpressionTag:
		if context != nil && context.Kind != 0 {
			if context.Kind != policy.ExpressionEntity {
				d.report(contextAt, msgContext)
			}
			e.Entity = context.Entity
		}
	case policy.ExpressionLiteralEntity:
		e.Text = identity
	case policy.ExpressionString, policy.ExpressionNumber, policy.ExpressionBool:
		if e.Text = text; !f.has(exValue) {
			e.Text = t.zero
		} else if scalar != t.scalar && scalar != jsonscan.None {
			d.report(valueAt, msgWrongType, "the value of a "+t.name, scalar.String(), t.scalar.String())
		} else if _, ok := value.Number(text); e.Kind == policy.ExpressionNumber && scalar == jsonscan.Number && !ok {
			d.report(valueAt, msgNumber, t.name, quote(text))
		}
	}
	return e, at
}

const hasTagName = expressionPrefix + "HasTag"

// typeAhead returns the `__type` of the object that begins at an offset and of
// which a part was read; "" if it has no such string.
func (d *decoder) typeAhead(at int) string {
	return d.textAhead(d.data[at:], func(key string) bool { return key == nodeSet.fields[exType].name })
}

// boolOperand demands an operand that is true or false.
func (d *decoder) boolOperand(e *policy.Expression, at int) {
	if e != nil && e.Kind != 0 && !e.Kind.Boolean() {
		d.report(at, msgNotBoolean, operandName(e))
	}
}

// isCondition demands an expression that is true or false and is no literal,
// which Pulumi's service refuses too.
func (d *decoder) isCondition(e *policy.Expression, at int) {
	if e != nil && e.Kind == policy.ExpressionBool {
		d.report(at, msgConditionBool)
		return
	}
	d.boolOperand(e, at)
}

// comparable warns of an Equal whose operands can never be equal.
func (d *decoder) comparable(left, right *policy.Expression, at int) {
	if left == nil || right == nil || left.Kind == 0 || right.Kind == 0 {
		return
	}
	if a, b := operandName(left), operandName(right); a != b {
		d.report(at, msgNeverEqual, a, b)
	}
}

// operandName names the type of an operand's value. Operands with different
// names are never equal.
func operandName(e *policy.Expression) string {
	switch e.Kind {
	case policy.ExpressionEntity, policy.ExpressionLiteralEntity:
		return "an entity of type " + e.Entity
	case policy.ExpressionTag, policy.ExpressionString:
		return "a string"
	case policy.ExpressionNumber:
		return "a number"
	}
	return "a boolean"
}
