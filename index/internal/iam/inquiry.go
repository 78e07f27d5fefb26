package iam

import (
	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/internal/match"
	"postern/index/lowered"
	"postern/policy"
)

// Inquiry is a request as the iam layer looks at it: a View, and what this layer
// alone works out. The zero value is ready for Begin; its memory is used again.
type Inquiry struct {
	match.View
	// Open is the obligation of an allow: for how many seconds what is opened
	// may stay open; 0 if there is none.
	Open uint64
	// Ground is the statement that decided, where View.Grounding asks for it.
	Ground policy.StatementRef

	caller caller
	// resource is the text `type:id`. uid is the text `type\xfaUID`; it ends
	// with the byte \xfa, which no text of a request holds, if the request
	// states no uid.
	resource, uid []byte
	marks         marks // of the request

	row       uint32 // the row of the action, once it was looked up
	rowLooked bool
	rowKnown  bool

	records recordResults
}

// Begin looks at a request. Where the caller states no organization, it is of
// defaultOrg.
func (v *Inquiry) Begin(r *policy.Request, defaultOrg string) {
	v.View.Begin(r, defaultOrg)
	v.Open, v.rowLooked = 0, false
}

// enter makes v a view of the iam layer, until leave: the resource is
// `type:id`, and what entities say counts.
func (m *Layer) enter(v *Inquiry) {
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
func (v *Inquiry) leave() {
	v.Whole = v.Class.WholeOrganization()
	v.Text = v.Request.Resource.ID
	v.Subjects, v.Object = [2]*lowered.Entity{}, nil
}

// Knows reports whether a token, which the caller is, is one of the
// organization's and has not expired. Of a team token, v has the team from then
// on.
func (m *Layer) Knows(v *Inquiry) bool {
	t := m.members.tokens[v.Request.Principal.IDs[0]]
	if t == nil || !t.alive(v.Request.Now) {
		return false
	}
	if t.kind == policy.TokenTeam {
		v.Team, v.IsTeam = t.group, true
	}
	return true
}
