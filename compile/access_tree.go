package compile

import (
	"slices"

	"postern/index/lowered"
	"postern/internal/value"
	"postern/policy"
)

// lowerRecord lowers a record, after the records that it composes, to a tree
// and one rule. The rule has every action that the tree can grant; the tree
// decides whether a candidate is satisfied.
func (g *grantList) lowerRecord(r *record) {
	if r.node != 0 {
		return
	}
	compositions(r.Details, func(ref policy.Reference) { g.lowerRecord(g.byID[ref.Name]) })
	g.in(r.At)
	resourceType := r.ResourceType
	if resourceType == "global" {
		resourceType = ""
	}
	node := g.node(r, r.Details)
	slices.Sort(r.actions)
	r.actions = slices.Compact(r.actions)
	g.out.Tree.Records = append(g.out.Tree.Records, lowered.TreeRecord{Type: resourceType, Node: node})
	r.node = len(g.out.Tree.Records)
	r.rule = len(g.out.Rules)
	g.out.Rules = append(g.out.Rules, lowered.Rule{Actions: r.actions, Scope: lowered.NoScope, Record: r.node})
}

// recordSpans returns the span of the record's one rule.
func (g *grantList) recordSpans(r *record) []lowered.Span {
	return []lowered.Span{{From: r.rule, To: r.rule + 1}}
}

// node lowers a node and returns its number. The actions of its leaves are
// added to r.
func (g *grantList) node(r *record, d *policy.Descriptor) int {
	if d == nil {
		d = &policy.Descriptor{Kind: policy.DescriptorGroup} // an absent node grants nothing, as an empty group does
	}
	out := lowered.Node{Kind: d.Kind, MaxOpenSeconds: d.MaxOpenSeconds}
	child := func(d *policy.Descriptor) { out.Children = append(out.Children, g.node(r, d)) }
	switch d.Kind {
	case policy.DescriptorAllow:
		for _, name := range d.Permissions {
			out.Actions = append(out.Actions, value.FoldASCII(name))
		}
		r.actions = append(r.actions, out.Actions...)
	case policy.DescriptorGroup:
		for _, e := range d.Entries {
			child(e)
		}
	case policy.DescriptorCompose:
		for _, ref := range d.Include {
			other := g.byID[ref.Name]
			out.Children = append(out.Children, other.node-1)
			r.actions = append(r.actions, other.actions...)
		}
	case policy.DescriptorCondition, policy.DescriptorIfThenElse:
		out.Expression = g.expression(d.Condition)
		child(d.Then)
		if d.Kind == policy.DescriptorIfThenElse {
			child(d.Else)
		}
	case policy.DescriptorSelect:
		selector := g.expression(d.Selector)
		for i := range d.Options {
			child(d.Options[i].Node)
			out.Options = append(out.Options, g.put(lowered.Expression{
				Kind: policy.ExpressionEqual, Left: selector, Right: g.expression(d.Options[i].Value),
			}))
		}
	default:
		g.l.refuse("a node of no known kind")
	}
	g.out.Tree.Nodes = append(g.out.Tree.Nodes, out)
	return len(g.out.Tree.Nodes) - 1
}

func (g *grantList) put(e lowered.Expression) int {
	g.out.Tree.Expressions = append(g.out.Tree.Expressions, e)
	return len(g.out.Tree.Expressions) - 1
}

// expression lowers an expression and returns its number. One that lacks an
// operand becomes an expression of kind 0, which is satisfied in neither
// polarity; an And or an Or without parts is false (specification 2, Pulumi's
// own JSON).
func (g *grantList) expression(e *policy.Expression) int {
	if e == nil {
		return g.put(lowered.Expression{})
	}
	out := lowered.Expression{Kind: e.Kind, Entity: e.Entity, Key: e.Key, Text: e.Text}
	switch e.Kind {
	case policy.ExpressionAnd, policy.ExpressionOr, policy.ExpressionEqual:
		if e.Left == nil && e.Right == nil && e.Kind != policy.ExpressionEqual {
			return g.put(lowered.Expression{Kind: policy.ExpressionBool, Text: "false"})
		}
		out.Left, out.Right = g.expression(e.Left), g.expression(e.Right)
	case policy.ExpressionNot:
		out.Left = g.expression(e.Left)
	case policy.ExpressionHasTag, policy.ExpressionTag:
		if e.Entity == "" || e.Key == "" {
			return g.expression(nil)
		}
	case policy.ExpressionLiteralEntity:
		if e.Text == "" {
			return g.expression(nil)
		}
	case policy.ExpressionEntity, policy.ExpressionString, policy.ExpressionNumber, policy.ExpressionBool:
	default:
		g.l.refuse("an expression of no known kind")
	}
	return g.put(out)
}
