package schema

import (
	"postern/internal/policytest"
	"postern/policy"
)

// testValues returns for each member of a file of tests, and of a test, what kind of
// value it has (specification 8.2).
func testValues() map[string]func(*maker, policytest.Members) node {
	return map[string]func(*maker, policytest.Members) node{
		"policies":     func(m *maker, _ policytest.Members) node { return nonEmpty(m) },
		"defaultOrg":   func(m *maker, _ policytest.Members) node { return nonEmpty(m) },
		"platformOrgs": func(m *maker, _ policytest.Members) node { return listOrNone(nonEmpty)(m) },
		"now":          func(m *maker, _ policytest.Members) node { return nonEmpty(m) },
		"tests": func(m *maker, s policytest.Members) node {
			return node{"type": "array", "minItems": 1, "items": m.members(s.Test, s.TestNeeds, s)}
		},
		"name":     func(m *maker, _ policytest.Members) node { return nonEmpty(m) },
		"decision": func(m *maker, _ policytest.Members) node { return boolean(m) },
		"reason": func(*maker, policytest.Members) node {
			var all []string
			for _, r := range policy.Reasons() {
				all = append(all, r.String())
			}
			return words(all)
		},
		"obligations": func(*maker, policytest.Members) node {
			return node{"type": "array", "maxItems": 1, "items": node{"type": "object"}}
		},
		"determinedBy": func(m *maker, _ policytest.Members) node { return listOrNone(nonEmpty)(m) },
		"request": func(_ *maker, s policytest.Members) node {
			parts := node{}
			for _, p := range s.Request {
				parts[p] = node{"type": "object"}
			}
			return node{"type": "object", "properties": parts, "additionalProperties": false}
		},
		"foreach": func(_ *maker, s policytest.Members) node {
			parts := node{}
			for _, p := range s.Foreach {
				parts[p] = node{"type": "array", "minItems": 1, "items": node{"type": "object"}}
			}
			return node{"type": "object", "properties": parts, "additionalProperties": false}
		},
	}

}

// test is a file of tests.
func (m *maker) test() node {
	s := policytest.Shape()
	return m.members(s.File, s.FileNeeds, s)
}

// members is an object with members of testValues.
func (m *maker) members(all, needs []string, s policytest.Members) node {
	properties, values := node{}, testValues()
	for _, name := range all {
		properties[name] = values[name](m, s)
	}
	return node{"type": "object", "properties": properties, "required": needs, "additionalProperties": false}
}
