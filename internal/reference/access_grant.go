package reference

import "postern/policy"

// grant is one thing that brings rules to the caller: a binding, a default, a
// token's or an issuer's roles. doc.go says how it is named.
type grant struct {
	ref policy.StatementRef
	// roles names what is brought: roles, and Pulumi's records.
	roles []policy.Reference
	// rule is what a binding of permissionSets and actions brings.
	rule *policy.Rule
	// record is what isOrgDefault brings.
	record *policy.Record
	// narrow is a binding of roles, which narrows every rule that it brings.
	narrow *policy.Binding
}

// grants lists what reaches the caller.
func (a *iam) grants() []grant {
	var out []grant
	for _, d := range a.documents {
		out = append(out, a.bindings(d)...)
	}
	if a.legacyGroups() {
		out = append(out, a.bindings(a.builtIn)...)
	}
	if a.hasDefaults() {
		out = append(out, a.defaults()...)
	}
	return append(out, a.heldRoles()...)
}

// heldRoles lists what the caller holds by being who it is: an organization
// token's roles ("the Allows of its roles (required)"), those that an issuer's
// rules give.
func (a *iam) heldRoles() []grant {
	var out []grant
	for _, d := range a.documents {
		for i := range d.Tokens {
			if t := &d.Tokens[i]; t == a.who.token && t.Type == policy.TokenOrganization {
				out = append(out, grant{ref: ref(d, tokenPrefix+t.Name, i, t.At, policy.EffectAllow), roles: t.Roles})
			}
		}
	}
	for _, r := range a.who.issuers {
		rule := r.issuer.Rules[r.index]
		out = append(out, grant{ref: ref(r.document, "issuer/"+r.issuer.Name, r.index, rule.At, policy.EffectAllow), roles: rule.Roles})
	}
	return out
}

// ref names a grant.
func ref(d *policy.AccessDocument, statement string, index int, at policy.Position, effect policy.Effect) policy.StatementRef {
	return policy.StatementRef{
		Document:  d.Name,
		Statement: statement,
		Index:     index,
		File:      d.File,
		Line:      at.Line,
		Effect:    effect,
		Layer:     policy.LayerIAM,
	}
}

// bindings lists the bindings of a document that reach the caller.
func (a *iam) bindings(d *policy.AccessDocument) []grant {
	var out []grant
	for i := range d.Bindings {
		b := &d.Bindings[i]
		if !a.reached(b) {
			continue
		}
		g := grant{ref: ref(d, b.ID, i, b.At, b.Effect), roles: b.Roles, narrow: b}
		if len(b.Roles) == 0 {
			g.rule = &policy.Rule{PermissionSets: b.PermissionSets, Actions: b.Actions, Resources: b.Resources, Selector: b.Selector, Conditions: b.Conditions}
			g.narrow = nil
		}
		out = append(out, g)
	}
	return out
}

// legacyGroups: the legacy groups "are bound only where a file says
// "metadata": {"legacyGroups": true}".
func (a *iam) legacyGroups() bool {
	for _, d := range a.documents {
		if d.LegacyGroups {
			return true
		}
	}
	return false
}

// defaults lists the member roles: "the defaults.memberRoles of several files
// are united", and "isOrgDefault adds [a record]".
func (a *iam) defaults() []grant {
	var out []grant
	for _, d := range a.documents {
		for i, r := range d.MemberRoles {
			out = append(out, grant{ref: ref(d, "defaults", i, r.At, policy.EffectAllow), roles: []policy.Reference{r}})
		}
		for i := range d.Records {
			r := &d.Records[i]
			if !r.OrgDefault {
				continue
			}
			name := r.ID
			if name == "" {
				name = r.Name
			}
			out = append(out, grant{ref: ref(d, name, i, r.At, policy.EffectAllow), record: r})
		}
	}
	return out
}
