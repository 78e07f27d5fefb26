package compile

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"postern/index/lowered"
	"postern/policy"
)

// This file warns of what surely has no effect and is no error. A warning is
// given only where no request and no other file could give it an effect.

// organizations warns of resources of another organization than the one to
// which the documents belong. No request reaches them (specification 1.3,
// Tenant boundary).
func (u *access) organizations(list []policy.ResourcePattern) {
	if u.org == "" {
		return
	}
	for _, p := range list {
		if p.Type != "organization" || p.UID || strings.Contains(p.Pattern, "${") || lowered.Match(u.l.program(p.Pattern, false), u.org) {
			continue
		}
		u.report(policy.CodeOtherOrganization, p.At, "the resource %q never matches: the organization that these documents speak of is %q; write %q, or remove it",
			p, u.org, "organization:*")
	}
}

// meetings warns of a binding whose resources are all of other types than those
// that its roles grant anything on: the binding grants nothing. It still counts
// as an explicit role of its members.
func (u *access) meetings() {
	types := typesOfRoles{u: u, known: map[roleOrRecord]typeSet{}}
	for _, d := range u.docs {
		for i := range d.Bindings {
			b := &d.Bindings[i]
			if len(b.Roles) == 0 || len(b.Resources) == 0 || everything(b.Resources) {
				continue
			}
			brought := typeSet{}
			for _, r := range b.Roles {
				brought.join(types.of(r.Name))
			}
			if len(brought) == 0 || brought[""] {
				continue // its roles have no rules, so there is nothing to compare with
			}
			meet := false
			for _, p := range b.Resources {
				meet = meet || brought[p.Type]
			}
			if !meet {
				does := "grants"
				if b.Effect == policy.EffectDeny {
					does = "denies"
				}
				u.report(policy.CodeTypesDoNotMeet, b.Resources[0].At, "the binding's resources are of other types than all that its roles are about, so that it %s nothing; write resources of type %s, or leave them out",
					does, brought.list())
			}
		}
	}
}

// typeSet is a set of resource types. If it holds "", it is the set of all
// types.
type typeSet map[string]bool

func (s typeSet) join(other typeSet) { maps.Copy(s, other) }

// list joins the types with "or", for a message.
func (s typeSet) list() string {
	names := slices.Sorted(maps.Keys(s))
	for i := range names {
		names[i] = strconv.Quote(names[i])
	}
	return strings.Join(names, " or ")
}

// typesOfRoles finds on which resource types roles can grant anything. It runs
// after cycles were refused.
type typesOfRoles struct {
	u     *access
	known map[roleOrRecord]typeSet
}

type roleOrRecord struct {
	role   *role
	record *record
}

// of returns the types of a role or record, and all types for a name that is
// not defined.
func (t *typesOfRoles) of(name string) typeSet {
	var what roleOrRecord
	what.role, what.record = t.u.roleOf(name)
	if what == (roleOrRecord{}) {
		return typeSet{"": true}
	}
	if out, ok := t.known[what]; ok {
		return out
	}
	if what.record != nil {
		return t.ofRecord(what.record)
	}
	out := typeSet{}
	for _, r := range what.role.Include {
		out.join(t.of(r.Name))
	}
	for i := range what.role.Rules {
		t.ofRule(&what.role.Rules[i], out)
	}
	t.known[what] = out
	return out
}

func (t *typesOfRoles) ofRecord(r *record) typeSet {
	what := roleOrRecord{record: r}
	if out, ok := t.known[what]; ok {
		return out
	}
	out := typeSet{}
	t.ofNode(r.Details, out)
	if r.ResourceType != "global" && len(out) > 0 {
		out = typeSet{r.ResourceType: true}
	}
	t.known[what] = out
	return out
}

func (t *typesOfRoles) ofRule(r *policy.Rule, out typeSet) {
	if len(r.Actions) > 0 {
		for _, p := range r.Resources {
			out[p.Type] = true
		}
	}
	for _, ref := range r.PermissionSets {
		if s := t.u.sets[ref.Name]; s == nil {
			out[""] = true
		} else if len(ofType(r.Resources, s.ResourceType)) > 0 {
			out[s.ResourceType] = true
		}
	}
}

// ofNode adds the types on which a node of a record can grant anything: every
// type if it has permissions, whatever its conditions say of entities.
func (t *typesOfRoles) ofNode(n *policy.Descriptor, out typeSet) {
	if n == nil {
		return
	}
	if len(n.Permissions) > 0 {
		out[""] = true
	}
	for _, e := range n.Entries {
		t.ofNode(e, out)
	}
	t.ofNode(n.Then, out)
	t.ofNode(n.Else, out)
	for i := range n.Options {
		t.ofNode(n.Options[i].Node, out)
	}
	for _, r := range n.Include {
		if other := t.u.byID[r.Name]; other != nil {
			out.join(t.ofRecord(other))
		} else {
			out[""] = true
		}
	}
}
