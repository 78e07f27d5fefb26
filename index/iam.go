package index

import (
	"unsafe"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/internal/match"
	"postern/index/internal/open"
	"postern/index/lowered"
	"postern/policy"
)

// IAM is an organization's iam layer (specification 2). It is immutable; what
// changes makes a new one of the parts that did not.
type IAM struct {
	grants   *Grants
	members  *Membership
	entities entities
	// bindings are what explanations say of the bindings of grants, by number.
	bindings []policy.StatementRef
	bytes    int64
	// named is what documents name without wildcard, known that and the rest:
	// for searches.
	named namedList
	known open.Lazy[iamNames]
}

// NewIAM joins the parts: members must have been built against grants, and
// bindings names its bindings by number.
func NewIAM(members *Membership, bindings []policy.StatementRef, facts []lowered.Entity) *IAM {
	m := &IAM{grants: members.grants, members: members, bindings: bindings}
	m.entities = newEntities(facts)
	m.bytes = int64(unsafe.Sizeof(*m)) + m.grants.bytes + members.bytes + block.SizeOf(bindings) + m.entities.size()
	for i := range bindings {
		m.bytes += int64(len(bindings[i].Statement))
	}
	return m
}

// Grants returns the frozen statements, which an iam layer of other members
// may share.
func (m *IAM) Grants() *Grants { return m.grants }

// Len returns the number of bindings.
func (m *IAM) Len() int { return m.grants.Len() }

// entities are the facts by the name of what they are about.
type entities struct{ resources, principals map[string]*lowered.Entity }

func newEntities(list []lowered.Entity) (e entities) {
	for i := range list {
		x := &list[i]
		m, name := &e.principals, x.Principal
		if x.Resource != "" {
			m, name = &e.resources, x.Resource
		}
		if *m == nil {
			*m = map[string]*lowered.Entity{}
		}
		(*m)[name] = x
	}
	return e
}

func (e *entities) size() (n int64) {
	for _, m := range []map[string]*lowered.Entity{e.resources, e.principals} {
		for name, x := range m {
			n += int64(len(name)) + block.EntrySize + int64(unsafe.Sizeof(*x))
			for i := range x.Properties {
				n += int64(unsafe.Sizeof(x.Properties[i])) + int64(len(x.Properties[i].Key)) + block.SizeOf(x.Properties[i].Values)
			}
			for i := range x.Tags {
				n += int64(unsafe.Sizeof(x.Tags[i])) + int64(len(x.Tags[i].Key)+len(x.Tags[i].Value))
			}
		}
	}
	return n
}

// iamView is what of a view the iam layer alone needs.
type iamView struct {
	caller caller
	// resource is the text `type:id`, uid the text `type\xfaUID`, which ends
	// with that byte where the request states none: no text of a request holds it.
	resource, uid []byte
	marks         marks // of the request
	// token is the caller, if it is one that is known.
	token *iamToken
	// open is the constraint of an allow, 0 if there is none.
	open uint64

	row       uint32 // of the action, once looked up
	rowLooked bool
	rowKnown  bool

	records recordResults
}

// enter makes v a view of the iam layer, until leave: the resource is
// `type:id`, and what entities say counts.
func (m *IAM) enter(v *view) {
	r := &v.Request.Resource
	v.Whole = false
	v.ResourceType = r.Type
	id := r.ID
	if r.Kind == policy.ResourceOrganization {
		v.ResourceType = "organization"
		if id == "*" {
			id = v.Org
		}
	}
	v.resource = append(append(append(v.resource[:0], v.ResourceType...), ':'), id...)
	v.Text = block.Alias(v.resource)
	v.marks = m.grants.spots.request(v.Text, m.grants.rows.mark(v))
	v.uid = append(append(append(v.uid[:0], v.ResourceType...), glob.UID...), r.UID...)
	v.UID = block.Alias(v.uid)
	v.Object = m.entities.resources[v.Text]
	v.Subjects = [2]*lowered.Entity{}
	if m.entities.principals != nil {
		id := v.Request.Principal.IDs[0]
		v.Subjects[0] = m.entities.principals[id]
		if match.IsToken(v.Request) {
			if t := m.members.tokens[id]; t != nil && t.kind == policy.TokenPersonal {
				v.Subjects[1] = m.entities.principals[t.user]
			}
		}
	}
	v.records.begin(len(m.grants.tree.records))
	m.members.expand(v)
}

// leave makes v a view of the other layers again.
func (v *view) leave() {
	v.Whole = v.Class.WholeOrganization()
	v.Text = v.Request.Resource.ID
	v.Subjects, v.Object = [2]*lowered.Entity{}, nil
}

// satisfied answers for everything that reaches the caller: Denies first. Where
// rules have constraints all Allows count, else the first decides.
func (m *IAM) satisfied(v *view) policy.Effect {
	g, c := m.grants, &v.caller
	for _, n := range c.principals {
		p := &g.principals[n]
		if !v.Spend(int(p.denies)) {
			return policy.EffectDeny // as match.Variables.Holds
		}
		if !p.denied.may(&v.marks) {
			continue
		}
		for i := p.at; i < p.at+p.denies; i++ {
			if g.marks[i].may(&v.marks) && g.bindingHolds(g.named[i], v) != notGranted {
				return policy.EffectDeny
			}
		}
	}
	if c.nothing {
		return policy.EffectNone
	}
	best := notGranted
	for _, n := range c.principals[:c.allowed] {
		p := &g.principals[n]
		if !v.Spend(int(p.count - p.denies)) {
			return policy.EffectDeny
		}
		if !p.allowed.may(&v.marks) {
			continue
		}
		for i := p.at + p.denies; i < p.at+p.count; i++ {
			if !g.marks[i].may(&v.marks) {
				continue
			}
			if best = best.or(g.bindingHolds(g.named[i], v)); g.enough(best) {
				return v.allowed(best)
			}
		}
	}
	for _, h := range c.helds {
		if best = best.or(g.spansHold(m.members.helds[h].spans, false, v)); g.enough(best) {
			return v.allowed(best)
		}
	}
	return v.allowed(best)
}

// enough reports that no other Allow can change the answer.
func (g *Grants) enough(best granted) bool {
	return best == unlimited || best != notGranted && !g.constrained
}

func (v *view) allowed(for_ granted) policy.Effect {
	v.open = 0
	switch for_ {
	case notGranted:
		return policy.EffectNone
	case unlimited:
	default:
		v.open = uint64(for_)
	}
	return policy.EffectAllow
}
