package lowered

import "postern/policy"

// Tree holds an organization's Pulumi role records, each a tree of nodes
// (specification 2, Pulumi's own JSON). It is evaluated as it is on a candidate:
// written out as statements a record could be exponentially many. Places are
// indexes into the slices; a node comes after all nodes that it refers to, so
// that a tree cannot be cyclic.
type Tree struct {
	Nodes       []Node
	Expressions []Expression
	// Records are in an order in which a record comes after all that it composes.
	Records []TreeRecord
}

// TreeRecord is a record.
type TreeRecord struct {
	// Type holds the record to resources of one type; "" holds it to none.
	Type string
	Node int
}

// Node is policy.Descriptor. A field that Kind does not list there is zero.
type Node struct {
	Kind policy.DescriptorKind
	// Actions of an Allow, folded.
	Actions        []string
	MaxOpenSeconds uint64
	// Children are the nodes of a Group; the records of a Compose; Then of a
	// Condition; Then and Else; the nodes of the options of a Select.
	Children []int
	// Expression is the condition of a Condition or an IfThenElse.
	Expression int
	// Options of a Select: for each child the expression, selector equal to
	// value, that takes it.
	Options []int
}

// Expression is policy.Expression, with the places of Left and Right. One whose
// Kind is 0 is satisfied in neither polarity, and equal to nothing.
type Expression struct {
	Kind        policy.ExpressionKind
	Left, Right int
	Entity, Key string
	Text        string
}
