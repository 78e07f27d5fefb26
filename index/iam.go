package index

import (
	"postern/index/internal/iam"
	"postern/index/lowered"
	"postern/policy"
)

// IAM is an organization's iam layer (specification 2). It is immutable; what
// changes makes a new one of the parts that did not.
type IAM = iam.Layer

// Grants are the frozen statements of an organization's iam layer, without
// who is in which group: see Membership. They are immutable and shared between
// snapshots.
type Grants = iam.Grants

// Membership tells which bindings' principals a caller is, and what it holds
// without a binding. It is immutable.
type Membership = iam.Membership

// NewGrants freezes grants.
func NewGrants(in *lowered.GrantList, form Form) *Grants { return iam.NewGrants(in, form) }

// NewMembership freezes members, against grants to whose numbers it refers.
func NewMembership(g *Grants, in *lowered.MemberList) *Membership { return iam.NewMembership(g, in) }

// NewIAM joins the parts of a layer: members must have been built against
// grants, and bindings names its bindings by number.
func NewIAM(members *Membership, bindings []policy.StatementRef, facts []lowered.Entity) *IAM {
	return iam.New(members, bindings, facts)
}
