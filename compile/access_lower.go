package compile

import (
	"fmt"
	"slices"
	"strings"

	"postern/index/lowered"
	"postern/internal/conditionkey"
	"postern/internal/value"
	"postern/policy"
)

// maxSpans bounds the number of spans of all roles and bindings together. Roles
// that include each other could otherwise have as many as the square of their
// number.
const maxSpans = 1 << 24

// grantList is what lower keeps while it works.
type grantList struct {
	*access
	out    lowered.GrantList
	scopes map[string]int
	spans  int
}

// lower lowers roles, records and bindings.
func (u *access) lower() *lowered.GrantList {
	g := &grantList{access: u, scopes: map[string]int{}}
	g.out.Roles = map[string][]lowered.Span{}
	for _, d := range u.defining() {
		for i := range d.Roles {
			r := u.roles[d.Roles[i].Name]
			g.lowerRole(r)
			g.out.Roles[r.Name] = r.spans
		}
	}
	for _, r := range u.records {
		g.lowerRecord(r)
	}
	// A role hides the record whose id is its name, and a record's id hides
	// other records' names.
	for _, r := range u.records {
		spans := g.recordSpans(r)
		g.out.Roles[r.key()] = spans
		for _, name := range [...]string{r.ID, r.Name} {
			if _, found := u.roleOf(name); found == r {
				g.out.Roles[name] = spans
			}
		}
	}
	for i := range u.bindings {
		g.lowerBinding(&u.bindings[i])
	}
	if g.spans > maxSpans {
		u.report(isError, policy.Position{File: u.docs[0].File}, "the roles of this organization include each other too widely; include fewer roles")
	}
	g.out.Variables = u.l.variables
	u.refused()
	return &g.out
}

// in sets the position that errors about what is lowered next have.
func (u *access) in(at policy.Position) {
	u.l.document = &policy.Document{File: at.File, Variables: true}
	u.l.statement = &policy.Statement{Line: at.Line}
}

// refused moves the errors of lowering, which policyjson should have found
// before, to the diagnostics.
func (u *access) refused() {
	u.diagnostics = append(u.diagnostics, u.l.diagnostics...)
	u.l.diagnostics = nil
}

// lowerRole lowers the rules of a role after those of the roles that it
// includes, so that the spans of a role and of all that it includes are often
// one.
func (g *grantList) lowerRole(r *role) {
	if r.lowered {
		return
	}
	r.lowered = true
	for _, ref := range r.Include {
		if next, rec := g.roleOf(ref.Name); next != nil {
			g.lowerRole(next)
			r.spans = append(r.spans, next.spans...)
		} else if rec != nil {
			g.lowerRecord(rec)
			r.spans = append(r.spans, g.recordSpans(rec)...)
		}
	}
	own := lowered.Span{From: len(g.out.Rules)}
	for i := range r.Rules {
		g.lowerRule(&r.Rules[i])
	}
	own.To = len(g.out.Rules)
	r.spans = g.join(append(r.spans, own))
}

// join sorts and joins spans, and counts them towards maxSpans.
func (g *grantList) join(list []lowered.Span) []lowered.Span {
	list = lowered.JoinSpans(list)
	g.spans += len(list)
	return list
}

// lowerRule lowers a rule to one for its actions, and one for the actions of
// each permission set, on resources of the set's type.
func (g *grantList) lowerRule(r *policy.Rule) {
	g.in(r.At)
	if len(r.Resources) == 0 {
		g.l.refuse("the rule has no resource")
	}
	if len(r.Actions) == 0 && len(r.PermissionSets) == 0 {
		g.l.refuse("the rule has no action")
	}
	add := func(actions *actionList, resources []policy.ResourcePattern) {
		g.out.Rules = append(g.out.Rules, lowered.Rule{
			Actions: actions.names, Programs: actions.programs, MaxOpenSeconds: r.MaxOpenSeconds,
			Scope: g.scope(resources, r.NotResources, r.Selector, r.Conditions),
		})
	}
	if len(r.Actions) > 0 {
		add(g.actionList(r.Actions), r.Resources)
	}
	var types []string
	byType := map[string]*actionList{}
	for _, ref := range r.PermissionSets {
		s := g.sets[ref.Name]
		if byType[s.ResourceType] == nil {
			byType[s.ResourceType] = &actionList{}
			types = append(types, s.ResourceType)
		}
		byType[s.ResourceType].join(g.setActions(s))
		g.in(r.At)
	}
	for _, t := range types {
		if of := ofType(r.Resources, t); len(of) > 0 {
			add(byType[t], of)
		}
	}
}

// ofType returns the patterns among list that can match resources of a type,
// narrowed to that type.
func ofType(list []policy.ResourcePattern, resourceType string) (out []policy.ResourcePattern) {
	for _, p := range list {
		switch p.Type {
		case "":
			return []policy.ResourcePattern{{Type: resourceType, Pattern: "*", At: p.At}}
		case resourceType:
			out = append(out, p)
		}
	}
	return out
}

// actionList is a list of actions, folded to lower case and sorted: names, and
// programs of patterns with wildcards.
type actionList struct{ names, programs []string }

func (a *actionList) join(b *actionList) {
	both := func(x, y []string) []string {
		out := slices.Concat(x, y)
		slices.Sort(out)
		return slices.Compact(out)
	}
	a.names, a.programs = both(a.names, b.names), both(a.programs, b.programs)
}

func (g *grantList) actionList(patterns []string) *actionList {
	var a actionList
	for _, text := range patterns {
		folded := value.FoldASCII(text)
		switch {
		case folded == "" || folded == "*":
			g.l.refuse("an action is empty, or `*` alone")
		case strings.ContainsAny(folded, "*?"):
			a.programs = append(a.programs, g.l.program(folded, false))
		default:
			a.names = append(a.names, folded)
		}
	}
	a.join(&actionList{})
	return &a
}

// setActions returns the actions of a permission set and of all sets that it
// includes.
func (g *grantList) setActions(s *permissionSet) *actionList {
	if s.actions == nil {
		g.in(s.At)
		s.actions = g.actionList(s.Actions)
		for _, ref := range s.Include {
			s.actions.join(g.setActions(g.sets[ref.Name]))
		}
	}
	return s.actions
}

func (g *grantList) lowerBinding(b *binding) {
	g.in(b.At)
	out := lowered.Binding{
		Deny:     b.Effect == policy.EffectDeny,
		Explicit: b.Effect == policy.EffectAllow && len(b.Roles) > 0 && !b.builtIn,
		Scope:    lowered.NoScope,
	}
	if len(b.Members) == 0 {
		g.l.refuse("the binding has no member")
	}
	out.Everyone, out.Names, out.Prefixes = principals(b.Members)
	if len(b.Roles) == 0 {
		own := lowered.Span{From: len(g.out.Rules)}
		g.lowerRule(bindingRule(b.Binding))
		own.To = len(g.out.Rules)
		out.Rules = []lowered.Span{own}
		g.out.Bindings = append(g.out.Bindings, out)
		return
	}
	for _, ref := range b.Roles {
		if r, rec := g.roleOf(ref.Name); r != nil {
			out.Rules = append(out.Rules, r.spans...)
		} else if rec != nil {
			out.Rules = append(out.Rules, g.recordSpans(rec)...)
		}
	}
	out.Rules = g.join(out.Rules)
	if b.Resources != nil || b.Selector != nil || len(b.Conditions) > 0 {
		out.Scope = g.scope(b.Resources, nil, b.Selector, b.Conditions)
	}
	g.out.Bindings = append(g.out.Bindings, out)
}

// scope returns the number of a scope; equal scopes have one number. Without
// resources the scope holds on every resource.
func (g *grantList) scope(resources, not []policy.ResourcePattern, selector *policy.Selector, conditions []policy.Condition) int {
	var s lowered.Scope
	if everything(resources) {
		resources = nil
	}
	programs, uids := g.resources(resources)
	if len(uids) == 0 {
		s.Resources = programs
	} else {
		s.Conditions = append(s.Conditions, resourceCondition(append(programs, uids...), false))
	}
	programs, uids = g.resources(not)
	s.NotResources = programs
	if len(uids) > 0 {
		s.Conditions = append(s.Conditions, resourceCondition(uids, true))
	}
	if selector != nil {
		for i := range selector.Requirements {
			s.Conditions = append(s.Conditions, g.requirement(&selector.Requirements[i]))
		}
	}
	for i := range conditions {
		s.Conditions = append(s.Conditions, g.l.condition(&conditions[i]))
	}
	if s.Resources == nil && s.NotResources == nil && s.Conditions == nil {
		return lowered.NoScope
	}
	key := fmt.Sprintf("%#v", s)
	n, ok := g.scopes[key]
	if !ok {
		n = len(g.out.Scopes)
		g.scopes[key] = n
		g.out.Scopes = append(g.out.Scopes, s)
	}
	return n
}

func everything(list []policy.ResourcePattern) bool {
	return slices.ContainsFunc(list, func(p policy.ResourcePattern) bool { return p.Type == "" })
}

// resources makes programs over the text `type:id`, and for patterns of uids
// programs over the texts of a stated and of an unknown uid.
func (g *grantList) resources(list []policy.ResourcePattern) (programs, uids []string) {
	for _, r := range list {
		if r.UID {
			if r.Type == "" || r.Pattern == "" {
				g.l.refuse("the resource %s has no type or no uid", r)
			}
			uids = append(uids, lowered.ResourceUID(r.Type, r.Pattern), lowered.ResourceUID(r.Type, ""))
			continue
		}
		var p lowered.Program
		if r.Type == "" {
			p.AnyRun()
		} else {
			p.Literal(r.Type + ":")
			for _, part := range g.l.split(r.Pattern, true) {
				g.l.add(&p, part)
			}
		}
		programs = append(programs, p.String())
	}
	return programs, uids
}

func resourceCondition(programs []string, negated bool) lowered.Condition {
	c := lowered.Condition{
		Operator: lowered.Operator{Compare: lowered.CompareLike, Negated: negated},
		Key:      lowered.Key{Kind: conditionkey.Resource},
	}
	for _, p := range programs {
		c.Values = append(c.Values, lowered.Value{Text: p})
	}
	return c
}

// requirement lowers one requirement of a selector to a condition on a tag.
// Tags that are not stated are unreadable to it: the condition is false in an
// Allow and true in a Deny.
func (g *grantList) requirement(r *policy.TagRequirement) lowered.Condition {
	c := lowered.Condition{Key: lowered.Key{Kind: conditionkey.Tag, Name: r.Key}}
	switch r.Operator {
	case policy.TagIn, policy.TagNotIn:
		c.Operator = lowered.Operator{Compare: lowered.CompareText, Negated: r.Operator == policy.TagNotIn}
		for _, text := range r.Values {
			var p lowered.Program
			p.Literal(text)
			c.Values = append(c.Values, lowered.Value{Text: p.String()})
		}
		if len(r.Values) == 0 {
			g.l.refuse("the selector's %s has no values", r.Operator)
		}
	case policy.TagExists, policy.TagDoesNotExist:
		c.Operator = lowered.Operator{Compare: lowered.CompareNull}
		v := lowered.Value{}
		if r.Operator == policy.TagDoesNotExist {
			v.A = 1
		}
		c.Values = []lowered.Value{v}
	default:
		g.l.refuse("a selector without operator")
	}
	return c
}
