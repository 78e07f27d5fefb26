package schema

import (
	"postern/internal/action"
	"postern/internal/awskeys"
	"postern/internal/builtin"
)

// values has for each field of each shape what kind of value it has. A field
// without a row is a failure of TestEveryFieldHasAValue. It is set at the start,
// since shapes hold one another.
var values map[string]func(*maker) node

func init() { values = fieldValues() }

// fieldValues makes values.
func fieldValues() map[string]func(*maker) node {
	return map[string]func(*maker) node{
		"organization.version":              literal("v1alpha1"),
		"organization.name":                 nonEmpty,
		"organization.statements":           list(object("organization.statement")),
		"organization.statement.name":       nonEmpty,
		"organization.statement.effect":     effect,
		"organization.statement.actions":    list(storeAction),
		"organization.statement.resources":  list(nonEmpty),
		"organization.statement.principals": list(nonEmpty),

		"bucket.Version":                literal("2012-10-17", "2008-10-17"),
		"bucket.Id":                     text,
		"bucket.Statement":              oneOrList(object("bucket.statement")),
		"bucket.statement.Sid":          text,
		"bucket.statement.Effect":       effect,
		"bucket.statement.Principal":    (*maker).principal,
		"bucket.statement.NotPrincipal": (*maker).principal,
		"bucket.statement.Action":       oneOrList(storeAction),
		"bucket.statement.NotAction":    oneOrList(storeAction),
		"bucket.statement.Resource":     oneOrList(nonEmpty),
		"bucket.statement.NotResource":  oneOrList(nonEmpty),
		"bucket.statement.Condition":    (*maker).condition,

		"buckets.buckets": func(*maker) node {
			return node{"type": "array", "items": node{"type": "string", "pattern": "^[A-Za-z0-9._-]{1,255}$"}}
		},

		"access.apiVersion":            literal("postern/v1"),
		"access.kind":                  literal("AccessPolicy"),
		"access.metadata":              object("access.metadata"),
		"access.permissionSets":        named(object("access.permissionSet")),
		"access.roles":                 named(object("access.role")),
		"access.groups":                named(object("access.group")),
		"access.bindings":              listOrNone(object("access.binding")),
		"access.defaults":              object("access.defaults"),
		"access.tokens":                named(object("access.token")),
		"access.issuers":               named(object("access.issuer")),
		"access.entities":              named(object("access.entity")),
		"access.metadata.name":         nonEmpty,
		"access.metadata.legacyGroups": boolean,
		"access.defaults.memberRoles":  listOrNone(nonEmpty),
		"access.permissionSet.resourceType": func(*maker) node {
			return node{"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"}
		},
		"access.permissionSet.include":      list(nonEmpty),
		"access.permissionSet.actions":      list(iamAction),
		"access.role.include":               list(nonEmpty),
		"access.role.rules":                 list(object("access.rule")),
		"access.rule.permissionSets":        list(nonEmpty),
		"access.rule.actions":               list(iamAction),
		"access.rule.resources":             list(nonEmpty),
		"access.rule.notResources":          list(nonEmpty),
		"access.rule.selector":              object("access.selector"),
		"access.rule.condition":             (*maker).condition,
		"access.rule.constraints":           object("access.constraints"),
		"access.constraints.maxOpenSeconds": seconds(1),
		"access.group.members":              listOrNone(nonEmpty),
		"access.binding.id":                 nonEmpty,
		"access.binding.effect":             effect,
		"access.binding.roles":              list(nonEmpty),
		"access.binding.permissionSets":     list(nonEmpty),
		"access.binding.actions":            list(iamAction),
		"access.binding.members":            list(nonEmpty),
		"access.binding.resources":          list(nonEmpty),
		"access.binding.selector":           object("access.selector"),
		"access.binding.condition":          (*maker).condition,
		"access.token.type":                 func(m *maker) node { return words(m.words.TokenTypes) },
		"access.token.roles":                list(nonEmpty),
		"access.token.group":                nonEmpty,
		"access.token.user":                 nonEmpty,
		"access.token.expires":              nonEmpty,
		"access.issuer.url":                 nonEmpty,
		"access.issuer.rules":               list(object("access.issuerRule")),
		"access.issuerRule.effect":          effect,
		"access.issuerRule.roles":           list(nonEmpty),
		"access.issuerRule.claims":          texts,
		"access.entity.properties":          (*maker).properties,
		"access.entity.tags":                tags,
		"access.selector.matchTags":         texts,
		"access.selector.matchExpressions":  list(object("access.expression")),
		"access.expression.key":             nonEmpty,
		"access.expression.operator":        func(m *maker) node { return words(m.words.TagOperators) },
		"access.expression.values":          list(text),

		"record.id":                               textOrNull,
		"record.name":                             textOrNull,
		"record.resourceType":                     func(m *maker) node { return node{"enum": recordTypes(m)} },
		"record.uxPurpose":                        textOrNull,
		"record.details":                          object("record.descriptor"),
		"record.defaultIdentifier":                textOrNull,
		"record.isOrgDefault":                     func(*maker) node { return node{"type": []string{"boolean", "null"}} },
		"record.descriptor.__type":                func(m *maker) node { return words(m.words.Descriptors) },
		"record.descriptor.permissions":           listOrNone(text),
		"record.descriptor.constraints":           func(m *maker) node { return node{"anyOf": []any{m.object("record.constraints"), node{"type": "null"}}} },
		"record.descriptor.entries":               listOrNone(object("record.descriptor")),
		"record.descriptor.permissionDescriptors": listOrNone(nonEmpty),
		"record.descriptor.condition":             expression,
		"record.descriptor.subNode":               object("record.descriptor"),
		"record.descriptor.subNodeForTrue":        object("record.descriptor"),
		"record.descriptor.subNodeForFalse":       object("record.descriptor"),
		"record.descriptor.selector":              expression,
		"record.descriptor.options":               listOrNone(object("record.option")),
		"record.constraints.MaxOpenDuration":      seconds(0),
		"record.option.value":                     expression,
		"record.option.node":                      object("record.descriptor"),
	}
}

// What kinds of value there are.

func text(*maker) node       { return node{"type": "string"} }
func nonEmpty(*maker) node   { return node{"type": "string", "minLength": 1} }
func boolean(*maker) node    { return node{"type": "boolean"} }
func expression(*maker) node { return node{"type": "object"} }
func textOrNull(*maker) node { return node{"type": []string{"string", "null"}} }
func effect(*maker) node     { return node{"enum": []string{"Allow", "Deny"}} }
func words(w []string) node  { return node{"enum": w} }

// tags are an object of texts, which may be empty.
func tags(*maker) node {
	return node{"type": "object", "additionalProperties": node{"type": "string"}}
}

// texts are an object of texts that is not empty.
func texts(m *maker) node {
	n := tags(m)
	n["minProperties"] = 1
	return n
}

func object(name string) func(*maker) node {
	return func(m *maker) node { return m.object(name) }
}

func literal(w ...string) func(*maker) node {
	return func(*maker) node { return words(w) }
}

// seconds are a whole number of min or more.
func seconds(min int) func(*maker) node {
	return func(*maker) node { return node{"type": "integer", "minimum": min} }
}

// named is an object whose keys are names.
func named(of func(*maker) node) func(*maker) node {
	return func(m *maker) node {
		return node{"type": "object", "additionalProperties": of(m), "propertyNames": node{"minLength": 1}}
	}
}

func listOrNone(of func(*maker) node) func(*maker) node {
	return func(m *maker) node { return node{"type": "array", "items": of(m)} }
}

func list(of func(*maker) node) func(*maker) node {
	return func(m *maker) node { return node{"type": "array", "items": of(m), "minItems": 1} }
}

// oneOrList is a list, or one entry in its place.
func oneOrList(of func(*maker) node) func(*maker) node {
	return func(m *maker) node { return node{"anyOf": []any{of(m), list(of)(m)}} }
}

// recordTypes are the resource types of records, which may be empty or null.
func recordTypes(m *maker) (out []any) {
	for _, t := range m.words.RecordTypes {
		out = append(out, t)
	}
	return append(out, "", nil)
}

// shared returns a reference to a definition that make makes at the first use.
func (m *maker) shared(name string, make func() node) node {
	if _, ok := m.defs[name]; !ok {
		m.defs[name] = nil
		m.defs[name] = make()
	}
	return node{"$ref": "#/$defs/" + name}
}

// storeAction is an action or pattern of organization and bucket policies: the
// known ones are offered, and any other is let through, which is a warning at
// most or the parser's to refuse.
func storeAction(m *maker) node {
	return m.shared("action", func() node {
		var known []string
		for id := range action.ID(action.Count()) {
			if action.ClassOfID(id).S3() || action.ClassOfID(id) == action.ControlPlane {
				known = append(known, action.Name(id))
			}
		}
		return node{"anyOf": []any{words(sorted(append(known, "s3:*"))), nonEmpty(m)}}
	})
}

// iamAction is an action or pattern of an AccessPolicy.
func iamAction(m *maker) node {
	return m.shared("scope", func() node {
		var known []string
		for _, s := range builtin.Scopes() {
			known = append(known, s.Name)
		}
		return node{"anyOf": []any{words(sorted(known)), nonEmpty(m)}}
	})
}

// principal is the value of Principal or NotPrincipal.
func (m *maker) principal() node {
	return m.shared("principal", func() node {
		properties := node{}
		for _, p := range m.words.Principals {
			properties[p] = oneOrList(nonEmpty)(m)
		}
		return node{"anyOf": []any{
			node{"const": "*"},
			node{"type": "object", "properties": properties, "additionalProperties": false, "minProperties": 1},
		}}
	})
}

// condition is a Condition element: keys by operator, values by key.
func (m *maker) condition() node {
	return m.shared("condition", func() node {
		properties := node{}
		for _, op := range m.words.Operators {
			properties[op] = m.shared("keys", func() node {
				value := m.shared("values", func() node { return scalars(1) })
				known := node{}
				for _, k := range awskeys.Names() {
					known[k] = value
				}
				return node{"type": "object", "properties": known, "additionalProperties": value, "propertyNames": node{"minLength": 1}}
			})
		}
		return node{"type": "object", "properties": properties, "additionalProperties": false} // an empty one is a warning
	})
}

// scalars are a text, number or boolean, or a list of at least min of these.
func scalars(min int) node {
	one := []string{"string", "number", "boolean"}
	return node{"anyOf": []any{node{"type": one}, node{"type": "array", "minItems": min, "items": node{"type": one}}}}
}

// properties are those of an entity.
func (m *maker) properties() node {
	return node{"type": "object", "additionalProperties": scalars(0), "propertyNames": node{"minLength": 1}}
}
