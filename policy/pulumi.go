package policy

// Record is one role record of Pulumi's REST API: a role, a policy or a
// permission set (specification 2, Pulumi's own JSON).
type Record struct {
	At Position // of the record's `{`
	// ID and Name: one of the two is not empty.
	ID     string
	IDAt   Position
	Name   string
	NameAt Position
	// ResourceType is `global` (where the record says none), `stack`,
	// `environment` or `insights-account`. All but `global` hold the record's
	// permissions to resources of that type; `global` restricts nothing.
	ResourceType string
	// Purpose is `uxPurpose` (`role`, `policy`, `set`, ...), "" if not stated.
	Purpose string
	// DefaultIdentifier names one of Pulumi's own records, "" for any other.
	DefaultIdentifier string
	// OrgDefault adds the record to the organization's member roles.
	OrgDefault bool
	// Details is what the record grants. Never nil.
	Details *Descriptor
}

// DescriptorKind tells the nodes of a record's tree apart.
type DescriptorKind uint8

// The kinds of node: PermissionDescriptorAllow and so on.
const (
	DescriptorAllow      DescriptorKind = iota + 1 // Permissions, MaxOpenSeconds
	DescriptorGroup                                // Entries: what any of them grants
	DescriptorCompose                              // Include: what those records grant
	DescriptorCondition                            // Condition, Then
	DescriptorIfThenElse                           // Condition, Then, Else
	DescriptorSelect                               // Selector, Options
)

var descriptorNames = [...]string{"none", "Allow", "Group", "Compose", "Condition", "IfThenElse", "Select"}

// String returns the kind without Pulumi's prefix PermissionDescriptor.
func (k DescriptorKind) String() string { return descriptorNames[k] }

// Descriptor is one node of a record's tree. A field that its kind does not
// list is zero; so is one that the record leaves out, as Pulumi's client does
// with zero values: an absent list, node or option grants nothing, and without
// Condition or Selector nothing is decided (specification 2).
type Descriptor struct {
	Kind DescriptorKind
	At   Position // of the node's `{`

	// Permissions are names of actions, without wildcards. They may be empty:
	// such an Allow grants nothing.
	Permissions []string
	// MaxOpenSeconds is `constraints.MaxOpenDuration`, 0 if there is none.
	MaxOpenSeconds uint64

	Entries []*Descriptor // may be empty
	Include []Reference   // ids of records; may be empty

	// Condition is nil, or of a kind that says true or false, and no literal.
	Condition *Expression
	Then      *Descriptor // may be nil
	Else      *Descriptor // may be nil

	Selector *Expression // may be nil
	// Options are the branches of a Select: the one whose value equals Selector
	// is taken, and none if there is none. No two values are the same literal.
	Options []DescriptorOption
}

// DescriptorOption is one branch of a Select.
type DescriptorOption struct {
	// Value is a literal, or nil: then the option is never taken.
	Value *Expression
	Node  *Descriptor // may be nil
}

// ExpressionKind tells the nodes of an expression apart.
type ExpressionKind uint8

// The kinds of expression: PermissionExpressionAnd and so on,
// PermissionLiteralExpressionString and so on.
const (
	ExpressionAnd           ExpressionKind = iota + 1 // Left, Right
	ExpressionOr                                      // Left, Right
	ExpressionNot                                     // Left
	ExpressionEqual                                   // Left, Right
	ExpressionHasTag                                  // Entity, Key: that entity has the tag
	ExpressionTag                                     // Entity, Key: the tag's value
	ExpressionEntity                                  // Entity: the entity that is asked about
	ExpressionLiteralEntity                           // Entity, Text: the entity whose identity is Text
	ExpressionString                                  // Text
	ExpressionNumber                                  // Text, as written
	ExpressionBool                                    // Text, `true` or `false`
)

var expressionNames = [...]string{"none", "And", "Or", "Not", "Equal", "HasTag", "Tag", "Entity", "LiteralEntity", "String", "Number", "Bool"}

// String returns the kind without Pulumi's prefixes.
func (k ExpressionKind) String() string { return expressionNames[k] }

// Boolean reports whether an expression of the kind is true or false.
func (k ExpressionKind) Boolean() bool { return k <= ExpressionHasTag || k == ExpressionBool }

// Literal reports whether the kind is a literal's.
func (k ExpressionKind) Literal() bool { return k >= ExpressionLiteralEntity }

// Expression is one node of a condition. A field that its kind does not list
// is zero. Left and Right of And and Or, and Left of Not, say true or false;
// those of Equal are of any kind. Each of them may be nil, where the record
// leaves it out.
//
// An And or an Or without parts is false. Whatever else lacks an operand (Left,
// Right, Entity, Key, the Text of an entity) is satisfied in neither polarity.
//
// An expression about an entity of another type than the request's is
// satisfied in neither polarity (specification 2, Pulumi's own JSON).
type Expression struct {
	Kind  ExpressionKind
	At    Position // of the node's `{`
	Left  *Expression
	Right *Expression
	// Entity is the resource type that the expression is about: `stack`,
	// `environment`, `insights-account` or `team`; "" for a tag without context.
	Entity string
	// Key of a tag, "" if it is left out.
	Key string
	// Text of a literal: what is left out reads "", `0` or `false`. The
	// identity of an entity is its opaque id (Resource.UID).
	Text string
}
