package index

import (
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/internal/match"
	"postern/internal/action"
	"postern/internal/value"
	"postern/policy"
)

// parts are the parts of policies that a request can be about; of one for a
// resource, all.
func (p *Policies) parts(v *view, open byte) []block.Block {
	if open != openResource {
		return p.asked(v)
	}
	out := []block.Block{block.At(p.words, 0)}
	for _, at := range p.buckets.used {
		out = append(out, p.block(at))
	}
	return out
}

// policies returns what the Allows of some policies admit on the open side, by
// admit; nothing where one of their Denies always holds, by denies.
func (p *patterns) policies(of *Policies, v *view, open byte, denies func(b block.Block, id int, r block.Record) chance, admit func(b block.Block, id int, r block.Record) []admitted) (out []admitted) {
	for _, b := range of.parts(v, open) {
		for id := range b.Denies() {
			if !p.look() {
				return out
			}
			if denies(b, id, b.Record(id)) == always {
				return nil
			}
		}
	}
	for _, b := range of.parts(v, open) {
		for id := b.Denies(); id < b.Count(); id++ {
			if !p.look() {
				return out
			}
			out = append(out, admit(b, id, b.Record(id))...)
		}
	}
	return out
}

// admitSubjects returns what a layer's policies admit of principals of a
// provider, which is the view's first identifier.
func (p *patterns) admitSubjects(v *view, of *Policies, layer policy.Layer) []admitted {
	rest := func(b block.Block, id int, r block.Record) chance {
		if !v.Covers(b, id) {
			return never
		}
		return of.resourceChance(b, r, v, openSubject).and(of.conditionsChance(b, r, v, openSubject))
	}
	denies := func(b block.Block, id int, r block.Record) chance {
		if r.NotPrincipal() || !r.Everyone() && !v.listsOthers(b, r) && !v.listsOrg(b, r) {
			return perhaps
		}
		return rest(b, id, r)
	}
	return p.policies(of, v, openSubject, denies, func(b block.Block, id int, r block.Record) (out []admitted) {
		if rest(b, id, r) == never {
			return nil
		}
		provider := v.Request.Principal.IDs[0]
		add := func(program, text string) { out = append(out, admitted{program, text, of.reference(b, id, layer)}) }
		switch {
		case r.Everyone():
			add(glob.Every, "*")
			return out
		case v.listsOthers(b, r):
			add(anyAfter(provider), provider+"*")
			return out
		case v.listsOrg(b, r):
			add(glob.Every, "arn:aws:iam::"+v.Org+":*")
			return out
		}
		w := b.Who(r)
		for i := uint32(0); i < w.Beginnings && p.look(); i++ {
			if text, org := b.Beginning(w, i); (org == "" || org == v.Org) && strings.HasPrefix(text, provider) {
				add(anyAfter(text), text+"*")
			}
		}
		return out
	})
}

// listsOthers reports whether the statement lists one of the caller's
// identifiers but the first.
func (v *view) listsOthers(b block.Block, r block.Record) bool {
	w := b.Who(r)
	for _, id := range v.Request.Principal.IDs[1:] {
		for i := range w.Exact {
			if b.IsName(w, i, id, v.Org) {
				return true
			}
		}
		if w.Beginnings > 0 && b.HasBeginning(w, id, v.Org) {
			return true
		}
	}
	return false
}

// listsOrg reports whether the statement lists all callers of the caller's
// organization.
func (v *view) listsOrg(b block.Block, r block.Record) bool {
	w := b.Who(r)
	for i := range w.Organizations {
		if b.Organization(w, i) == v.Org {
			return true
		}
	}
	return false
}

// admitResources returns what a layer's policies admit of buckets and objects
// to the caller; with named, also what they name without wildcard.
func (p *patterns) admitResources(v *view, of *Policies, layer policy.Layer, named bool) []admitted {
	rest := func(b block.Block, id int, r block.Record) chance {
		if !v.Covers(b, id) || !v.PrincipalHolds(b, r) {
			return never
		}
		return of.conditionsChance(b, r, v, openResource)
	}
	denies := func(b block.Block, id int, r block.Record) chance {
		if !r.Whole() {
			return perhaps
		}
		return rest(b, id, r)
	}
	return p.policies(of, v, openResource, denies, func(b block.Block, id int, r block.Record) (out []admitted) {
		if rest(b, id, r) == never {
			return nil
		}
		add := func(program, text string) { out = append(out, admitted{program, text, of.reference(b, id, layer)}) }
		if r.NotResource() {
			add(glob.Every, "*")
			return out
		}
		w := b.What(r)
		for i := range w.Count() {
			text := b.Pattern(w, i)
			switch {
			case !p.look():
				return out
			case i < w.Exact && named:
				add(text, match.LiteralText(text))
			case i < w.Exact:
			case i < w.Exact+w.Prefix:
				add(anyAfter(text), match.LiteralText(text)+"*")
			default:
				add(text, of.variables.ProgramText(text))
			}
		}
		return out
	})
}

// admitActions returns what a layer's policies admit, to the caller on the
// resource, of the actions of a service that no table knows.
func (p *patterns) admitActions(v *view, of *Policies, layer policy.Layer, service string) []admitted {
	rest := func(b block.Block, r block.Record) chance {
		return chanceOf(v.PrincipalHolds(b, r)).and(of.resourceChance(b, r, v, openAction)).and(of.conditionsChance(b, r, v, openAction))
	}
	every := anyAfter(service)
	denies := func(b block.Block, _ int, r block.Record) chance {
		out := never
		if programs, not := actionPrograms(b, r); !not {
			for _, program := range programs {
				if coversProgram(program, every) {
					out = rest(b, r)
				}
			}
		}
		return out
	}
	return p.policies(of, v, openAction, denies, func(b block.Block, id int, r block.Record) (out []admitted) {
		programs, not := actionPrograms(b, r)
		if len(programs) == 0 && !not || rest(b, r) == never {
			return nil
		}
		if not {
			return []admitted{{every, service + "*", of.reference(b, id, layer)}}
		}
		for _, program := range programs {
			if p.look() && p.mayMeet(program, every) {
				out = append(out, admitted{program, actionText(program), of.reference(b, id, layer)})
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

// actionText writes the program of an action, which is folded, with the capitals
// of the first action of the table that begins as it does.
func actionText(program string) string {
	text := strings.NewReplacer(string([]byte{glob.OpRun}), "*", string([]byte{glob.OpOne}), "?").Replace(program)
	_, begin := glob.Classify(program)
	for _, name := range tableNames() {
		if len(name) >= len(begin) && value.EqualFoldASCII(name[:len(begin)], begin) {
			return name[:len(begin)] + text[len(begin):]
		}
	}
	return text
}

// services are those whose actions different layers decide, each with the class
// of its actions that no table knows; the iam layer has every other.
var services = []struct {
	prefix string
	class  action.Class
}{{"s3:", action.Bucket}, {"cwobject:", action.ControlPlane}, {"", action.IAM}}
