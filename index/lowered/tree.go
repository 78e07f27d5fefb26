package lowered

import "postern/policy"

// Tree holds an organization's Pulumi role records, each a tree of nodes
// (specification 2, Pulumi's own JSON). It is evaluated for each candidate,
// since the statements that a record amounts to can be exponentially many.
// Nodes, records and expressions refer to one another by their place in these
// slices; a node comes after the nodes that it refers to, so that no tree has a
// cycle.
type Tree struct {
	Nodes       []Node
	Expressions []Expression
	// Records are in an order in which a record comes after those that it
	// composes.
	Records []TreeRecord
}

// TreeRecord is the root of one record's tree.
type TreeRecord struct {
	// Type is the only type of resource on which the record grants anything, ""
	// if all are.
	Type string
	Node int
}

// Node is a policy.Descriptor. A field that its kind does not have is zero.
type Node struct {
	Kind policy.DescriptorKind
	// Actions are those of an Allow, folded to lower case.
	Actions        []string
	MaxOpenSeconds uint64
	// Children are the nodes of a Group, the records of a Compose, Then of a
	// Condition, Then and Else of an IfThenElse, and the nodes of a Select's
	// options.
	Children []int
	// Expression is the condition of a Condition or an IfThenElse.
	Expression int
	// Options are those of a Select: for each child an expression that is true
	// if the selector equals the option's value.
	Options []int
}

// Expression is a policy.Expression with the places of Left and Right. One of
// kind 0 is satisfied in neither polarity and equals nothing.
type Expression struct {
	Kind        policy.ExpressionKind
	Left, Right int
	Entity, Key string
	Text        string
}
