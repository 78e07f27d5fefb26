package policygen

import (
	"slices"
	"strconv"

	"postern/policy"
)

// Iam is the workload `iam`: n bindings of n/10 roles to n/5 groups, which have
// 4n members in all, and to users; at least 50. So Iam(5000, seed) has the 500
// roles, 5,000 bindings and 20,000 members of specification 5. A role has 2 to
// 6 rules on the stacks of a project, each of permission sets or actions; half
// of the rules select by tags, some for production only, a tenth of the
// bindings deny, a quarter narrow to some of a project's stacks. A caller is in
// 1 to 20 groups.
//
// Statements counts bindings: what determines an answer.
func Iam(n int, seed uint64) *Workload {
	w := newIamWorkload(seed, max(n, 50))
	return &Workload{
		Name: "iam",
		Directory: &policy.Directory{Organizations: map[string]*policy.DirectoryOrganization{
			acme: {Access: []*policy.AccessDocument{w.document}},
		}},
		Statements: len(w.document.Bindings),
		seed:       seed,
		answer:     w.outcome,
		draw:       w.draw,
	}
}

// iamWorkload is what a scan by the caller needs: bindings by member.
type iamWorkload struct {
	generator
	document *policy.AccessDocument
	sets     map[string][]string // actions
	roles    map[string]*policy.Role
	groupsOf map[string][]string // by user
	usersOf  map[string][]string // by group
	bindings map[string][]int32  // by user, or `group/NAME`
	line     int
}

// Tags of stacks.
var (
	environments = []string{"dev", "test", "prod"}
	teams        = []string{"alpha", "beta", "gamma", "delta"}
	stackActions = []string{"stack:read", "stack:export", "stack:write", "stack:delete", "stack:import", "stack:rename", "stack:transfer", "stack_deployment:create", "stack_tags:update", "stack_webhook:read"}
)

func newIamWorkload(seed uint64, n int) *iamWorkload {
	w := &iamWorkload{
		generator: newBuilder(seed, 0, 0).generator,
		document:  &policy.AccessDocument{File: acme + "/iam/policy.json", Name: "acme"},
		sets:      map[string][]string{},
		roles:     map[string]*policy.Role{},
		groupsOf:  map[string][]string{},
		usersOf:   map[string][]string{},
		bindings:  map[string][]int32{},
	}
	d := w.document
	d.NameAt = w.at()
	for i := range 20 {
		set := policy.PermissionSet{Name: numbered("set-", i), At: w.at(), ResourceType: "stack"}
		for _, j := range w.Perm(len(stackActions))[:w.between(1, 4)] {
			set.Actions = append(set.Actions, stackActions[j])
		}
		w.sets[set.Name] = set.Actions
		d.PermissionSets = append(d.PermissionSets, set)
	}
	roles, groups, users := n/10, n/5, 4*n
	projects := max(10, roles/2)
	for i := range roles {
		r := policy.Role{Name: numbered("role-", i), At: w.at()}
		for range w.between(2, 6) {
			r.Rules = append(r.Rules, w.rule(w.IntN(projects)))
		}
		d.Roles = append(d.Roles, r)
	}
	for i := range d.Roles {
		w.roles[d.Roles[i].Name] = &d.Roles[i]
	}
	for i := range groups {
		d.Groups = append(d.Groups, policy.Group{Name: numbered("group-", i), At: w.at()})
	}
	// Most users are in few groups, some in many. A member is an entry of a
	// group.
	for entries := 0; entries < users; {
		name := user(w.IntN(users))
		most := 3
		if w.chance(10) {
			most = 20
		}
		for range w.between(1, min(most, groups)) {
			g := &d.Groups[w.IntN(groups)]
			if entries == users || slices.Contains(w.groupsOf[name], g.Name) || len(w.groupsOf[name]) == 20 {
				continue
			}
			g.Members = append(g.Members, w.exact(name))
			w.groupsOf[name] = append(w.groupsOf[name], g.Name)
			w.usersOf[g.Name] = append(w.usersOf[g.Name], name)
			entries++
		}
	}
	for i := range n {
		w.binding(i, users)
	}
	return w
}

func (w *iamWorkload) at() policy.Position {
	w.line++
	return policy.Position{File: w.document.File, Line: w.line, Column: 3}
}

func (w *iamWorkload) exact(name string) policy.Member {
	return policy.Member{PrincipalPattern: policy.PrincipalPattern{Kind: policy.PrincipalExact, Name: name}, At: w.at()}
}

func (w *iamWorkload) stacks(pattern string) []policy.ResourcePattern {
	return []policy.ResourcePattern{{Type: "stack", Pattern: pattern, At: w.at()}}
}

func (w *iamWorkload) rule(project int) policy.Rule {
	r := policy.Rule{At: w.at(), Resources: w.stacks(numbered("acme/project-", project) + "/*")}
	if w.chance(2) {
		r.PermissionSets = []policy.Reference{{Name: numbered("set-", w.IntN(20)), At: w.at()}}
	} else {
		r.Actions = []string{pick(w.generator, stackActions...)}
	}
	if w.chance(2) {
		r.Selector = &policy.Selector{At: w.at(), Requirements: []policy.TagRequirement{{Key: "team", Operator: policy.TagIn, Values: []string{pick(w.generator, teams...)}, At: w.at()}}}
		if w.chance(2) {
			r.Selector.Requirements = append(r.Selector.Requirements, policy.TagRequirement{Key: "env", Operator: policy.TagNotIn, Values: []string{"prod"}, At: w.at()})
		}
	}
	return r
}

// binding adds a binding of a role to one or two groups or users.
func (w *iamWorkload) binding(number, users int) {
	d := w.document
	b := policy.Binding{ID: numbered("binding-", number), At: w.at(), Effect: policy.EffectAllow}
	b.IDAt = b.At
	if number%10 == 7 {
		b.Effect = policy.EffectDeny
	}
	role := &d.Roles[w.IntN(len(d.Roles))]
	b.Roles = []policy.Reference{{Name: role.Name, At: w.at()}}
	for range w.between(1, 2) {
		m := w.exact(user(w.IntN(users)))
		if !w.chance(4) {
			m.Kind, m.Name = policy.PrincipalGroup, d.Groups[w.IntN(len(d.Groups))].Name
		}
		b.Members = append(b.Members, m)
		key := m.Name
		if m.Kind == policy.PrincipalGroup {
			key = "group/" + m.Name
		}
		if list := w.bindings[key]; len(list) == 0 || list[len(list)-1] != int32(number) {
			w.bindings[key] = append(list, int32(number))
		}
	}
	if w.chance(4) {
		project := role.Rules[w.IntN(len(role.Rules))].Resources[0].Pattern
		b.Resources = w.stacks(project[:len(project)-1] + pick(w.generator, "in0", "in1", "in2") + "*")
	}
	d.Bindings = append(d.Bindings, b)
}

// outcome answers a request by a scan of the bindings that name the caller or
// one of its groups. It knows the shapes of this workload only.
func (w *iamWorkload) outcome(r *policy.Request) policy.Outcome {
	outcome := policy.ImplicitDeny
	ask := func(key string) {
		for _, i := range w.bindings[key] {
			b := &w.document.Bindings[i]
			if outcome == policy.ExplicitDeny || b.Resources != nil && !glob(b.Resources[0].Pattern, r.Resource.ID) {
				continue
			}
			for j := range w.roles[b.Roles[0].Name].Rules {
				if w.ruleHolds(&w.roles[b.Roles[0].Name].Rules[j], r) {
					if outcome = policy.Allow; b.Effect == policy.EffectDeny {
						outcome = policy.ExplicitDeny
						return
					}
				}
			}
		}
	}
	for _, id := range r.Principal.IDs {
		ask(id)
		for _, g := range w.groupsOf[id] {
			ask("group/" + g)
		}
	}
	return outcome
}

func (w *iamWorkload) ruleHolds(rule *policy.Rule, r *policy.Request) bool {
	if !slices.Contains(w.actions(rule), r.Action) || !glob(rule.Resources[0].Pattern, r.Resource.ID) {
		return false
	}
	if rule.Selector == nil {
		return true
	}
	for _, q := range rule.Selector.Requirements {
		in := slices.ContainsFunc(r.Resource.Tags, func(t policy.Tag) bool { return t.Key == q.Key && slices.Contains(q.Values, t.Value) })
		if in != (q.Operator == policy.TagIn) {
			return false
		}
	}
	return true
}

func (w *iamWorkload) actions(rule *policy.Rule) []string {
	if len(rule.PermissionSets) > 0 {
		return w.sets[rule.PermissionSets[0].Name]
	}
	return rule.Actions
}

func (w *iamWorkload) draw(g generator, effect policy.Effect) *policy.Request {
	b := &w.document.Bindings[g.IntN(len(w.document.Bindings))]
	if effect == policy.EffectDeny {
		b = &w.document.Bindings[g.IntN(len(w.document.Bindings)/10)*10+7]
	}
	m := pick(g, b.Members...)
	caller := m.Name
	if m.Kind == policy.PrincipalGroup {
		users := w.usersOf[m.Name]
		if len(users) == 0 {
			return nil
		}
		caller = pick(g, users...)
	}
	role := w.roles[b.Roles[0].Name]
	rule := &role.Rules[g.IntN(len(role.Rules))]
	pattern := rule.Resources[0].Pattern
	prefix := pattern[:len(pattern)-1]
	if effect == policy.EffectNone && g.chance(2) {
		other := w.document.Roles[g.IntN(len(w.document.Roles))].Rules[0].Resources[0].Pattern
		prefix = other[:len(other)-1]
	}
	const org = "acme/"
	r := &policy.Request{
		Principal: policy.Principal{Org: acme, IDs: []string{caller}},
		Action:    pick(g, w.actions(rule)...),
		Resource: policy.Resource{
			Kind: policy.ResourceTyped, Type: "stack", TagsKnown: true,
			ID:   org + g.key(prefix[len(org):]+"in"+strconv.Itoa(g.IntN(3))),
			Tags: []policy.Tag{{Key: "team", Value: pick(g, teams...)}, {Key: "env", Value: pick(g, environments...)}},
		},
		Now: workloadNow,
	}
	if effect != policy.EffectNone && rule.Selector != nil {
		r.Resource.Tags[0].Value = rule.Selector.Requirements[0].Values[0]
	}
	return r
}
