package policyjson

import (
	"slices"
	"strings"

	"postern/internal/action"
	"postern/internal/jsonscan"
	"postern/policy"
)

// This file reads permission sets, roles and bindings (specification 2).

const (
	wantActions   = `a list of actions, such as ["stack:read"]`
	wantSets      = `a list of permission sets, such as ["NAME"]`
	wantRoles     = `a list of roles, such as ["ROLE"]`
	wantResources = `a list of resources, such as ["stack:NAME"]`
	wantSelector  = `an object such as {"matchTags": {"env": "dev"}}, or leave it out`
	wantCondition = `an object such as {"StringEquals": {"subject.level": "senior"}}, or leave it out`
	addResources  = `"resources": ["stack:NAME"], or what is meant`
)

const (
	setResourceType = iota
	setInclude
	setActions
)

var permissionSetSet = fieldSet{
	what: "a permission set",
	fields: []field{
		setResourceType: {"resourceType", `a type of resource, such as "stack"`, `"resourceType": "stack", or what the actions are on`},
		setInclude:      {"include", wantSets, ""},
		setActions:      {"actions", wantActions, ""},
	},
	hints: map[string]string{"resources": "write them where the set is used, in a rule or binding", "permissions": `write "actions"`},
}

func (d *decoder) permissionSet(name string, nameAt int) policy.PermissionSet {
	set := policy.PermissionSet{Name: name, At: d.position(nameAt)}
	if !d.isObject("a permission set", `an object such as {"resourceType": "stack", "actions": ["stack:read"]}`) {
		return set
	}
	at := d.s.Offset()
	d.scopes = d.scopes[:0]
	f := d.fields(&permissionSetSet, func(i int) {
		f := &permissionSetSet.fields[i]
		switch i {
		case setResourceType:
			if text, at, ok := d.text(f); ok {
				if !isName(text, "._-", 64) {
					d.report(at, msgTypeName, quote(text), f.want)
				} else if text == "global" {
					d.report(at, msgTypeGlobal, instead("organization"))
				}
				set.ResourceType = text
			}
		case setInclude:
			set.Include = d.references(f, false)
		case setActions:
			set.Actions = d.entries(f, false, d.accessAction)
		}
	})
	d.missing(&permissionSetSet, &f, at)
	d.neither(&permissionSetSet, &f, at, setActions, setInclude, `"actions": ["stack:read"], or what it grants`)
	d.scopeTypes(set.ResourceType)
	return set
}

// neither reports an object that has neither of two fields.
func (d *decoder) neither(set *fieldSet, f *found, at, one, other int, add string) {
	if !d.s.Failed() && !f.has(one) && !f.has(other) && !f.mentioned[one] && !f.mentioned[other] {
		d.report(at, msgHasNeither, set.what, quote(set.fields[one].name), quote(set.fields[other].name), add)
	}
}

const (
	roleInclude = iota
	roleRules
)

var roleSet = fieldSet{
	what: "a role",
	fields: []field{
		roleInclude: {"include", wantRoles, ""},
		roleRules:   {"rules", `a list of rules, such as [{"actions": ["stack:read"], "resources": ["stack:NAME"]}]`, ""},
	},
	hints: map[string]string{
		"actions":        "write it into one of the `rules`",
		"resources":      "write it into one of the `rules`",
		"permissionsets": "write it into one of the `rules`",
		"members":        "write a binding that gives the role to them",
		"effect":         "write it on a binding",
	},
}

func (d *decoder) role(name string, nameAt int) policy.Role {
	role := policy.Role{Name: name, At: d.position(nameAt)}
	if !d.isObject("a role", `an object such as {"rules": [{...}]}`) {
		return role
	}
	at := d.s.Offset()
	f := d.fields(&roleSet, func(i int) {
		f := &roleSet.fields[i]
		if i == roleInclude {
			role.Include = d.references(f, false)
			return
		}
		d.objectsOf(f, "a rule, an object", func() { role.Rules = append(role.Rules, d.rule()) })
	})
	d.neither(&roleSet, &f, at, roleRules, roleInclude, `"rules": [{"actions": ["stack:read"], "resources": ["stack:NAME"]}], or what it grants`)
	return role
}

const (
	ruleSets = iota
	ruleActions
	ruleResources
	ruleNotResources
	ruleSelector
	ruleCondition
	ruleConstraints
)

var ruleSet = fieldSet{
	what: "a rule of a role",
	fields: []field{
		ruleSets:         {"permissionSets", wantSets, ""},
		ruleActions:      {"actions", wantActions, ""},
		ruleResources:    {"resources", wantResources, addResources},
		ruleNotResources: {"notResources", wantResources, ""},
		ruleSelector:     {"selector", wantSelector, ""},
		ruleCondition:    {"condition", wantCondition, ""},
		ruleConstraints:  {"constraints", `an object such as {"maxOpenSeconds": 3600}`, ""},
	},
	hints: map[string]string{
		"effect":  "write it on a binding",
		"roles":   `write it as "include" of the role`,
		"include": "write it beside the `rules`",
		"members": "write a binding that gives the role to them",
	},
}

var constraintsSet = fieldSet{
	what:   `"constraints"`,
	fields: []field{{"maxOpenSeconds", "a whole number of seconds, 1 or more", `"maxOpenSeconds": 3600`}},
}

func (d *decoder) rule() (r policy.Rule) {
	at := d.s.Offset()
	d.counted(at)
	r.At = d.position(at)
	d.scopes = d.scopes[:0]
	cs := &d.conditionList
	cs.reset()
	f := d.fields(&ruleSet, func(i int) {
		f := &ruleSet.fields[i]
		switch i {
		case ruleSets:
			r.PermissionSets = d.references(f, false)
		case ruleActions:
			r.Actions = d.entries(f, false, d.accessAction)
		case ruleResources:
			r.Resources = d.accessResources(f)
		case ruleNotResources:
			r.NotResources = d.accessResources(f)
		case ruleSelector:
			r.Selector = d.selector(f)
		case ruleCondition:
			d.conditions(f, cs)
		case ruleConstraints:
			r.MaxOpenSeconds = d.seconds(&constraintsSet, `{"maxOpenSeconds": 3600}`, 1)
		}
	})
	d.missing(&ruleSet, &f, at)
	d.neither(&ruleSet, &f, at, ruleActions, ruleSets, `"actions": ["stack:read"], or what it grants`)
	r.Conditions = d.conditionsOf(cs, policy.EffectAllow)
	d.scopesMeet(r.Resources)
	return r
}

// conditionsOf takes the conditions of a rule or binding, once its effect is
// known.
func (d *decoder) conditionsOf(cs *conditions, e policy.Effect) []policy.Condition {
	d.conditionWarnings(cs, e)
	if len(cs.list) == 0 {
		return nil
	}
	return slices.Clone(cs.list)
}

const (
	bindID = iota
	bindEffect
	bindRoles
	bindSets
	bindActions
	bindMembers
	bindResources
	bindSelector
	bindCondition
)

var bindingSet = fieldSet{
	what: "a binding",
	fields: []field{
		bindID:        {"id", "a string that is not empty, or leave it out", ""},
		bindEffect:    {"effect", `"Allow" or "Deny", or leave it out for "Allow"`, ""},
		bindRoles:     {"roles", wantRoles, ""},
		bindSets:      {"permissionSets", wantSets, ""},
		bindActions:   {"actions", wantActions, ""},
		bindMembers:   {"members", wantMembers, `"members": ["pulumi/alice"], or whom it is for`},
		bindResources: {"resources", wantResources, ""},
		bindSelector:  {"selector", wantSelector, ""},
		bindCondition: {"condition", wantCondition, ""},
	},
	hints: map[string]string{
		"notresources": "write it into a rule of a role, and bind that",
		"constraints":  "write it into a rule of a role, and bind that",
		"name":         `write "id"`,
		"principals":   `write "members"`,
		"subjects":     `write "members"`,
	},
}

func (d *decoder) bindings(f *field, doc *policy.AccessDocument) {
	var seen names
	d.listOf(f, true, func(k jsonscan.Kind, _ int) {
		if k != jsonscan.Object {
			d.wrongType(`an entry of "bindings"`, k, "a binding, an object")
			return
		}
		doc.Bindings = append(doc.Bindings, d.binding(&seen))
	})
}

func (d *decoder) binding(seen *names) policy.Binding {
	at := d.s.Offset()
	d.counted(at)
	b := policy.Binding{At: d.position(at), Effect: policy.EffectAllow}
	d.scopes = d.scopes[:0]
	cs := &d.conditionList
	cs.reset()
	f := d.fields(&bindingSet, func(i int) {
		f := &bindingSet.fields[i]
		switch i {
		case bindID:
			if text, at, ok := d.text(f); ok && d.notEmptyName(f, text, at) {
				d.shortName(quote(f.name), text, at)
				b.ID, b.IDAt = text, d.position(at)
				if other, twice := seen.add(text, at); twice {
					d.reportOther(at, other, msgBindingID, quote(text))
				}
			}
		case bindEffect:
			if allow, ok := d.effect(f); ok {
				b.Effect = effectOf(allow)
			}
		case bindRoles:
			b.Roles = d.references(f, false)
		case bindSets:
			b.PermissionSets = d.references(f, false)
		case bindActions:
			b.Actions = d.entries(f, false, d.accessAction)
		case bindMembers:
			b.Members = d.members(f, false)
		case bindResources:
			b.Resources = d.accessResources(f)
		case bindSelector:
			b.Selector = d.selector(f)
		case bindCondition:
			d.conditions(f, cs)
		}
	})
	d.missing(&bindingSet, &f, at)
	d.bindingParts(&f, at)
	b.Conditions = d.conditionsOf(cs, b.Effect)
	if len(b.Roles) == 0 {
		d.scopesMeet(b.Resources)
	}
	return b
}

// bindingParts checks what a binding grants: roles and nothing else, or
// permission sets and actions, which need resources.
func (d *decoder) bindingParts(f *found, at int) {
	grants := -1 // the field of a grant that is not roles
	for _, i := range []int{bindSets, bindActions} {
		if f.has(i) || f.mentioned[i] {
			grants = i
		}
		if f.has(i) && f.has(bindRoles) {
			a, b := f.at[bindRoles]-1, f.at[i]-1
			d.reportOther(max(a, b), min(a, b), msgBoth, quote("roles"), quote(bindingSet.fields[i].name))
		}
	}
	roles := f.has(bindRoles) || f.mentioned[bindRoles]
	switch {
	case d.s.Failed():
	case grants < 0 && !roles:
		d.report(at, msgBindingNothing)
	case grants >= 0 && !roles && !f.has(bindResources) && !f.mentioned[bindResources]:
		d.report(at, msgMissing, "a binding of "+quote(bindingSet.fields[grants].name), quote("resources"), addResources)
	}
}

// accessAction checks an action pattern of an iam document.
func (d *decoder) accessAction(_ *field, text string, at int) string {
	service, name, ok := strings.Cut(text, ":")
	switch {
	case !d.short(text, at):
	case text == "*":
		d.report(at, msgAccessActionStar)
	case strings.Contains(text, "${"):
		d.report(at, msgActionVariable, quote(text))
	case !ok && strings.ContainsAny(text, "*?"), ok && (name == "" || !isName(service, "-_", len(service))):
		d.report(at, msgAccessActionForm, quote(text))
	case !ok:
	case action.ClassOf(text).S3():
		d.report(at, msgAccessActionNever, quote(text))
	case action.ClassOf(text) == action.ControlPlane:
		d.knownAction(text, at)
	default:
		d.knownScope(text, at)
	}
	return text
}

func (d *decoder) accessResources(f *field) (out []policy.ResourcePattern) {
	d.textsOf(f, false, func(text string, at int) {
		out = append(out, d.accessResource(text, at))
	})
	return out
}

// accessResourceOf returns what to write instead of an ARN.
func accessResourceOf(arn string) any {
	short, ok := s3Resource(arn, "")
	switch {
	case !ok:
		return quote("type:ID")
	case strings.Contains(short, "/"):
		return insteadIf(!strings.HasPrefix(short, "BUCKET/"), "object:"+short)
	}
	return instead("bucket:" + short)
}

// accessResource reads `*`, `type:pattern` or `type:uid:ID`.
func (d *decoder) accessResource(text string, at int) policy.ResourcePattern {
	p := policy.ResourcePattern{At: d.position(at)}
	if !d.short(text, at) || text == "*" {
		return p
	}
	d.priced(text, at)
	kind, pattern, ok := strings.Cut(text, ":")
	switch {
	case isARN(text):
		d.report(at, msgAccessResourceForm, quote(text), accessResourceOf(text))
	case !ok && !wild(text):
		d.report(at, msgAccessResourceForm, quote(text), quote("stack:"+clip(text)))
	case !ok || !isName(kind, "._-", 64):
		d.report(at, msgAccessResourceType, quote(text))
	case pattern == "":
		d.report(at, msgAccessResourceForm, quote(text), quote(kind+":ID"))
	default:
		p.Type = kind
		if p.Pattern, p.UID = strings.CutPrefix(pattern, "uid:"); !p.UID {
			d.variablesIn(pattern, at)
		} else if p.Pattern == "" || wild(p.Pattern) {
			d.report(at, msgResourceUID, quote(text))
		}
	}
	return p
}
