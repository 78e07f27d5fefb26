package reference

import (
	"slices"

	"postern/policy"
)

// recordNamed finds a record: "A binding names a record by id, or by name (used
// twice: only by id)."
func (a *iam) recordNamed(name string) *policy.Record {
	if r := a.recordWithID(name); r != nil {
		return r
	}
	var named []*policy.Record
	for _, d := range a.documents {
		for i := range d.Records {
			if d.Records[i].Name == name {
				named = append(named, &d.Records[i])
			}
		}
	}
	if len(named) != 1 {
		return nil
	}
	return named[0]
}

func (a *iam) recordWithID(id string) *policy.Record {
	for _, d := range a.documents {
		for i := range d.Records {
			if d.Records[i].ID == id && id != "" {
				return &d.Records[i]
			}
		}
	}
	return nil
}

// recordGrants returns the constraints of the permission lists of a record that
// hold for the request: "A record is one Allow per permission list whose
// condition is the tree". Its resource type holds them to resources of that
// type. within are the records whose tree leads here.
func (a *iam) recordGrants(r *policy.Record, effect policy.Effect, within []*policy.Record) []uint64 {
	if slices.Contains(within, r) {
		return nil // a cycle, which the compiler refuses, adds nothing
	}
	if r.ResourceType != "global" && r.ResourceType != a.resourceType() {
		return nil
	}
	return a.nodeGrants(r.Details, effect, append(slices.Clone(within), r))
}

// nodeGrants evaluates one node of a record's tree. "An IfThenElse without a
// branch, a Group, Allow, Compose or Select without its list grants nothing by
// it".
func (a *iam) nodeGrants(n *policy.Descriptor, effect policy.Effect, within []*policy.Record) []uint64 {
	if n == nil {
		return nil
	}
	var out []uint64
	switch n.Kind {
	case policy.DescriptorAllow:
		if slices.ContainsFunc(n.Permissions, func(p string) bool { return lowerASCII(p) == lowerASCII(a.request.Action) }) {
			out = append(out, n.MaxOpenSeconds)
		}
	case policy.DescriptorGroup:
		for _, entry := range n.Entries {
			out = append(out, a.nodeGrants(entry, effect, within)...)
		}
	case policy.DescriptorCompose:
		for _, include := range n.Include {
			if r := a.recordWithID(include.Name); r != nil {
				out = append(out, a.recordGrants(r, effect, within)...)
			} else {
				out = append(out, doubt(effect)...)
			}
		}
	case policy.DescriptorCondition:
		if a.is(n.Condition, true, effect) {
			out = a.nodeGrants(n.Then, effect, within)
		}
	case policy.DescriptorIfThenElse:
		if a.is(n.Condition, true, effect) {
			out = a.nodeGrants(n.Then, effect, within)
		}
		// "neither branch of an IfThenElse on it is taken": the other branch
		// takes a condition that is known to be false.
		if a.is(n.Condition, false, effect) {
			out = append(out, a.nodeGrants(n.Else, effect, within)...)
		}
	case policy.DescriptorSelect:
		for _, o := range n.Options {
			equal := &policy.Expression{Kind: policy.ExpressionEqual, Left: n.Selector, Right: o.Value}
			if a.is(equal, true, effect) {
				out = append(out, a.nodeGrants(o.Node, effect, within)...)
			}
		}
	default:
		out = doubt(effect)
	}
	return out
}

// is tells whether an expression is satisfied in a polarity: that it is true,
// or that it is false. Of a literal in doubt neither may hold, or both (see
// literalIs), so that `false` is not what is left when `true` is not. An
// expression that is left out is satisfied in neither: "what has no condition or
// operand decides nothing".
func (a *iam) is(e *policy.Expression, polarity bool, effect policy.Effect) bool {
	if e == nil {
		return false
	}
	both := func(l, r bool) bool { return a.is(e.Left, l, effect) && a.is(e.Right, r, effect) }
	either := func(l, r bool) bool { return a.is(e.Left, l, effect) || a.is(e.Right, r, effect) }
	if (e.Kind == policy.ExpressionAnd || e.Kind == policy.ExpressionOr) && e.Left == nil && e.Right == nil {
		return !polarity // "And and Or without parts are false"
	}
	switch e.Kind {
	case policy.ExpressionAnd:
		if polarity {
			return both(true, true)
		}
		return either(false, false)
	case policy.ExpressionOr:
		if polarity {
			return either(true, true)
		}
		return both(false, false)
	case policy.ExpressionNot:
		return a.is(e.Left, !polarity, effect)
	case policy.ExpressionBool:
		return (e.Text == "true") == polarity
	case policy.ExpressionEqual:
		if kindOf(e.Left) == kindOf(e.Right) && kindOf(e.Left) == "boolean" {
			if polarity {
				return both(true, true) || both(false, false)
			}
			return both(true, false) || both(false, true)
		}
	}
	return literalIs(a.literal(e), polarity, effect)
}

// truth is what a literal of an expression says.
type truth uint8

const (
	// elsewhere: "a literal about another entity type than the request's is
	// not satisfied in either polarity"; so is one that compares what can never
	// be compared, or lacks an operand.
	elsewhere truth = iota
	no
	yes
	// unknown: it is about tags or an identity that the request does not state.
	unknown
)

// literalIs: what is unknown is satisfied in neither polarity in an Allow, as
// "Unknown tags satisfy no selector of an Allow, and every selector of a Deny".
func literalIs(t truth, polarity bool, effect policy.Effect) bool {
	switch t {
	case yes:
		return polarity
	case no:
		return !polarity
	case unknown:
		return effect == policy.EffectDeny
	}
	return false
}

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// literal evaluates HasTag, and Equal of two things that are no booleans.
func (a *iam) literal(e *policy.Expression) truth {
	switch e.Kind {
	case policy.ExpressionHasTag:
		switch {
		case e.Entity != a.resourceType() || e.Key == "":
			return elsewhere
		case !a.request.Resource.TagsKnown:
			return unknown
		}
		_, has := a.tag(e.Key)
		return truthOf(has)
	case policy.ExpressionEqual:
		if e.Left == nil || e.Right == nil || kindOf(e.Left) != kindOf(e.Right) {
			return elsewhere
		}
		left, right := a.operand(e.Left), a.operand(e.Right)
		switch {
		case left.is == elsewhere || right.is == elsewhere:
			return elsewhere
		case left.is == unknown || right.is == unknown:
			return unknown
		case left.is == no || right.is == no:
			return no // a tag that is missing equals nothing
		case kindOf(e.Left) == "number":
			l, ok1 := readNumber(left.text)
			r, ok2 := readNumber(right.text)
			return truthOf(ok1 && ok2 && l == r)
		}
		return truthOf(left.text == right.text)
	}
	return elsewhere
}

// kindOf tells what an expression is: only what is of one kind can be equal.
// Entities of two types are of two kinds.
func kindOf(e *policy.Expression) string {
	if e == nil {
		return ""
	}
	switch e.Kind {
	case policy.ExpressionEntity, policy.ExpressionLiteralEntity:
		return "entity " + e.Entity
	case policy.ExpressionTag, policy.ExpressionString:
		return "text"
	case policy.ExpressionNumber:
		return "number"
	}
	return "boolean"
}

// operand is one side of an Equal: its text if is is yes, nothing if no.
type operand struct {
	is   truth
	text string
}

func (a *iam) operand(e *policy.Expression) operand {
	resource := &a.request.Resource
	switch e.Kind {
	case policy.ExpressionString, policy.ExpressionNumber:
		return operand{yes, e.Text}
	}
	// What is left is about an entity.
	if e.Entity != a.resourceType() {
		return operand{is: elsewhere}
	}
	switch e.Kind {
	case policy.ExpressionLiteralEntity:
		if e.Text == "" {
			return operand{is: elsewhere}
		}
		return operand{yes, e.Text}
	case policy.ExpressionEntity:
		if resource.UID == "" {
			return operand{is: unknown}
		}
		return operand{yes, resource.UID}
	case policy.ExpressionTag:
		if e.Key == "" {
			return operand{is: elsewhere}
		}
		if !resource.TagsKnown {
			return operand{is: unknown}
		}
		if value, has := a.tag(e.Key); has {
			return operand{yes, value}
		}
		return operand{is: no}
	}
	return operand{is: elsewhere}
}
