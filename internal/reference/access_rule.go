package reference

import (
	"slices"

	"postern/policy"
)

// iamDocument stands for an iam document where page 1 asks what `${` means:
// "Policy variables (bucket policies of version 2012-10-17, and iam documents)"
// (1.7).
var iamDocument = &policy.Document{Variables: true}

// satisfiedRules returns the constraints (0 for none) of the rules that a grant
// brings and that are satisfied.
func (a *iam) satisfiedRules(g grant) []uint64 {
	effect := g.ref.Effect
	// bindings: "Its resources, selector, condition narrow every rule that it
	// brings; they never widen."
	if b := g.narrow; b != nil {
		if b.Resources != nil && !a.resourceListed(b.Resources, effect) ||
			!a.selected(b.Selector, effect) || !a.holdAll(b.Conditions, effect) {
			return nil
		}
	}
	var out []uint64
	if g.rule != nil && a.ruleHolds(g.rule, effect) {
		out = append(out, g.rule.MaxOpenSeconds)
	}
	if g.record != nil {
		out = append(out, a.recordGrants(g.record, effect, nil)...)
	}
	for _, r := range g.roles {
		out = append(out, a.roleGrants(r.Name, effect, map[string]bool{})...)
	}
	return out
}

// roleGrants returns the constraints of the satisfied rules of a role, and of
// those that it includes: "rules are ORed". A name that nothing has, which the
// compiler refuses, grants nothing, and in a Deny denies everything.
func (a *iam) roleGrants(name string, effect policy.Effect, visited map[string]bool) []uint64 {
	if visited[name] {
		return nil
	}
	visited[name] = true
	role := a.roleNamed(name)
	if role == nil {
		if record := a.recordNamed(name); record != nil {
			return a.recordGrants(record, effect, nil)
		}
		return doubt(effect)
	}
	var out []uint64
	for i := range role.Rules {
		if a.ruleHolds(&role.Rules[i], effect) {
			out = append(out, role.Rules[i].MaxOpenSeconds)
		}
	}
	for _, include := range role.Include {
		out = append(out, a.roleGrants(include.Name, effect, visited)...)
	}
	return out
}

// doubt is what an unknown name brings.
func doubt(effect policy.Effect) []uint64 {
	if effect == policy.EffectDeny {
		return []uint64{0}
	}
	return nil
}

// everything are the documents in which names are looked up.
func (a *iam) everything() []*policy.AccessDocument {
	return append(slices.Clone(a.documents), a.builtIn)
}

func (a *iam) roleNamed(name string) *policy.Role {
	for _, d := range a.everything() {
		for i := range d.Roles {
			if d.Roles[i].Name == name {
				return &d.Roles[i]
			}
		}
	}
	return nil
}

func (a *iam) setNamed(name string) *policy.PermissionSet {
	for _, d := range a.everything() {
		for i := range d.PermissionSets {
			if d.PermissionSets[i].Name == name {
				return &d.PermissionSets[i]
			}
		}
	}
	return nil
}

// ruleHolds: "A rule is (permissionSets and/or actions) x resources x selector
// x condition; notResources excludes."
func (a *iam) ruleHolds(r *policy.Rule, effect policy.Effect) bool {
	return a.ruleActions(r, effect) &&
		a.resourceListed(r.Resources, effect) && !a.excluded(r.NotResources, effect) &&
		a.selected(r.Selector, effect) && a.holdAll(r.Conditions, effect)
}

func (a *iam) ruleActions(r *policy.Rule, effect policy.Effect) bool {
	if a.actionListed(r.Actions) {
		return true
	}
	for _, s := range r.PermissionSets {
		if a.setHolds(s.Name, effect, map[string]bool{}) {
			return true
		}
	}
	return false
}

// setHolds tells whether a permission set has the action: "named sets of
// actions of one resource type, and they hold only on resources of that type,
// * notwithstanding; include others of the same type".
func (a *iam) setHolds(name string, effect policy.Effect, visited map[string]bool) bool {
	if visited[name] {
		return false
	}
	visited[name] = true
	s := a.setNamed(name)
	if s == nil {
		return effect == policy.EffectDeny
	}
	if a.resourceType() == s.ResourceType && a.actionListed(s.Actions) {
		return true
	}
	for _, include := range s.Include {
		if a.setHolds(include.Name, effect, visited) {
			return true
		}
	}
	return false
}

// actionListed: "action patterns (1.6), and names without :".
func (a *iam) actionListed(patterns []string) bool {
	return a.actionsHold(&policy.Statement{Actions: patterns})
}

// resourceType is the type of the resource asked about; cwobject: requests,
// too, ask for `organization`.
func (a *iam) resourceType() string {
	if a.request.Resource.Kind == policy.ResourceOrganization {
		return "organization"
	}
	return a.request.Resource.Type
}

// resourceID is its id: the whole organization is "asked as id * or ORG".
func (a *iam) resourceID() string {
	if a.resourceType() == "organization" && a.request.Resource.ID == "*" {
		return a.question.caller
	}
	return a.request.Resource.ID
}

// resourceListed tells whether one of the patterns matches the resource. One
// with a variable without a value matches nothing (1.7); one about a uid that
// the request does not state "holds in a Deny and not in an Allow".
func (a *iam) resourceListed(patterns []policy.ResourcePattern, effect policy.Effect) bool {
	return slices.ContainsFunc(patterns, func(p policy.ResourcePattern) bool {
		if a.aboutUnknownUID(p) {
			return effect == policy.EffectDeny
		}
		matches, _ := a.resourceMatches(p, effect == policy.EffectDeny)
		return matches
	})
}

// excluded tells whether notResources exclude the resource. "A variable without
// a value ... a Deny's NotResource excludes nothing by it; an Allow with it in
// NotResource is not satisfied" (1.7); and of a uid that the request does not
// state, "in notResources the other way round".
func (a *iam) excluded(patterns []policy.ResourcePattern, effect policy.Effect) bool {
	return slices.ContainsFunc(patterns, func(p policy.ResourcePattern) bool {
		if a.aboutUnknownUID(p) {
			return effect == policy.EffectAllow
		}
		matches, ok := a.resourceMatches(p, false)
		return matches || !ok && effect == policy.EffectAllow
	})
}

// aboutUnknownUID tells whether a pattern is `type:uid:ID`, of the resource's
// type, and the request states no uid.
func (a *iam) aboutUnknownUID(p policy.ResourcePattern) bool {
	return p.UID && p.Type == a.resourceType() && a.request.Resource.UID == ""
}

// resourceMatches: "type:pattern; * everything ... type:uid:ID matches a
// request whose resource.properties.uid is ID". It returns ok = false if a
// variable of the pattern has no value. The uid of the request is known, if the
// pattern asks for one of the resource's type. unseen is as in readPattern.
func (a *iam) resourceMatches(p policy.ResourcePattern, unseen bool) (matches, ok bool) {
	if p.Type == "" {
		return true, true
	}
	if p.UID {
		return p.Type == a.resourceType() && a.request.Resource.UID == p.Pattern, true
	}
	read, ok := a.readPattern(p.Pattern, true, unseen)
	return ok && p.Type == a.resourceType() && read.matches(a.resourceID()), ok
}

// selected tells whether a selector holds: "all ANDed, Kubernetes' meaning ...
// Unknown tags satisfy no selector of an Allow, and every selector of a Deny".
func (a *iam) selected(s *policy.Selector, effect policy.Effect) bool {
	if s == nil {
		return true
	}
	if !a.request.Resource.TagsKnown {
		return effect == policy.EffectDeny
	}
	for _, r := range s.Requirements {
		value, has := a.tag(r.Key)
		in := has && slices.Contains(r.Values, value)
		holds := false
		switch r.Operator {
		case policy.TagIn:
			holds = in
		case policy.TagNotIn:
			holds = !in // "NotIn holds when the key is missing"
		case policy.TagExists:
			holds = has
		case policy.TagDoesNotExist:
			holds = !has
		}
		if !holds {
			return false
		}
	}
	return true
}

// tag returns a tag of the resource, whose tags are known.
func (a *iam) tag(key string) (value string, has bool) {
	for _, t := range a.request.Resource.Tags {
		if t.Key == key {
			return t.Value, true
		}
	}
	return "", false
}

// holdAll: "the Condition block of page 1".
func (a *iam) holdAll(conditions []policy.Condition, effect policy.Effect) bool {
	return a.conditionsHold(iamDocument, &policy.Statement{Effect: effect, Conditions: conditions})
}
