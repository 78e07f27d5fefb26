package policygen

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"postern/policy"
)

// SmallAccess is Small with an iam layer: documents of roles, permission sets,
// groups, bindings, tokens, issuers, entities and Pulumi records whose names
// are used across files and all defined, a small built-in document, and
// requests that ask for them.
func SmallAccess(seed uint64) (*policy.Directory, []*policy.Request) {
	return SmallAccessFrom(rand.New(rand.NewPCG(seed, 0x69616d)))
}

// SmallAccessFrom is SmallAccess with a source of randomness of the caller's.
func SmallAccessFrom(source *rand.Rand) (*policy.Directory, []*policy.Request) {
	w := newSmallWorld(source)
	d, requests := w.world()
	a := &smallAccess{smallWorld: w}
	d.BuiltIn = a.builtInDocument()
	for _, name := range w.organizations {
		o := d.Organizations[name]
		if !o.IAMUnavailable && !w.chance(8) {
			o.Access = a.documents(name)
		}
	}
	for range w.between(20, 40) {
		requests = append(requests, a.request())
	}
	return d, requests
}

// smallAccess makes the iam documents of one organization after the other.
type smallAccess struct {
	*smallWorld
	files []*policy.AccessDocument // of AccessPolicy documents
	lines map[string]int           // the last line in use, by file
	// The names that may be referred to.
	roles   []string // roles and records, built-in roles too
	sets    []string
	setType map[string]string
	// builtInSets and builtInRoles are built in, in every organization.
	builtInSets, builtInRoles []string
	// tokenNames are the tokens of all organizations.
	tokenNames []string
}

// Words of the iam layer.
var (
	iamActions = []string{"st:read", "st:read", "st:read", "st:Write", "st:Write", "en:open", "read", "iam:ListUsers", "cwobject:EnsureAccessPolicy", "ST:read"}
	iamTypes   = []string{"stack", "stack", "stack", "stack", "environment", "team", "organization"}
	iamIDs     = []string{"a", "b", "ab", "a/b", "a/a/b", "é", "a*", "?", "${k}", "*"}
	uids       = []string{"u1", "u2", "*"}
	tagKeys    = []string{"t", "env", "T"}
	tagValues  = []string{"1", "2", "prod", "", "*"}
	groupNames = []string{"g1", "a", "ab", "G1", "legacy", "g/6", "g7"}
	tokenNames = []string{"t1", "t2", "t/3", "t4"}
	issuerURLs = []string{"https://i", "https://i", "https://j"}
)

// at returns the position of what is added to a file next.
func (a *smallAccess) at(d *policy.AccessDocument) policy.Position {
	a.lines[d.File]++
	return policy.Position{File: d.File, Line: a.lines[d.File], Column: 3}
}

func (a *smallAccess) reference(d *policy.AccessDocument, name string) policy.Reference {
	return policy.Reference{Name: name, At: a.at(d)}
}

// file picks one of the organization's AccessPolicy documents.
func (a *smallAccess) file() *policy.AccessDocument { return pick(a.generator, a.files...) }

// builtInDocument makes the built-in document: permission sets, roles, and the
// binding of a legacy group.
func (a *smallAccess) builtInDocument() *policy.AccessDocument {
	d := &policy.AccessDocument{File: "built-in", Name: "built-in"}
	a.lines, a.files, a.setType = map[string]int{}, []*policy.AccessDocument{d}, map[string]string{}
	a.roles, a.sets = nil, nil
	a.permissionSets("built-in-s", 2)
	a.newRoles("built-in-r", 2)
	a.builtInSets, a.builtInRoles = a.sets, a.roles
	d.Bindings = []policy.Binding{{
		ID: "legacy", IDAt: a.at(d), At: a.at(d), Effect: policy.EffectAllow, Roles: []policy.Reference{a.reference(d, "built-in-r0")},
		Members: []policy.Member{{PrincipalPattern: policy.PrincipalPattern{Kind: policy.PrincipalGroup, Name: "legacy"}, At: a.at(d)}},
	}}
	return d
}

// documents makes the files of iam/ of an organization.
func (a *smallAccess) documents(org string) []*policy.AccessDocument {
	a.lines, a.files = map[string]int{}, nil
	for i := range a.between(1, 3) {
		d := &policy.AccessDocument{File: org + "/iam/" + pick(a.generator, "p", "a", "z-") + strconv.Itoa(i) + ".json", LegacyGroups: a.chance(6)}
		if a.chance(2) {
			d.Name, d.NameAt = "doc"+strconv.Itoa(i), a.at(d)
		}
		a.files = append(a.files, d)
	}
	a.roles, a.sets = slices.Clone(a.builtInRoles), slices.Clone(a.builtInSets)
	records := a.records(org)

	a.permissionSets("s", a.between(0, 5))
	a.newRoles("r", a.between(1, 5))
	if a.chance(4) {
		// The name of a role hides records of that name.
		d := a.file()
		d.Roles = append(d.Roles, policy.Role{Name: "n1", At: a.at(d), Rules: []policy.Rule{a.rule(d)}})
		a.roles = append(a.roles, "n1")
	}
	a.groups()
	bindings := a.between(1, 8)
	a.narrow = a.chance(20)
	if a.narrow {
		bindings = pick(a.generator, a.between(60, 70), a.between(70, 250))
	}
	for i := range bindings {
		d := a.file()
		d.Bindings = append(d.Bindings, a.binding(d, i))
	}
	a.narrow = false
	for a.chance(3) {
		d := a.file()
		d.MemberRoles = append(d.MemberRoles, a.reference(d, pick(a.generator, a.roles...)))
	}
	a.tokens()
	a.issuers()
	a.entities()

	out := append(slices.Clone(a.files), records...)
	a.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// permissionSets makes n sets, which include later ones of their type.
func (a *smallAccess) permissionSets(prefix string, n int) {
	var types []string
	for range n {
		types = append(types, pick(a.generator, append(iamTypes, "stack", "stack", "stack")...))
	}
	for i, typ := range types {
		d := a.file()
		s := policy.PermissionSet{Name: prefix + strconv.Itoa(i), At: a.at(d), ResourceType: typ}
		for j := i + 1; j < n; j++ {
			if types[j] == typ && !a.chance(3) {
				s.Include = append(s.Include, a.reference(d, prefix+strconv.Itoa(j)))
			}
		}
		if s.Include == nil || !a.chance(3) {
			s.Actions = some(a.generator, 2, a.actionPattern)
			if !a.chance(3) { // one action, so that what is included matters
				s.Actions = []string{pick(a.generator, iamActions...)}
			}
		}
		d.PermissionSets = append(d.PermissionSets, s)
		a.sets = append(a.sets, s.Name)
		a.setType[s.Name] = typ
	}
}

// newRoles makes n roles, which include later ones, records and built-in roles.
func (a *smallAccess) newRoles(prefix string, n int) {
	for i := range n {
		d := a.file()
		r := policy.Role{Name: prefix + strconv.Itoa(i), At: a.at(d)}
		for j := i + 1; j < n; j++ {
			if a.chance(3) {
				r.Include = append(r.Include, a.reference(d, prefix+strconv.Itoa(j)))
			}
		}
		if others := a.roles; len(others) > 0 && a.chance(6) {
			r.Include = append(r.Include, a.reference(d, pick(a.generator, others...)))
		}
		if r.Include == nil || !a.chance(4) {
			r.Rules = some(a.generator, 4, func() policy.Rule { return a.rule(d) })
		}
		d.Roles = append(d.Roles, r)
	}
	for i := range n {
		a.roles = append(a.roles, prefix+strconv.Itoa(i))
	}
}

func (a *smallAccess) rule(d *policy.AccessDocument) policy.Rule {
	r := policy.Rule{At: a.at(d), Resources: some(a.generator, 3, func() policy.ResourcePattern { return a.resource(d) })}
	r.PermissionSets, r.Actions = a.granted(d)
	if a.chance(4) {
		r.NotResources = some(a.generator, 2, func() policy.ResourcePattern { return a.resource(d) })
	}
	r.Selector = a.selector(d)
	r.Conditions = a.fewConditions()
	if a.chance(3) {
		r.MaxOpenSeconds = pick[uint64](a.generator, 1, 60, 3600)
	}
	return r
}

// granted makes permission sets, actions, or both.
func (a *smallAccess) granted(d *policy.AccessDocument) (sets []policy.Reference, actions []string) {
	if len(a.sets) > 0 && a.chance(2) {
		sets = some(a.generator, 2, func() policy.Reference { return a.reference(d, pick(a.generator, a.sets...)) })
	}
	if sets == nil || a.chance(4) {
		actions = some(a.generator, 3, a.actionPattern)
	}
	return sets, actions
}

// actionPattern makes an action pattern of an iam document. A name without a
// colon has no wildcards.
func (a *smallAccess) actionPattern() string {
	name := pick(a.generator, iamActions...)
	service, rest, colon := strings.Cut(name, ":")
	if !colon {
		return pick(a.generator, strings.ToUpper, strings.ToLower)(name)
	}
	switch a.IntN(7) {
	case 0, 1:
		return service + ":*"
	case 2:
		return service + ":" + rest[:a.IntN(len(rest))] + "*"
	case 3:
		at := a.IntN(len(rest))
		return service + ":" + rest[:at] + "?" + rest[at+1:]
	case 4:
		return strings.ToUpper(name)
	}
	return name
}

// resource makes a resource pattern, often one that matches.
func (a *smallAccess) resource(d *policy.AccessDocument) policy.ResourcePattern {
	p := policy.ResourcePattern{Type: pick(a.generator, iamTypes...), At: a.at(d)}
	switch a.IntN(8) {
	case 0, 1:
		if !a.narrow {
			return policy.ResourcePattern{At: p.At}
		}
		p.Pattern = "*"
	case 2, 3:
		p.Pattern = "*"
	case 4:
		p.UID, p.Pattern = true, pick(a.generator, uids[:2]...)
	default:
		id := pick(a.generator, iamIDs...)
		if p.Type == "organization" {
			id = a.organization()
		}
		p.Pattern = a.generalise(id, true, pick(a.generator, 0, 2, 4))
		if a.chance(4) {
			p.Pattern += "*"
		}
	}
	return p
}

// selector makes none, or one of one to three requirements.
func (a *smallAccess) selector(d *policy.AccessDocument) *policy.Selector {
	if !a.chance(3) {
		return nil
	}
	s := &policy.Selector{At: a.at(d)}
	s.Requirements = some(a.generator, 3, func() policy.TagRequirement {
		r := policy.TagRequirement{
			Key:      pick(a.generator, tagKeys...),
			Operator: pick(a.generator, policy.TagIn, policy.TagIn, policy.TagNotIn, policy.TagExists, policy.TagDoesNotExist),
			At:       a.at(d),
		}
		if r.Operator == policy.TagIn || r.Operator == policy.TagNotIn {
			r.Values = some(a.generator, 3, func() string { return pick(a.generator, tagValues...) })
		}
		return r
	})
	return s
}

// fewConditions makes conditions for one statement in four.
func (a *smallAccess) fewConditions() []policy.Condition {
	if !a.chance(4) {
		return nil
	}
	conditions := a.conditions(true)
	if a.chance(2) {
		fact := pick(a.generator, []subject{{"subject.level", policy.FamilyNumeric}, {"Subject.team", policy.FamilyString}, {"resource.x", policy.FamilyString}}...)
		conditions = []policy.Condition{{Operator: a.operator(fact.family), Key: fact.key}}
		family := conditions[0].Operator.Test.Family()
		conditions[0].Values = some(a.generator, 4, func() string { return a.policyValue(family, true) })
	}
	for i := range conditions {
		conditions[i].Line = 1
	}
	return conditions
}
