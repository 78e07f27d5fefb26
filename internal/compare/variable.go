package compare

import (
	"slices"
	"strings"

	"postern/internal/conditionkey"
	"postern/internal/pattern"
	"postern/policy"
)

// A pattern with policy variables matches what their values make of it
// (specification 1.7). A scenario knows some values by itself; others it fixes,
// to look for a request with these; of the rest nothing is known.

// fixed is the value of a key that a scenario fixes; nil has none.
type fixed map[string]*string

// valueOf is the value of a variable in the scenario: "" and false if it has
// none; settled is false if nothing is known of it.
func (sc *scenario) valueOf(key string) (text string, has, settled bool) {
	kind, name := conditionkey.Split(key)
	switch kind {
	case conditionkey.PrincipalOrg:
		return sc.caller, true, true
	case conditionkey.ResourceOrg:
		if sc.owner == "" {
			return sc.caller, true, true
		}
		return sc.owner, true, true
	case conditionkey.PrincipalAccount:
		if !sc.stated {
			return sc.caller, true, true
		}
	case conditionkey.Username:
		if !sc.stated && sc.caller != sc.owner {
			return "", false, true
		}
	case conditionkey.Groups:
		if name != sc.caller {
			return "", false, true
		}
	case conditionkey.Claim:
		if org, _, _ := strings.Cut(name, ":"); org != sc.caller {
			return "", false, true
		}
	}
	v, ok := sc.fixed[conditionkey.Fold(key)]
	if !ok {
		return "", false, false
	}
	if v == nil {
		return "", false, true
	}
	return *v, true, true
}

// fixable reports that a key's value can be chosen.
func (sc *scenario) fixable(key string) bool {
	switch kind, _ := conditionkey.Split(key); kind {
	case conditionkey.Caller, conditionkey.Username, conditionkey.Groups, conditionkey.Claim,
		conditionkey.SubjectProperty, conditionkey.ResourceProperty, conditionkey.ActionProperty:
		_, _, settled := sc.valueOf(key)
		return !settled
	case conditionkey.PrincipalAccount, conditionkey.PrincipalArn:
		return sc.stated
	}
	return false
}

// readGlob reads a pattern in the scenario; unless like, `*` and `?` are
// themselves. missing reports that a variable has no value, so that the pattern
// matches nothing.
func (sc *scenario) readGlob(text string, variables, like bool) (g glob, exact, missing bool) {
	if !variables || !strings.Contains(text, "${") {
		if !like {
			return literalGlob(text), true, false
		}
		g, exact = readGlob(text, variables)
		return g, exact, false
	}
	parts, err := pattern.Parse(text, true)
	if err != nil {
		return everything, false, false
	}
	var out strings.Builder
	exact = true
	for _, p := range parts {
		switch {
		case p.Kind == pattern.AnyRun && like:
			out.WriteByte('*')
		case p.Kind == pattern.AnyRun:
			out.WriteString(escaped("*"))
		case p.Kind == pattern.AnyOne && like:
			out.WriteByte('?')
		case p.Kind == pattern.AnyOne:
			out.WriteString(escaped("?"))
		case p.Kind == pattern.Literal:
			out.WriteString(escaped(p.Text))
		case p.Kind == pattern.Variable:
			value, has, settled := sc.valueOf(p.Text)
			switch {
			case !settled:
				exact = false
				out.WriteByte('*')
			case has:
				out.WriteString(escaped(value))
			case p.HasDefault:
				out.WriteString(escaped(p.Default))
			default:
				return glob{}, true, true
			}
		}
	}
	g, ok := readGlob(out.String(), true)
	return g, exact && ok, false
}

// escaped is a literal text as patterns with variables write it.
func escaped(text string) string {
	return strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}").Replace(text)
}

// resources are the resource patterns of a clause as the scenario reads them;
// missing reports that one of them has a variable without a value.
func (sc *scenario) resources(c *clause) (out []resource, missing bool) {
	if !c.inexact() {
		return c.resources, false
	}
	for _, r := range c.resources {
		g, exact, none := sc.readGlob(r.text, c.document.Variables, true)
		if none {
			missing = true
			continue
		}
		out = append(out, resource{r.text, g, exact})
	}
	return out, missing
}

// variableKeys are the keys of variables in clauses that a scenario can fix.
func (sc *scenario) variableKeys(lists ...[]*clause) []string {
	var out []string
	look := func(c *clause, text string) {
		if !c.document.Variables || !strings.Contains(text, "${") {
			return
		}
		parts, err := pattern.Parse(text, true)
		if err != nil {
			return
		}
		for _, p := range parts {
			if key := conditionkey.Fold(p.Text); p.Kind == pattern.Variable && sc.fixable(p.Text) && !slices.Contains(out, key) {
				out = append(out, key)
				sc.spell(p.Text)
			}
		}
	}
	for _, list := range lists {
		for _, c := range list {
			for _, r := range c.resources {
				look(c, r.text)
			}
			for _, condition := range c.Conditions {
				if f := condition.Operator.Test.Family(); f == policy.FamilyString || f == policy.FamilyArn {
					for _, v := range condition.Values {
						look(c, v)
					}
				}
			}
		}
	}
	return out
}

// assignments are values to try for keys of variables: none at all, one that is
// nobody's, and those that conditions ask for.
func assignments(keys []string, lists ...[]*clause) []fixed {
	var out []fixed
	all := func(v *string) {
		f := fixed{}
		for _, k := range keys {
			f[k] = v
		}
		out = append(out, f)
	}
	word := "x1"
	all(&word)
	all(nil)
	const most = 12
	for _, list := range lists {
		for _, c := range list {
			for _, condition := range c.Conditions {
				key := conditionkey.Fold(condition.Key)
				if !slices.Contains(keys, key) {
					continue
				}
				for _, v := range condition.Values {
					if len(out) < most && !strings.Contains(v, "${") {
						f := fixed{}
						for _, k := range keys {
							f[k] = &word
						}
						value := strings.NewReplacer("*", "x", "?", "x").Replace(v)
						f[key] = &value
						out = append(out, f)
					}
				}
			}
		}
	}
	return out
}
