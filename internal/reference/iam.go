package reference

import (
	"slices"

	"postern/policy"
)

// iam is one request on its way through the iam layer of the caller's
// organization (2).
type iam struct {
	// question is the request with the facts that entities add to it, which
	// hold in this layer only.
	question
	documents []*policy.AccessDocument // the organization's
	builtIn   *policy.AccessDocument   // never nil
	who       caller
}

// verdict is what the iam statements say about a request.
type verdict struct {
	allows, denies []policy.StatementRef
	// open are the constraints of the satisfied Allows, 0 where there is none.
	open []uint64
	// allowed: an Allow is satisfied, or, where only the Denies are asked about
	// (7.4), none is in the way: of a caller whose claims earn it "nothing in the
	// iam layer" an issuer's rule is.
	allowed bool
}

// decideIAM answers the actions of the iam layer (1.3, 2).
func (q *question) decideIAM() {
	// 1.3, Tenant boundary: "Outside the bucket step the only organization is
	// the caller's".
	if q.outsideTenant() {
		q.answer(policy.LayerNone, policy.OwnerMismatch)
		return
	}
	if q.organization(q.caller).IAMUnavailable {
		q.deny(policy.LayerIAM, q.caller, policy.IAMUnavailable, nil)
		return
	}
	v := q.askIAM()
	// An organization without a folder is nobody's whose Denies could be asked.
	known := q.directory.Organizations[q.caller] != nil
	switch {
	case len(v.denies) > 0: // 2: "a Deny ... always wins"
		q.deny(policy.LayerIAM, q.caller, policy.IAMDeny, v.denies)
	case !v.allowed || !known: // "Default deny"
		q.deny(policy.LayerIAM, q.caller, policy.IAMNoMatch, nil)
	default:
		q.step(policy.LayerIAM, q.caller, policy.Allow)
		q.allow(policy.LayerIAM, v.allows)
		q.oblige(v.open)
	}
}

// decideControlPlane answers the cwobject: actions (1.3): "organization,
// joined by the caller's iam statements, Allows and Denies". The iam layer is a
// step only where the organization has iam documents, or would have to be
// asked and cannot be.
func (q *question) decideControlPlane() {
	folder := q.organization(q.caller)
	allows, denies := q.organizationStatements()
	// 1.8: "For cwobject:, a Deny is organization_deny or iam_deny by where it
	// stands (organization first)."
	if len(denies) > 0 {
		q.deny(policy.LayerOrganization, q.caller, policy.OrganizationDeny, denies)
		return
	}
	allowed := len(allows) > 0 || q.request.DenyOnly && len(folder.Policies) > 0
	said := policy.ImplicitDeny
	if allowed {
		said = policy.Allow
	}
	q.step(policy.LayerOrganization, q.caller, said)

	// 4, Units: an iam/ that was never good denies "its iam layer and cwobject:
	// (iam_unavailable)": one of its statements might be a Deny. What is denied
	// without it keeps its reason.
	if folder.IAMUnavailable && allowed {
		q.deny(policy.LayerIAM, q.caller, policy.IAMUnavailable, nil)
		return
	}

	var v verdict
	if len(q.documents()) > 0 {
		v = q.askIAM()
		switch {
		case len(v.denies) > 0:
			q.deny(policy.LayerIAM, q.caller, policy.IAMDeny, v.denies)
			return
		case v.allowed:
			q.step(policy.LayerIAM, q.caller, policy.Allow)
		default:
			q.step(policy.LayerIAM, q.caller, policy.ImplicitDeny)
		}
	}
	switch {
	case allowed:
		q.allow(policy.LayerOrganization, append(allows, v.allows...))
		// A determining Allow of an organization policy has no constraint.
		q.oblige(append(v.open, 0))
	case v.allowed && (!q.request.DenyOnly || q.named()):
		q.allow(policy.LayerIAM, v.allows)
		q.oblige(v.open)
	case len(folder.Policies) == 0 && !q.named():
		// "For cwobject: "no policy at all" also means no iam statement that
		// names the caller."
		q.answer(policy.LayerOrganization, policy.NoOrganizationPolicy)
	default:
		q.answer(policy.LayerOrganization, policy.OrganizationNoMatch)
	}
}

// oblige sets the obligation of an allow (2, constraints): "the longest of the
// determining Allows; one without it lifts it".
func (q *question) oblige(open []uint64) {
	if q.request.DenyOnly || slices.Contains(open, 0) {
		return
	}
	q.explanation.Decision.MaxOpenSeconds = slices.Max(open)
}

// documents are the files of iam/ of the caller's organization, without those
// that are none.
func (q *question) documents() []*policy.AccessDocument {
	folder := q.organization(q.caller)
	if folder.IAMUnavailable {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(folder.Access), func(d *policy.AccessDocument) bool { return d == nil })
}

// askIAM asks every iam statement of the caller's organization.
func (q *question) askIAM() verdict {
	a := q.iam()
	a.addFacts()
	var v verdict
	for _, g := range a.grants() {
		constraints := a.satisfiedRules(g)
		if len(constraints) == 0 {
			continue
		}
		refs := &v.allows
		if g.ref.Effect == policy.EffectDeny {
			refs = &v.denies
		} else {
			v.open = append(v.open, constraints...)
		}
		if !slices.Contains(*refs, g.ref) { // "equal refs are listed once" (doc.go)
			*refs = append(*refs, g.ref)
		}
	}
	v.allowed = len(v.allows) > 0 || q.request.DenyOnly && !a.who.nothing
	return v
}

// named tells whether an iam statement names the caller, whatever it speaks
// about: not by `*`, nor as a default.
func (q *question) named() bool {
	if len(q.documents()) == 0 {
		return false
	}
	a := q.iam()
	if len(a.heldRoles()) > 0 {
		return true
	}
	documents := a.documents
	if a.legacyGroups() {
		documents = a.everything()
	}
	for _, d := range documents {
		for i := range d.Bindings {
			if lists(d.Bindings[i].Members, a.who.ids, a.who.named, false) {
				return true
			}
		}
	}
	return false
}

// iam prepares the caller's organization for questions of the iam layer.
func (q *question) iam() *iam {
	a := &iam{question: *q, documents: q.documents(), builtIn: q.directory.BuiltIn}
	if a.builtIn == nil {
		a.builtIn = &policy.AccessDocument{}
	}
	a.who = a.expand()
	return a
}
