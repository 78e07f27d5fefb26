package index

import (
	"strings"

	"postern/index/internal/glob"
	"postern/internal/action"
	"postern/internal/value"
	"postern/policy"
)

// parts are the parts of policies that a request can be about; of one for a
// resource, all.
func (p *Policies) parts(v *view, open byte) []block {
	if open != openResource {
		return p.asked(v)
	}
	out := []block{block(p.words)}
	for _, at := range p.buckets.used {
		out = append(out, p.block(at))
	}
	return out
}

// policies returns what the Allows of some policies admit on the open side, by
// admit; nothing where one of their Denies always holds, by denies.
func (p *patterns) policies(of *Policies, v *view, open byte, denies func(b block, id int, r record) chance, admit func(b block, id int, r record) []admitted) (out []admitted) {
	for _, b := range of.parts(v, open) {
		for id := range b.denies() {
			if !p.look() {
				return out
			}
			if denies(b, id, b.record(id)) == always {
				return nil
			}
		}
	}
	for _, b := range of.parts(v, open) {
		for id := b.denies(); id < b.count(); id++ {
			if !p.look() {
				return out
			}
			out = append(out, admit(b, id, b.record(id))...)
		}
	}
	return out
}

// admitSubjects returns what a layer's policies admit of principals of a
// provider, which is the view's first identifier.
func (p *patterns) admitSubjects(v *view, of *Policies, layer policy.Layer) []admitted {
	rest := func(b block, id int, r record) chance {
		if !b.covers(id, v) {
			return never
		}
		return of.resourceChance(b, r, v, openSubject).and(of.conditionsChance(b, r, v, openSubject))
	}
	denies := func(b block, id int, r record) chance {
		if r.is(flagNotPrincipal) || !r.is(flagEveryone) && !b.listsOthers(r, v) && !b.listsOrg(r, v) {
			return perhaps
		}
		return rest(b, id, r)
	}
	return p.policies(of, v, openSubject, denies, func(b block, id int, r record) (out []admitted) {
		if rest(b, id, r) == never {
			return nil
		}
		provider := v.request.Principal.IDs[0]
		add := func(program, text string) { out = append(out, admitted{program, text, of.reference(b, id, layer)}) }
		switch {
		case r.is(flagEveryone):
			add(glob.Every, "*")
			return out
		case b.listsOthers(r, v):
			add(anyAfter(provider), provider+"*")
			return out
		case b.listsOrg(r, v):
			add(glob.Every, "arn:aws:iam::"+v.org+":*")
			return out
		}
		exact, beginnings, _ := b.who(r)
		at := r.entries + exactWords*exact
		for end := at + beginWords*beginnings; at < end && p.look(); at += beginWords {
			if text := b.beginText(at); b.sameOrg(at, v) && strings.HasPrefix(text, provider) {
				add(anyAfter(text), text+"*")
			}
		}
		return out
	})
}

// listsOthers reports whether the statement lists one of the caller's
// identifiers but the first.
func (b block) listsOthers(r record, v *view) bool {
	exact, beginnings, _ := b.who(r)
	begin := r.entries + exactWords*exact
	for _, id := range v.request.Principal.IDs[1:] {
		for at := r.entries; at < begin; at += exactWords {
			if b.isName(at, id, v) {
				return true
			}
		}
		if beginnings > 0 && b.hasBeginning(begin, beginnings, id, v) {
			return true
		}
	}
	return false
}

// listsOrg reports whether the statement lists all callers of the caller's
// organization.
func (b block) listsOrg(r record, v *view) bool {
	exact, beginnings, organizations := b.who(r)
	at := r.entries + exactWords*exact + beginWords*beginnings
	for end := at + beginWords*organizations; at < end; at += beginWords {
		if b.beginOrgText(at) == v.org {
			return true
		}
	}
	return false
}

// admitResources returns what a layer's policies admit of buckets and objects
// to the caller; with named, also what they name without wildcard.
func (p *patterns) admitResources(v *view, of *Policies, layer policy.Layer, named bool) []admitted {
	rest := func(b block, id int, r record) chance {
		if !b.covers(id, v) || !b.principalHolds(r, v) {
			return never
		}
		return of.conditionsChance(b, r, v, openResource)
	}
	denies := func(b block, id int, r record) chance {
		if !r.is(flagWhole) {
			return perhaps
		}
		return rest(b, id, r)
	}
	return p.policies(of, v, openResource, denies, func(b block, id int, r record) (out []admitted) {
		if rest(b, id, r) == never {
			return nil
		}
		add := func(program, text string) { out = append(out, admitted{program, text, of.reference(b, id, layer)}) }
		if r.is(flagNotResource) {
			add(glob.Every, "*")
			return out
		}
		exact, beginnings, globs := b.what(r)
		at := b.patterns(r)
		for i := range exact + beginnings + globs {
			text := b.text(at, i)
			switch {
			case !p.look():
				return out
			case i < exact && named:
				add(text, literalText.Replace(text))
			case i < exact:
			case i < exact+beginnings:
				add(anyAfter(text), literalText.Replace(text)+"*")
			default:
				add(text, of.programText(text))
			}
		}
		return out
	})
}

// admitActions returns what a layer's policies admit, to the caller on the
// resource, of the actions of a service that no table knows.
func (p *patterns) admitActions(v *view, of *Policies, layer policy.Layer, service string) []admitted {
	rest := func(b block, r record) chance {
		return chanceOf(b.principalHolds(r, v)).and(of.resourceChance(b, r, v, openAction)).and(of.conditionsChance(b, r, v, openAction))
	}
	every := anyAfter(service)
	denies := func(b block, _ int, r record) chance {
		out := never
		if programs, not := b.actionPrograms(r); !not {
			for _, program := range programs {
				if coversProgram(program, every) {
					out = rest(b, r)
				}
			}
		}
		return out
	}
	return p.policies(of, v, openAction, denies, func(b block, id int, r record) (out []admitted) {
		programs, not := b.actionPrograms(r)
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
func (b block) actionPrograms(r record) (programs []string, not bool) {
	if !r.is(flagPrograms) {
		return nil, false
	}
	at := b.programs(r)
	for i := range b[at+programsCount] {
		programs = append(programs, b.text(at+programsWords, i))
	}
	return programs, b[at+programsNot] != 0
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
