package statements

import (
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/internal/match"
	"postern/index/internal/open"
	"postern/policy"
)

// parts returns the parts of policies that can be about the request; all parts
// if the resource is left open.
func (p *Policies) parts(v *match.View, side open.Side) []block.Block {
	if side != open.Resource {
		return p.asked(v)
	}
	out := []block.Block{p.Block()}
	for _, at := range p.buckets.used {
		out = append(out, p.block(at))
	}
	return out
}

// admit returns what the Allows of some policies admit on the open side, by
// allows; nothing where one of their Denies always holds, by denies.
func (of *Policies) admit(p *open.Patterns, v *match.View, side open.Side, denies func(b block.Block, id int, r block.Record) open.Chance, allows func(b block.Block, id int, r block.Record) []open.Admitted) (out []open.Admitted) {
	for _, b := range of.parts(v, side) {
		for id := range b.Denies() {
			if !p.Look() {
				return out
			}
			if denies(b, id, b.Record(id)) == open.Always {
				return nil
			}
		}
	}
	for _, b := range of.parts(v, side) {
		for id := b.Denies(); id < b.Count(); id++ {
			if !p.Look() {
				return out
			}
			out = append(out, allows(b, id, b.Record(id))...)
		}
	}
	return out
}

// AdmitSubjects returns what a layer's policies admit of principals of a
// provider, which is the view's first identifier.
func (of *Policies) AdmitSubjects(p *open.Patterns, v *match.View, layer policy.Layer) []open.Admitted {
	rest := func(b block.Block, id int, r block.Record) open.Chance {
		if !v.Covers(b, id) {
			return open.Never
		}
		return open.Resources(&of.variables, b, r, v, open.Subject).And(open.Conditions(&of.variables, b, r, v, open.Subject))
	}
	denies := func(b block.Block, id int, r block.Record) open.Chance {
		if r.NotPrincipal() || !r.Everyone() && !listsOthers(v, b, r) && !listsOrg(v, b, r) {
			return open.Perhaps
		}
		return rest(b, id, r)
	}
	return of.admit(p, v, open.Subject, denies, func(b block.Block, id int, r block.Record) (out []open.Admitted) {
		if rest(b, id, r) == open.Never {
			return nil
		}
		provider := v.Request.Principal.IDs[0]
		add := func(program, text string) {
			out = append(out, open.Admitted{Program: program, Text: text, At: of.reference(b, id, layer)})
		}
		switch {
		case r.Everyone():
			add(glob.Every, "*")
			return out
		case listsOthers(v, b, r):
			add(open.AnyAfter(provider), provider+"*")
			return out
		case listsOrg(v, b, r):
			add(glob.Every, "arn:aws:iam::"+v.Org+":*")
			return out
		}
		w := b.Who(r)
		for i := uint32(0); i < w.Prefixes && p.Look(); i++ {
			if text, org := b.NamePrefix(w, i); (org == "" || org == v.Org) && strings.HasPrefix(text, provider) {
				add(open.AnyAfter(text), text+"*")
			}
		}
		return out
	})
}

// listsOthers reports whether the statement lists one of the caller's
// identifiers but the first.
func listsOthers(v *match.View, b block.Block, r block.Record) bool {
	w := b.Who(r)
	for _, id := range v.Request.Principal.IDs[1:] {
		for i := range w.Exact {
			if b.IsName(w, i, id, v.Org) {
				return true
			}
		}
		if w.Prefixes > 0 && b.HasNamePrefix(w, id, v.Org) {
			return true
		}
	}
	return false
}

// listsOrg reports whether the statement lists all callers of the caller's
// organization.
func listsOrg(v *match.View, b block.Block, r block.Record) bool {
	w := b.Who(r)
	for i := range w.Organizations {
		if b.Organization(w, i) == v.Org {
			return true
		}
	}
	return false
}

// AdmitResources returns what a layer's policies admit of buckets and objects
// to the caller; with named, also what they name without wildcard.
func (of *Policies) AdmitResources(p *open.Patterns, v *match.View, layer policy.Layer, named bool) []open.Admitted {
	rest := func(b block.Block, id int, r block.Record) open.Chance {
		if !v.Covers(b, id) || !v.PrincipalHolds(b, r) {
			return open.Never
		}
		return open.Conditions(&of.variables, b, r, v, open.Resource)
	}
	denies := func(b block.Block, id int, r block.Record) open.Chance {
		if !r.Whole() {
			return open.Perhaps
		}
		return rest(b, id, r)
	}
	return of.admit(p, v, open.Resource, denies, func(b block.Block, id int, r block.Record) (out []open.Admitted) {
		if rest(b, id, r) == open.Never {
			return nil
		}
		add := func(program, text string) {
			out = append(out, open.Admitted{Program: program, Text: text, At: of.reference(b, id, layer)})
		}
		if r.NotResource() {
			add(glob.Every, "*")
			return out
		}
		w := b.What(r)
		for i := range w.Count() {
			text := b.Pattern(w, i)
			switch {
			case !p.Look():
				return out
			case i < w.Exact && named:
				add(text, match.LiteralText(text))
			case i < w.Exact:
			case i < w.Exact+w.Prefix:
				add(open.AnyAfter(text), match.LiteralText(text)+"*")
			default:
				add(text, of.variables.ProgramText(text))
			}
		}
		return out
	})
}

// AdmitActions returns what a layer's policies admit, to the caller on the
// resource, of the actions of a service that no table knows.
func (of *Policies) AdmitActions(p *open.Patterns, v *match.View, layer policy.Layer, service string) []open.Admitted {
	rest := func(b block.Block, r block.Record) open.Chance {
		return open.ChanceOf(v.PrincipalHolds(b, r)).And(open.Resources(&of.variables, b, r, v, open.Action)).And(open.Conditions(&of.variables, b, r, v, open.Action))
	}
	every := open.AnyAfter(service)
	denies := func(b block.Block, _ int, r block.Record) open.Chance {
		out := open.Never
		if programs, not := actionPrograms(b, r); !not {
			for _, program := range programs {
				if open.Covers(program, every) {
					out = rest(b, r)
				}
			}
		}
		return out
	}
	return of.admit(p, v, open.Action, denies, func(b block.Block, id int, r block.Record) (out []open.Admitted) {
		programs, not := actionPrograms(b, r)
		if len(programs) == 0 && !not || rest(b, r) == open.Never {
			return nil
		}
		if not {
			return []open.Admitted{{Program: every, Text: service + "*", At: of.reference(b, id, layer)}}
		}
		for _, program := range programs {
			if p.Look() && p.MayMeet(program, every) {
				out = append(out, open.Admitted{Program: program, Text: open.ActionText(program), At: of.reference(b, id, layer)})
			}
		}
		return out
	})
}

// actionPrograms returns the programs of a statement for actions that no table
// knows; with not, they tell which it does not cover.
func actionPrograms(b block.Block, r block.Record) (programs []string, not bool) {
	if !r.HasPrograms() {
		return nil, false
	}
	list := b.Programs(r)
	for i := range list.Count {
		programs = append(programs, b.Program(list, i))
	}
	return programs, list.Not
}

// DeniesEveryone reports whether a Deny to `*` denies every caller of another
// organization.
func (p *Policies) DeniesEveryone(of *open.Patterns, v *match.View) bool {
	for _, b := range p.asked(v) {
		for id := range b.Denies() {
			r := b.Record(id)
			if of.Look() && r.Everyone() && v.Covers(b, id) &&
				open.Resources(&p.variables, b, r, v, open.Subject).And(open.Conditions(&p.variables, b, r, v, open.Subject)) == open.Always {
				return true
			}
		}
	}
	return false
}
