package policygen

import (
	"strconv"

	"postern/policy"
)

// This file makes groups, members, bindings, tokens, issuers and entities.

// groups makes groups that list later ones, so that none lists itself.
func (a *smallAccess) groups() {
	for i, name := range groupNames {
		if a.chance(2) {
			continue // requests may state it and bindings name it all the same
		}
		d := a.file()
		g := policy.Group{Name: name, At: a.at(d)}
		for range a.IntN(4) {
			m := a.member(d)
			if m.Kind == policy.PrincipalGroup {
				if i+1 == len(groupNames) {
					continue
				}
				m.Name = pick(a.generator, groupNames[i+1:]...)
			}
			if m.Kind == policy.PrincipalEveryone && !a.chance(4) {
				continue
			}
			g.Members = append(g.Members, m)
		}
		d.Groups = append(d.Groups, g)
	}
}

func (a *smallAccess) member(d *policy.AccessDocument) policy.Member {
	m := policy.Member{At: a.at(d)}
	switch a.IntN(10) {
	case 0, 1:
		m.Kind, m.Name = policy.PrincipalExact, a.exactName()
		if a.narrow {
			m.Name += strconv.Itoa(a.IntN(30))
		}
	case 2:
		m.Kind, m.Name = policy.PrincipalPrefix, pick(a.generator, prefixes...)
	case 3, 4, 5:
		m.Kind, m.Name = policy.PrincipalGroup, pick(a.generator, groupNames...)
	case 6:
		m.Kind = policy.PrincipalEveryone
		if a.narrow && !a.chance(8) {
			m.Kind, m.Name = policy.PrincipalExact, a.exactName()
		}
	default:
		m.Kind, m.Name = policy.PrincipalExact, a.exactName()
	}
	return m
}

func (a *smallAccess) binding(d *policy.AccessDocument, number int) policy.Binding {
	b := policy.Binding{At: a.at(d), Effect: policy.EffectAllow}
	if a.chance(2) {
		b.ID, b.IDAt = "b"+strconv.Itoa(number), b.At
	}
	deny := a.chance(4) && (!a.narrow || a.chance(6))
	b.Members = some(a.generator, 3, func() policy.Member {
		m := a.member(d)
		if tokens := a.chance(6); tokens {
			m.Kind, m.Name = policy.PrincipalToken, "" // the name is filled in once there are tokens
		}
		return m
	})
	if a.chance(3) {
		b.PermissionSets, b.Actions = a.granted(d)
	} else {
		b.Roles = some(a.generator, 2, func() policy.Reference { return a.reference(d, pick(a.generator, a.roles...)) })
	}
	if deny {
		b.Effect = policy.EffectDeny
	}
	if b.Roles == nil || a.chance(4) {
		b.Resources = some(a.generator, 3, func() policy.ResourcePattern { return a.resource(d) })
	}
	b.Selector = a.selector(d)
	b.Conditions = a.fewConditions()
	return b
}

// tokens makes tokens, and fills in members that are to be tokens.
func (a *smallAccess) tokens() {
	var names []string
	for _, name := range tokenNames[:a.IntN(len(tokenNames)+1)] {
		d := a.file()
		t := policy.Token{Name: name, At: a.at(d), Type: pick(a.generator, policy.TokenOrganization, policy.TokenTeam, policy.TokenPersonal)}
		switch t.Type {
		case policy.TokenOrganization:
			t.Roles = some(a.generator, 2, func() policy.Reference { return a.reference(d, pick(a.generator, a.roles...)) })
		case policy.TokenTeam:
			t.Group = a.reference(d, pick(a.generator, groupNames...))
		case policy.TokenPersonal:
			t.User = a.reference(d, a.exactName())
		}
		if a.chance(3) {
			t.Expires, t.HasExpires = pick[int64](a.generator, 1767225600, 1767225601, 1), true
		}
		d.Tokens = append(d.Tokens, t)
		names = append(names, name)
		a.tokenNames = append(a.tokenNames, name)
	}
	for _, d := range a.files {
		for _, b := range d.Bindings {
			for i := range b.Members {
				m := &b.Members[i]
				if m.Kind != policy.PrincipalToken {
					continue
				}
				if m.Name = "t1"; len(names) > 0 {
					m.Name = pick(a.generator, names...)
				} else {
					m.Kind, m.Name = policy.PrincipalExact, a.exactName()
				}
			}
		}
		for _, g := range d.Groups {
			for i := range g.Members {
				if len(names) > 0 && a.chance(6) {
					g.Members[i].PrincipalPattern = policy.PrincipalPattern{Kind: policy.PrincipalToken, Name: pick(a.generator, names...)}
				}
			}
		}
	}
}

func (a *smallAccess) issuers() {
	for i := range a.IntN(3) {
		d := a.file()
		issuer := policy.Issuer{Name: "i" + strconv.Itoa(i), At: a.at(d), URL: pick(a.generator, issuerURLs...), URLAt: a.at(d)}
		issuer.Rules = some(a.generator, 4, func() policy.IssuerRule {
			r := policy.IssuerRule{At: a.at(d), Effect: policy.EffectAllow}
			if a.chance(6) {
				r.Effect = policy.EffectDeny
			} else {
				r.Roles = some(a.generator, 2, func() policy.Reference {
					return a.reference(d, pick(a.generator, a.roles[len(a.roles)-1], a.roles[len(a.roles)-1], a.roles[0]))
				})
			}
			claim := func(path string) {
				r.Claims = append(r.Claims, policy.ClaimPattern{Path: path, Pattern: pick(a.generator, "*", "*", "*", "a*", "?", "a", "*b"), At: a.at(d)})
			}
			for _, path := range []string{"sub", "aud", `"k.io".pod`} {
				if a.chance(5) {
					claim(path)
				}
			}
			if r.Claims == nil {
				claim(pick(a.generator, "sub", "sub", "sub", "obj"))
			}
			return r
		})
		d.Issuers = append(d.Issuers, issuer)
	}
}

// entities states facts about principals, tokens and resources, each once.
func (a *smallAccess) entities() {
	seen := map[string]bool{}
	for range a.IntN(16) {
		d := a.file()
		e := policy.Entity{At: a.at(d)}
		properties := []subject{{"x", policy.FamilyString}}
		if a.chance(2) {
			e.Principal = pick(a.generator, a.exactName(), a.exactName(), a.exactName(), "token/t1")
			properties = []subject{{"level", policy.FamilyNumeric}, {"Team", policy.FamilyString}}
		} else {
			e.Type, e.ID = pick(a.generator, iamTypes...), pick(a.generator, iamIDs[:6]...)
			if e.Type == "organization" {
				e.ID = a.organization()
			}
			if e.TagsKnown = !a.chance(3); e.TagsKnown {
				e.Tags = a.tags()
			}
		}
		for _, p := range properties {
			attribute := a.attribute(a.otherCase(p.key), p.family)
			if !attribute.Unreadable && !a.chance(4) {
				e.Properties = append(e.Properties, attribute)
			}
		}
		if name := e.Name(); !seen[name] {
			seen[name] = true
			d.Entities = append(d.Entities, e)
		}
	}
}

// tags makes tags of a resource, none twice, perhaps none at all.
func (a *smallAccess) tags() []policy.Tag {
	var out []policy.Tag
	for _, key := range tagKeys {
		if a.chance(2) {
			out = append(out, policy.Tag{Key: key, Value: pick(a.generator, tagValues...)})
		}
	}
	return out
}
