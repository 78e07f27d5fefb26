package compile

import (
	"strings"

	"postern/policy"
)

// names returns what the documents, the built-in one included, name without
// wildcard, for searches (specification 3.2): resources as `type:id`, and
// actions as written. Principals are not among them; index.Membership knows
// those.
func (u *access) names() (resources, actions []string) {
	act := func(list []string) {
		for _, name := range list {
			if !strings.ContainsAny(name, "*?") {
				actions = append(actions, name)
			}
		}
	}
	on := func(list []policy.ResourcePattern) {
		for _, p := range list {
			if p.Type != "" && !p.UID && p.Pattern != "" && !strings.ContainsAny(p.Pattern, "*?") && !strings.Contains(p.Pattern, "${") {
				resources = append(resources, p.String())
			}
		}
	}
	for _, d := range u.defining() {
		for i := range d.PermissionSets {
			act(d.PermissionSets[i].Actions)
		}
		for i := range d.Roles {
			for j := range d.Roles[i].Rules {
				r := &d.Roles[i].Rules[j]
				act(r.Actions)
				on(r.Resources)
				on(r.NotResources)
			}
		}
		for i := range d.Bindings {
			act(d.Bindings[i].Actions)
			on(d.Bindings[i].Resources)
		}
	}
	var walk func(n *policy.Descriptor)
	walk = func(n *policy.Descriptor) {
		if n == nil {
			return
		}
		act(n.Permissions)
		for _, e := range n.Entries {
			walk(e)
		}
		walk(n.Then)
		walk(n.Else)
		for i := range n.Options {
			walk(n.Options[i].Node)
		}
	}
	for _, r := range u.records {
		walk(r.Details)
	}
	return resources, actions
}
