package policygen

import (
	"strconv"

	"postern/policy"
)

// records makes a file or two of Pulumi records, or none, and adds their names
// to those of roles. Records compose later ones.
func (a *smallAccess) records(org string) []*policy.AccessDocument {
	var out []*policy.AccessDocument
	n := a.IntN(5)
	if a.chance(2) {
		n = 0
	}
	for i := range n {
		if i == 0 || a.chance(3) {
			out = append(out, &policy.AccessDocument{File: org + "/iam/records" + strconv.Itoa(len(out)) + ".json"})
		}
		d := out[len(out)-1]
		r := policy.Record{At: a.at(d), ResourceType: pick(a.generator, "global", "global", "stack", "environment"), OrgDefault: a.chance(6)}
		// Some names stand twice, or are another's id.
		r.Name, r.NameAt = pick(a.generator, "n0", "n1", "n0", "n1", "rec0"), a.at(d)
		r.ID, r.IDAt = "rec"+strconv.Itoa(i), a.at(d)
		if i == n-1 && a.chance(2) {
			r.ID, r.Name = "", "n-last"
		}
		var later []string
		for j := i + 1; j < n-1; j++ {
			later = append(later, "rec"+strconv.Itoa(j))
		}
		t := &smallTree{smallAccess: a, document: d, later: later}
		r.Details = t.node(3)
		d.Records = append(d.Records, r)
	}
	named := map[string]int{}
	for _, d := range out {
		for i := range d.Records {
			named[d.Records[i].Name]++
		}
	}
	for _, d := range out {
		for i := range d.Records {
			r := &d.Records[i]
			if r.ID != "" {
				a.roles = append(a.roles, r.ID)
			}
			if named[r.Name] == 1 {
				a.roles = append(a.roles, r.Name)
			}
		}
	}
	return out
}

// smallTree makes the tree of one record.
type smallTree struct {
	*smallAccess
	document *policy.AccessDocument
	later    []string // ids that may be composed
}

var entityTypes = []string{"stack", "stack", "stack", "environment", "insights-account", "team"}

func (t *smallTree) place() policy.Position { return t.at(t.document) }

// node makes a node with at most depth more below it.
func (t *smallTree) node(depth int) *policy.Descriptor {
	n := &policy.Descriptor{At: t.place()}
	choice := t.IntN(8)
	if depth == 0 || choice < 2 {
		n.Kind = policy.DescriptorAllow
		n.Permissions = []string{}
		for range t.between(1, 3) {
			n.Permissions = append(n.Permissions, pick(t.generator, "st:read", "st:Write", "en:open", "iam:ListUsers", "cwobject:EnsureAccessPolicy", "ST:READ"))
		}
		if t.chance(12) {
			n.Permissions = []string{}
		}
		if t.chance(4) {
			n.MaxOpenSeconds = pick[uint64](t.generator, 1, 60, 3600)
		}
		return n
	}
	switch choice {
	case 2:
		n.Kind = policy.DescriptorGroup
		for range t.IntN(4) {
			n.Entries = append(n.Entries, t.node(depth-1))
		}
	case 3:
		n.Kind = policy.DescriptorCompose
		for range t.IntN(3) {
			if len(t.later) > 0 {
				n.Include = append(n.Include, t.reference(t.document, pick(t.generator, t.later...)))
			}
		}
	case 4, 5:
		n.Kind = policy.DescriptorCondition
		n.Condition, n.Then = t.condition(), t.node(depth-1)
	case 6:
		n.Kind = policy.DescriptorIfThenElse
		n.Condition, n.Then, n.Else = t.condition(), t.node(depth-1), t.node(depth-1)
	case 7:
		n.Kind = policy.DescriptorSelect
		n.Selector = t.operand()
		for _, value := range t.literals() {
			if t.chance(2) {
				n.Options = append(n.Options, policy.DescriptorOption{Value: value, Node: t.node(depth - 1)})
			}
		}
		for i := range n.Options {
			leaveOut(t, &n.Options[i].Value)
			leaveOut(t, &n.Options[i].Node)
		}
	}
	leaveOut(t, &n.Condition)
	leaveOut(t, &n.Then)
	leaveOut(t, &n.Else)
	leaveOut(t, &n.Selector)
	return n
}

// leaveOut leaves out a part now and then, as Pulumi's client does with zero
// values.
func leaveOut[T any](t *smallTree, part *T) {
	if t.chance(20) {
		*part = *new(T)
	}
}

// condition is true or false, and no literal.
func (t *smallTree) condition() *policy.Expression {
	for {
		if e := t.boolean(3); e.Kind != policy.ExpressionBool {
			return e
		}
	}
}

// boolean makes an expression that is true or false.
func (t *smallTree) boolean(depth int) *policy.Expression {
	e := &policy.Expression{At: t.place()}
	choice := t.IntN(10)
	if depth == 0 {
		choice = t.between(4, 9)
	}
	switch choice {
	case 0:
		e.Kind, e.Left, e.Right = policy.ExpressionAnd, t.boolean(depth-1), t.boolean(depth-1)
	case 1:
		e.Kind, e.Left, e.Right = policy.ExpressionOr, t.boolean(depth-1), t.boolean(depth-1)
	case 2:
		e.Kind, e.Left = policy.ExpressionNot, t.boolean(depth-1)
	case 3:
		e.Kind, e.Left, e.Right = policy.ExpressionEqual, t.boolean(depth-1), t.boolean(depth-1)
	case 4, 5:
		e.Kind, e.Entity, e.Key = policy.ExpressionHasTag, pick(t.generator, entityTypes...), pick(t.generator, tagKeys...)
	case 6:
		if t.chance(3) {
			e.Kind, e.Text = policy.ExpressionBool, pick(t.generator, "true", "false")
			return e
		}
		fallthrough
	case 7:
		e.Kind, e.Left, e.Right = policy.ExpressionEqual, t.tag(), t.text()
	case 8:
		typ := pick(t.generator, entityTypes...)
		e.Kind, e.Left, e.Right = policy.ExpressionEqual, t.entity(typ), t.literalEntity(typ)
	case 9:
		e.Kind, e.Left, e.Right = policy.ExpressionEqual, t.operand(), t.operand()
	}
	if e.Kind == policy.ExpressionEqual && t.chance(3) {
		e.Left, e.Right = e.Right, e.Left
	}
	leaveOut(t, &e.Left)
	leaveOut(t, &e.Right)
	leaveOut(t, &e.Key)
	if t.chance(20) && (e.Kind == policy.ExpressionAnd || e.Kind == policy.ExpressionOr) {
		e.Left, e.Right = nil, nil
	}
	return e
}

// operand makes a side of an Equal, of any kind but for deep booleans.
func (t *smallTree) operand() *policy.Expression {
	typ := pick(t.generator, entityTypes...)
	switch t.IntN(8) {
	case 0:
		return t.text()
	case 1:
		return t.number()
	case 2:
		return t.entity(typ)
	case 3:
		return t.literalEntity(typ)
	case 4:
		return t.boolean(1)
	}
	return t.tag()
}

// literals lists literals of all kinds, no two the same.
func (t *smallTree) literals() []*policy.Expression {
	var out []*policy.Expression
	add := func(kind policy.ExpressionKind, entity, text string) {
		out = append(out, &policy.Expression{Kind: kind, At: t.place(), Entity: entity, Text: text})
	}
	for _, v := range tagValues {
		add(policy.ExpressionString, "", v)
	}
	for _, u := range uids {
		add(policy.ExpressionLiteralEntity, "stack", u)
		add(policy.ExpressionLiteralEntity, "environment", u)
	}
	add(policy.ExpressionBool, "", "true")
	add(policy.ExpressionBool, "", "false")
	add(policy.ExpressionNumber, "", "1")
	t.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func (t *smallTree) tag() *policy.Expression {
	e := &policy.Expression{Kind: policy.ExpressionTag, At: t.place(), Entity: pick(t.generator, entityTypes...), Key: pick(t.generator, tagKeys...)}
	leaveOut(t, &e.Entity)
	leaveOut(t, &e.Key)
	return e
}

func (t *smallTree) text() *policy.Expression {
	e := &policy.Expression{Kind: policy.ExpressionString, At: t.place(), Text: pick(t.generator, tagValues...)}
	leaveOut(t, &e.Text)
	return e
}

func (t *smallTree) number() *policy.Expression {
	return &policy.Expression{Kind: policy.ExpressionNumber, At: t.place(), Text: pick(t.generator, "1", "2", "1.0", "1e0")}
}

func (t *smallTree) entity(typ string) *policy.Expression {
	return &policy.Expression{Kind: policy.ExpressionEntity, At: t.place(), Entity: typ}
}

func (t *smallTree) literalEntity(typ string) *policy.Expression {
	e := &policy.Expression{Kind: policy.ExpressionLiteralEntity, At: t.place(), Entity: typ, Text: pick(t.generator, uids...)}
	leaveOut(t, &e.Text)
	return e
}
