package compare

import (
	"fmt"
	"slices"
	"strings"

	"postern/internal/conditionkey"
	"postern/policy"
)

// normal is a text that is equal for two statements of one layer that are
// satisfied by the same requests because they say the same: order and repeated
// entries, names and places do not matter.
func normal(s *policy.Statement, variables bool) string {
	list := func(not bool, entries []string) string {
		entries = slices.Clone(entries)
		slices.Sort(entries)
		return fmt.Sprintf("%t%q", not, slices.Compact(entries))
	}
	var principals []string
	for _, p := range s.Principals {
		if p.Kind == policy.PrincipalAccount && !s.NotPrincipal {
			p.Kind = policy.PrincipalOrganization // the two mean the same there
		}
		principals = append(principals, fmt.Sprintf("%d %q %q", p.Kind, p.Org, p.Name))
	}
	var actions, conditions []string
	for _, a := range s.Actions {
		actions = append(actions, lower(a))
	}
	for _, c := range s.Conditions {
		conditions = append(conditions, fmt.Sprintf("%s %q %s", c.Operator, conditionkey.Fold(c.Key), list(false, c.Values)))
	}
	out := fmt.Sprintf("%s\n%s\n%s\n%s\n%s", s.Effect, list(s.NotPrincipal, principals), list(s.NotAction, actions), list(s.NotResource, s.Resources), list(false, conditions))
	if variables && strings.Contains(out, "${") {
		out += "\nvariables"
	}
	return out
}

// only returns the clauses of a that say what none of b says.
func only(a, b []*clause) []*clause {
	has := map[string]bool{}
	for _, c := range b {
		has[c.normal()] = true
	}
	var out []*clause
	for _, c := range a {
		if !has[c.normal()] {
			out = append(out, c)
		}
	}
	return out
}

func (c *clause) normal() string {
	if c.implied {
		return "implied " + c.owner
	}
	return normal(c.Statement, c.document.Variables)
}
