package compile

import (
	"postern/policy"
)

// check reports what breaks the rules between files (specification 2): names
// that are defined twice or built in, names that are used and not defined,
// cycles, and included sets of another type.
func (u *access) check() {
	u.define()
	u.resolve()
	u.cycles()
	if !policy.HasErrors(u.diagnostics) {
		u.meetings()
	}
}

// places remembers where names are defined, and finds those that are defined
// twice.
type places struct {
	u    *access
	what string
	// id is set where the names are ids, and messages call them so.
	id bool
	at map[string]policy.Position
}

// once reports whether the name is new. If it is not, an error names both
// positions. Documents come in the order of their files.
func (p *places) once(name string, at policy.Position) bool {
	if other, ok := p.at[name]; ok {
		a, called := "a", "name"
		if p.id {
			a, called = "an", "id"
		}
		if other == (policy.Position{}) {
			p.u.report(isError, at, "the %s %q is built in; write another %s", p.what, name, called)
		} else {
			p.u.report(isError, at, "the %s %q is already defined at %s; %s %s is unique within its organization, write another", p.what, name, other, a, called)
		}
		return false
	}
	p.at[name] = at
	return true
}

// define collects all definitions of the documents.
func (u *access) define() {
	table := func(what string) *places {
		return &places{u, what, what == "binding" || what == "record", map[string]policy.Position{}}
	}
	sets, roles, groups, bindings := table("permission set"), table("role"), table("group"), table("binding")
	tokens, issuers, entities, records, names := table("token"), table("issuer"), table("entity"), table("record"), table("policy name")
	for i := range u.builtIn.PermissionSets {
		s := &u.builtIn.PermissionSets[i]
		sets.at[s.Name] = policy.Position{}
		u.sets[s.Name] = &permissionSet{PermissionSet: s, builtIn: true}
	}
	for i := range u.builtIn.Roles {
		r := &u.builtIn.Roles[i]
		roles.at[r.Name] = policy.Position{}
		u.roles[r.Name] = &role{Role: r, doc: u.builtIn, builtIn: true}
	}
	for i := range u.builtIn.Bindings {
		bindings.at[u.builtIn.Bindings[i].ID] = policy.Position{}
	}
	for _, d := range u.docs {
		if d.Name != "" {
			names.once(d.Name, d.NameAt)
		}
		for i := range d.PermissionSets {
			if s := &d.PermissionSets[i]; sets.once(s.Name, s.At) {
				u.sets[s.Name] = &permissionSet{PermissionSet: s}
			}
		}
		for i := range d.Roles {
			if r := &d.Roles[i]; roles.once(r.Name, r.At) {
				u.roles[r.Name] = &role{Role: r, doc: d}
			}
		}
		for i := range d.Groups {
			if g := &d.Groups[i]; groups.once(g.Name, g.At) {
				u.groups[g.Name] = g
			}
		}
		for i := range d.Bindings {
			if b := &d.Bindings[i]; b.ID != "" {
				bindings.once(b.ID, b.IDAt)
			}
		}
		for i := range d.Tokens {
			if t := &d.Tokens[i]; tokens.once(t.Name, t.At) {
				u.tokens[t.Name] = t.At
			}
		}
		for i := range d.Issuers {
			issuers.once(d.Issuers[i].Name, d.Issuers[i].At)
		}
		for i := range d.Entities {
			entities.once(d.Entities[i].Name(), d.Entities[i].At)
		}
		for i := range d.Records {
			r := &record{Record: &d.Records[i], doc: d, index: i, number: len(u.records)}
			u.records = append(u.records, r)
			if r.ID != "" && records.once(r.ID, r.IDAt) {
				u.byID[r.ID] = r
			}
			if r.Name != "" {
				u.byName[r.Name] = append(u.byName[r.Name], r)
			}
		}
	}
}

// defining returns the documents whose permission sets and roles can be used:
// the built-in one and the organization's.
func (u *access) defining() []*policy.AccessDocument {
	return append([]*policy.AccessDocument{u.builtIn}, u.docs...)
}

// roleOf finds what a role's name refers to: a role, else the record with that
// id, else the only record with that name. Both results are nil if there is
// none.
func (u *access) roleOf(name string) (*role, *record) {
	if r := u.roles[name]; r != nil {
		return r, nil
	}
	if r := u.byID[name]; r != nil {
		return nil, r
	}
	if list := u.byName[name]; len(list) == 1 {
		return nil, list[0]
	}
	return nil, nil
}

// resolve reports every reference to a name that is not defined.
func (u *access) resolve() {
	for _, d := range u.defining() {
		for i := range d.PermissionSets {
			s := u.sets[d.PermissionSets[i].Name]
			for _, r := range d.PermissionSets[i].Include {
				if other := u.set(r); other != nil && other.ResourceType != s.ResourceType {
					u.report(isError, r.At, "the permission set %q is about resources of type %q, and the one that includes it about %q; include sets of one type",
						r.Name, other.ResourceType, s.ResourceType)
				}
			}
		}
		for i := range d.Roles {
			r := &d.Roles[i]
			u.rolesKnown(r.Include)
			for j := range r.Rules {
				u.ruleKnown(&r.Rules[j])
				u.organizations(r.Rules[j].NotResources)
			}
		}
	}
	for _, d := range u.docs {
		for i := range d.Groups {
			u.membersKnown(d.Groups[i].Members)
		}
		for i := range d.Bindings {
			b := &d.Bindings[i]
			u.rolesKnown(b.Roles)
			u.membersKnown(b.Members)
			if len(b.Roles) == 0 {
				u.ruleKnown(bindingRule(b))
			} else {
				u.organizations(b.Resources)
			}
			if b.Effect != policy.EffectAllow && b.Effect != policy.EffectDeny {
				u.report(isError, b.At, "the binding has no effect; write Allow or Deny")
			}
		}
		u.rolesKnown(d.MemberRoles)
		for i := range d.Tokens {
			t := &d.Tokens[i]
			u.rolesKnown(t.Roles)
			if t.Type == policy.TokenTeam {
				u.groupKnown(t.Group.Name, t.Group.At)
			}
		}
		for i := range d.Issuers {
			for j := range d.Issuers[i].Rules {
				u.rolesKnown(d.Issuers[i].Rules[j].Roles)
			}
		}
		for i := range d.Records {
			compositions(d.Records[i].Details, func(r policy.Reference) {
				if u.byID[r.Name] == nil {
					u.missing(isError, r.At, "no record has the id %q; add the record's file, or remove the id", r.Name)
				}
			})
		}
	}
}

// bindingRule returns the rule that stands for a binding of permission sets and
// actions.
func bindingRule(b *policy.Binding) *policy.Rule {
	return &policy.Rule{
		At: b.At, PermissionSets: b.PermissionSets, Actions: b.Actions,
		Resources: b.Resources, Selector: b.Selector, Conditions: b.Conditions,
	}
}

func (u *access) set(r policy.Reference) *permissionSet {
	s := u.sets[r.Name]
	if s == nil {
		u.missing(isError, r.At, "no permission set is named %q; define it, or correct the name", r.Name)
	}
	return s
}

func (u *access) ruleKnown(r *policy.Rule) {
	u.organizations(r.Resources)
	for _, ref := range r.PermissionSets {
		s := u.set(ref)
		if s == nil {
			continue
		}
		if of := ofType(r.Resources, s.ResourceType); len(of) == 0 {
			u.report(policy.CodeTypesDoNotMeet, ref.At, "the permission set %q holds only on resources of type %q, and none of the resources is; it grants nothing here", ref.Name, s.ResourceType)
		}
	}
}

func (u *access) rolesKnown(list []policy.Reference) {
	for _, r := range list {
		if found, record := u.roleOf(r.Name); found != nil || record != nil {
			continue
		}
		if n := len(u.byName[r.Name]); n > 1 {
			u.missing(isError, r.At, "%d records have the name %q; write the id of one", n, r.Name)
		} else {
			u.missing(isError, r.At, "no role or record is named %q; define it, or correct the name", r.Name)
		}
	}
}

func (u *access) membersKnown(list []policy.Member) {
	for i := range list {
		switch m := &list[i]; m.Kind {
		case policy.PrincipalGroup:
			u.groupKnown(m.Name, m.At)
		case policy.PrincipalToken:
			if _, ok := u.tokens[m.Name]; !ok {
				u.missing(isError, m.At, "no token is named %q; define it, or correct the name", m.Name)
			}
		case policy.PrincipalEveryone, policy.PrincipalExact, policy.PrincipalPrefix:
		default:
			u.report(isError, m.At, "a member of no known kind")
		}
	}
}

func (u *access) groupKnown(name string, at policy.Position) {
	if u.groups[name] == nil {
		u.missing(policy.CodeUnknownGroup, at, "no file defines the group %q; only callers whose request states it are in it", name)
	}
}
