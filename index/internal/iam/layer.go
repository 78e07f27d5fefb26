package iam

import (
	"unsafe"

	"postern/index/internal/block"
	"postern/index/internal/open"
	"postern/index/lowered"
	"postern/policy"
)

// Layer is an organization's iam layer (specification 2). It is immutable; what
// changes makes a new one of the parts that did not.
type Layer struct {
	grants   *Grants
	members  *Membership
	entities entities
	// bindings are what explanations tell of the bindings, by their numbers in
	// grants.
	bindings []policy.StatementRef
	bytes    int64
	// named is what documents name without wildcard; known is that and all else
	// that searches know.
	named namedList
	known open.Lazy[Names]
}

// New joins the parts: members must have been built against grants, and
// bindings names its bindings by number.
func New(members *Membership, bindings []policy.StatementRef, facts []lowered.Entity) *Layer {
	m := &Layer{grants: members.grants, members: members, bindings: bindings}
	m.entities = newEntities(facts)
	m.bytes = int64(unsafe.Sizeof(*m)) + m.grants.bytes + members.bytes + block.SizeOf(bindings) + m.entities.size()
	for i := range bindings {
		m.bytes += int64(len(bindings[i].Statement))
	}
	return m
}

// Grants returns the frozen statements, which an iam layer of other members
// may share.
func (m *Layer) Grants() *Grants { return m.grants }

// Bytes estimates the heap that the layer holds, in bytes.
func (m *Layer) Bytes() int64 { return m.bytes }

// Len returns the number of bindings.
func (m *Layer) Len() int { return m.grants.Len() }
