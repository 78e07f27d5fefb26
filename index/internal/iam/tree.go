package iam

import (
	"slices"
	"strings"
	"unsafe"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/lowered"
	"postern/internal/value"
	"postern/policy"
)

// tree is a lowered.Tree, frozen.
type tree struct {
	nodes          []node
	children       []uint32
	actions        []uint32 // the numbers of names in actionRows, sorted within each node
	expressions    []expression
	records        []treeRecord
	hasObligations bool
}

type treeRecord struct {
	resourceType string
	node         uint32
}

type node struct {
	kind policy.DescriptorKind
	// at and n are a range of children, or of actions for an Allow. The
	// children of a Select are nodes and then as many expressions.
	at, n      uint32
	expression uint32
	open       uint64
}

type expression struct {
	kind        policy.ExpressionKind
	operand     operandKind // what an Equal compares it as
	left, right uint32
	entity, key string
	text        string
	number      float64
	numeric     bool
}

// operandKind is the type of an expression's value. Only values of one type can
// be equal, and a value of no type equals nothing.
type operandKind uint8

const (
	operandNone operandKind = iota
	operandBoolean
	operandText
	operandNumber
	operandEntity
)

func newTree(in *lowered.Tree, rows *actionRows) (t tree) {
	for i := range in.Nodes {
		from := &in.Nodes[i]
		n := node{kind: from.Kind, expression: uint32(from.Expression), open: from.MaxOpenSeconds}
		t.hasObligations = t.hasObligations || from.MaxOpenSeconds > 0
		if from.Kind == policy.DescriptorAllow {
			n.at = uint32(len(t.actions))
			for _, name := range from.Actions {
				t.actions = append(t.actions, rows.names[name])
			}
			slices.Sort(t.actions[n.at:])
			n.n = uint32(len(t.actions)) - n.at
		} else {
			n.at, n.n = uint32(len(t.children)), uint32(len(from.Children))
			for _, list := range [...][]int{from.Children, from.Options} {
				for _, c := range list {
					t.children = append(t.children, uint32(c))
				}
			}
		}
		t.nodes = append(t.nodes, n)
	}
	for i := range in.Expressions {
		from := &in.Expressions[i]
		e := expression{
			kind: from.Kind, left: uint32(from.Left), right: uint32(from.Right),
			entity: strings.Clone(from.Entity), key: strings.Clone(from.Key), text: strings.Clone(from.Text),
		}
		switch from.Kind {
		case 0:
		case policy.ExpressionEntity, policy.ExpressionLiteralEntity:
			e.operand = operandEntity
		case policy.ExpressionTag, policy.ExpressionString:
			e.operand = operandText
		case policy.ExpressionNumber:
			e.operand = operandNumber
			e.number, e.numeric = value.Number(from.Text)
		default:
			e.operand = operandBoolean
		}
		t.expressions = append(t.expressions, e)
	}
	for _, r := range in.Records {
		t.records = append(t.records, treeRecord{strings.Clone(r.Type), uint32(r.Node)})
	}
	return t
}

// recordResults keeps, for one request, what records grant, so that a record
// that many others compose is evaluated once.
type recordResults struct {
	// rounds has the round in which the result of a record was found, for each
	// polarity: that of an Allow and that of a Deny.
	rounds  [2][]uint32
	results [2][]granted
	round   uint32
}

func (s *recordResults) begin(n int) {
	if s.round++; s.round == 0 {
		clear(s.rounds[0])
		clear(s.rounds[1])
		s.round = 1
	}
	if more := n - len(s.results[0]); more > 0 {
		for i := range s.rounds {
			s.rounds[i] = append(s.rounds[i], make([]uint32, more)...)
			s.results[i] = append(s.results[i], make([]granted, more)...)
		}
	}
}

// grants evaluates a record.
func (t *tree) grants(record uint32, deny bool, v *Inquiry) granted {
	k := 0
	if deny {
		k = 1
	}
	s := &v.records
	if s.rounds[k][record] == s.round {
		return s.results[k][record]
	}
	result := notGranted
	if r := &t.records[record]; r.resourceType == "" || r.resourceType == v.ResourceType {
		result = t.node(r.node, deny, v)
	}
	s.rounds[k][record], s.results[k][record] = s.round, result
	return result
}

// node evaluates a node. It recurses as deep as descriptors nest, which the
// parser bounds, and as records compose each other.
func (t *tree) node(at uint32, deny bool, v *Inquiry) (best granted) {
	n := &t.nodes[at]
	if !v.Spend(glob.EndsWork) {
		return unlimited // as match.Variables.Holds
	}
	if n.kind == policy.DescriptorAllow {
		if _, ok := slices.BinarySearch(t.actions[n.at:n.at+n.n], v.row); !ok || !v.rowKnown {
			return notGranted
		}
		if n.open != 0 {
			return granted(n.open)
		}
		return unlimited
	}
	children := t.children[n.at : n.at+n.n]
	switch n.kind {
	case policy.DescriptorGroup:
		for _, c := range children {
			best = best.or(t.node(c, deny, v))
		}
	case policy.DescriptorCompose:
		for _, c := range children {
			best = best.or(t.grants(c, deny, v))
		}
	case policy.DescriptorCondition, policy.DescriptorIfThenElse:
		is := t.is(n.expression, deny, v)
		if is.yes {
			best = t.node(children[0], deny, v)
		}
		if is.no && n.kind == policy.DescriptorIfThenElse {
			best = best.or(t.node(children[1], deny, v))
		}
	case policy.DescriptorSelect:
		for i, c := range children {
			if t.is(t.children[n.at+n.n+uint32(i)], deny, v).yes {
				best = best.or(t.node(c, deny, v))
			}
		}
	}
	return best
}

// polarity is in which polarities an expression is satisfied. A literal about
// an entity of another type than the request's is satisfied in neither; what is
// not known counts as neither true nor false in an Allow, and as both in a
// Deny, so that what is unknown never helps.
type polarity struct{ yes, no bool }

// is evaluates an expression that is true or false.
func (t *tree) is(at uint32, deny bool, v *Inquiry) polarity {
	e := &t.expressions[at]
	v.Spend(glob.EndsWork)
	switch e.kind {
	case policy.ExpressionAnd:
		l, r := t.is(e.left, deny, v), t.is(e.right, deny, v)
		return polarity{l.yes && r.yes, l.no || r.no}
	case policy.ExpressionOr:
		l, r := t.is(e.left, deny, v), t.is(e.right, deny, v)
		return polarity{l.yes || r.yes, l.no && r.no}
	case policy.ExpressionNot:
		l := t.is(e.left, deny, v)
		return polarity{l.no, l.yes}
	case policy.ExpressionBool:
		return truth(e.text == "true")
	case policy.ExpressionHasTag:
		if e.entity != v.ResourceType {
			return polarity{}
		}
		_, has, known := v.Tag(e.key)
		if !known {
			return polarity{deny, deny}
		}
		return truth(has)
	case policy.ExpressionEqual:
		return t.equal(&t.expressions[e.left], &t.expressions[e.right], e, deny, v)
	}
	return polarity{}
}

func truth(b bool) polarity { return polarity{b, !b} }

// equal evaluates an Equal of l and r.
func (t *tree) equal(l, r *expression, e *expression, deny bool, v *Inquiry) polarity {
	if l.operand == operandNone || l.operand != r.operand || l.operand == operandEntity && l.entity != r.entity {
		return polarity{}
	}
	switch l.operand {
	case operandBoolean:
		l, r := t.is(e.left, deny, v), t.is(e.right, deny, v)
		return polarity{l.yes && r.yes || l.no && r.no, l.yes && r.no || l.no && r.yes}
	case operandNumber:
		return truth(l.numeric && r.numeric && l.number == r.number)
	}
	left, hasLeft, known1, here1 := v.operand(l)
	right, hasRight, known2, here2 := v.operand(r)
	switch {
	case !here1 || !here2:
		return polarity{}
	case !known1 || !known2:
		return polarity{deny, deny}
	}
	return truth(hasLeft && hasRight && left == right) // a tag that is missing equals nothing
}

// operand returns the text of one side of an Equal; here is false if it is
// about an entity of another type than the request's.
func (v *Inquiry) operand(e *expression) (text string, has, known, here bool) {
	if e.kind == policy.ExpressionString {
		return e.text, true, true, true
	}
	if e.entity != v.ResourceType {
		return "", false, true, false
	}
	switch e.kind {
	case policy.ExpressionLiteralEntity:
		return e.text, true, true, true
	case policy.ExpressionEntity:
		uid := v.Request.Resource.UID
		return uid, uid != "", uid != "", true
	}
	text, has, known = v.Tag(e.key)
	return text, has, known, true
}

func (t *tree) size() int64 {
	n := block.SizeOf(t.nodes) + block.SizeOf(t.children) + block.SizeOf(t.actions) + block.SizeOf(t.expressions) + block.SizeOf(t.records)
	for i := range t.expressions {
		e := &t.expressions[i]
		n += int64(len(e.entity) + len(e.key) + len(e.text))
	}
	return n + int64(unsafe.Sizeof(*t))
}
