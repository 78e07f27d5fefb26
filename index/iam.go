package index

import (
	"unsafe"

	"postern/index/internal/block"
	"postern/index/internal/glob"
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
	known lazy[iamNames]
}

// NewIAM joins the parts: members must have been built against grants, and
// bindings names its bindings by number.
func NewIAM(members *Membership, bindings []policy.StatementRef, facts []lowered.Entity) *IAM {
	m := &IAM{grants: members.grants, members: members, bindings: bindings}
	m.entities = newEntities(facts)
	m.bytes = int64(unsafe.Sizeof(*m)) + m.grants.bytes + members.bytes + sizeOf(bindings) + m.entities.size()
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
			n += int64(len(name)) + entrySize + int64(unsafe.Sizeof(*x))
			for i := range x.Properties {
				n += int64(unsafe.Sizeof(x.Properties[i])) + int64(len(x.Properties[i].Key)) + sizeOf(x.Properties[i].Values)
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
	resourceType  string
	marks         marks // of the request
	// token is the caller, if it is one that is known.
	token *iamToken
	// subjects and object are the facts that entities add, in this layer only.
	subjects [2]*lowered.Entity
	object   *lowered.Entity
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
	r := &v.request.Resource
	v.whole = false
	v.resourceType = r.Type
	id := r.ID
	if r.Kind == policy.ResourceOrganization {
		v.resourceType = "organization"
		if id == "*" {
			id = v.org
		}
	}
	v.resource = append(append(append(v.resource[:0], v.resourceType...), ':'), id...)
	v.text = alias(v.resource)
	v.marks = m.grants.spots.request(v.text, m.grants.rows.mark(v))
	v.uid = append(append(append(v.uid[:0], v.resourceType...), glob.UID...), r.UID...)
	v.object = m.entities.resources[v.text]
	v.subjects = [2]*lowered.Entity{}
	if m.entities.principals != nil {
		id := v.request.Principal.IDs[0]
		v.subjects[0] = m.entities.principals[id]
		if isToken(v.request) {
			if t := m.members.tokens[id]; t != nil && t.kind == policy.TokenPersonal {
				v.subjects[1] = m.entities.principals[t.user]
			}
		}
	}
	v.records.begin(len(m.grants.tree.records))
	m.members.expand(v)
}

// leave makes v a view of the other layers again.
func (v *view) leave() {
	v.whole = v.class.WholeOrganization()
	v.text = v.request.Resource.ID
	v.subjects, v.object = [2]*lowered.Entity{}, nil
}

// tags returns the tags that are known of the resource; false if none are.
func (v *view) tags() ([]policy.Tag, bool) {
	switch r := &v.request.Resource; {
	case r.TagsKnown:
		return r.Tags, true
	case v.object != nil && v.object.TagsKnown:
		return v.object.Tags, true
	}
	return nil, false
}

// tag returns a tag of the resource; known is false if its tags are not.
func (v *view) tag(key string) (text string, has, known bool) {
	tags, known := v.tags()
	v.Spend(len(tags) * (glob.NameWork + len(key)/32))
	for i := range tags {
		if tags[i].Key == key {
			return tags[i].Value, true, true
		}
	}
	return "", false, known
}

// fact finds a property among facts, whose keys are folded; stated is false if
// there is none.
func (v *view) fact(x *lowered.Entity, name string) (values []policy.Value, stated bool) {
	if x != nil {
		v.Spend(len(x.Properties) * (glob.NameWork + len(name)/3))
		for i := range x.Properties {
			if x.Properties[i].Key == name {
				return x.Properties[i].Values, true
			}
		}
	}
	return nil, false
}

// satisfied answers for everything that reaches the caller: Denies first. Where
// rules have constraints all Allows count, else the first decides.
func (m *IAM) satisfied(v *view) policy.Effect {
	g, c := m.grants, &v.caller
	for _, n := range c.principals {
		p := &g.principals[n]
		if !v.Spend(int(p.denies)) {
			return policy.EffectDeny // as Policies.holds
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

// resourceHolds evaluates a list of resources in which some are uids
// (specification 2, resources): a condition on KeyResource. What it says of a
// uid that is not known is what 1.7 says of a value that cannot be read.
func (w *wanted) resourceHolds(v *view, deny bool) bool {
	negated := w.Op&block.Negated != 0
	if found, _ := w.compare(v.text, v); found {
		return !negated
	}
	switch found, _ := w.compare(alias(v.uid), v); {
	case !found:
		return negated
	case v.request.Resource.UID == "":
		return deny
	}
	return !negated
}
