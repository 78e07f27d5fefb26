package policy

import "cmp"

// Outcome is the answer to a request. The zero value is a deny.
type Outcome uint8

// The outcomes (specification 1.1).
const (
	ImplicitDeny Outcome = iota
	ExplicitDeny
	Allow

	// OutcomeCount is the length of an array that holds something of each outcome.
	OutcomeCount = iota
)

var outcomeNames = [OutcomeCount]string{
	ImplicitDeny: "ImplicitDeny",
	ExplicitDeny: "ExplicitDeny",
	Allow:        "Allow",
}

// String returns the outcome's name.
func (o Outcome) String() string {
	if int(o) >= OutcomeCount {
		o = ImplicitDeny
	}
	return outcomeNames[o]
}

// Layer is where a statement lives, and which layer decided.
type Layer uint8

// The layers (specification 1.1).
const (
	LayerNone Layer = iota
	LayerOrganization
	LayerBucket
	LayerIAM

	// LayerCount is the length of an array that holds something of each layer,
	// LayerNone included.
	LayerCount = iota
)

var layerNames = [LayerCount]string{
	LayerNone:         "none",
	LayerOrganization: "organization",
	LayerBucket:       "bucket",
	LayerIAM:          "iam",
}

// String returns the layer's name.
func (l Layer) String() string {
	if int(l) >= LayerCount {
		l = LayerNone
	}
	return layerNames[l]
}

// Decision is the answer to one request. The zero Decision is an implicit
// deny: every path that knows no better ends there.
type Decision struct {
	Outcome Outcome
	Reason  Reason
	// Layer is the layer that decided; LayerNone where no layer was asked.
	// An owner_organization_deny is LayerOrganization.
	Layer Layer
	// Generation is the snapshot's (specification 4).
	Generation uint64
	// MaxOpenSeconds is the obligation of an iam allow, 0 if there is none
	// (specification 2, constraints).
	MaxOpenSeconds uint64
}

// StatementRef names a statement to a user (specification 1.8).
type StatementRef struct {
	Document  string // the document's name, "" if it has none
	Statement string // the statement's name or Sid, "" if it has none
	Index     int    // place in the document, from 0
	File      string // path below the policy directory
	Line      int    // line of the statement's `{`, from 1
	Effect    Effect
	Layer     Layer
}

// ByPlace orders statements by where they stand: by file and index.
func ByPlace(a, b StatementRef) int {
	return cmp.Or(
		cmp.Compare(a.File, b.File), cmp.Compare(a.Index, b.Index),
		// In the iam layer different lists of a file may have one index.
		cmp.Compare(a.Line, b.Line), cmp.Compare(a.Statement, b.Statement),
	)
}

// Step is one layer that was asked, and what it said.
type Step struct {
	Layer   Layer
	Org     string // the organization whose statements were asked
	Outcome Outcome
	// Platform reports that no statement was asked: the organization has no
	// folder, is one of `-platform-org`, and the step counts as an Allow.
	Platform bool
}

// PlatformNote is what answers say of a step that is Platform.
const PlatformNote = "a platform organization without a folder: its own step counts as an Allow"

// Nearest is the Allow that came closest to being satisfied (specification
// 3.2): among the Allows of the layer that did not allow, the one that failed
// on the fewest dimensions.
type Nearest struct {
	Statement StatementRef
	// Action is the action that was refused, where that is not the one asked but
	// one that it needs beside it (specification 1.2); else "".
	Action string
	// Failed lists the dimensions that did not hold, in this order:
	// principal, action, resource, condition.
	Failed []string
	// Conditions are those of its conditions that did not hold, of a record
	// none, up to MaxFailedConditions.
	Conditions []FailedCondition
	// Variables are the policy variables without a value, `${KEY}`, because of
	// which the resource or a condition did not hold, each once, up to
	// MaxFailedConditions.
	Variables []string
}

// The bounds of what is told of a Nearest.
const (
	MaxFailedConditions = 8   // conditions, and values of each
	MaxFailedValue      = 256 // bytes of a value, a key or a variable
)

// FailedCondition is one operator with one key that did not hold.
type FailedCondition struct {
	// Operator is written as in policies; `In`, `NotIn`, `Exists` or
	// `DoesNotExist` for a requirement of a selector.
	Operator string
	Key      string
	// Values are what the policy asks for, and Had what the request has. Both
	// are cut to the bounds above: `...` stands for what is left out.
	Values, Had []string
	// Unreadable says that the operator cannot read what the request has; Had
	// is empty if nothing can. Without it Had is empty if the key is absent.
	Unreadable bool
}

// Explanation is a decision with its grounds.
type Explanation struct {
	Decision Decision
	// Digest is that of the policy files that decided.
	Digest Digest
	// Determining are the satisfied statements of the effect that decided;
	// for an allow, those of every layer that had to allow. In order of layer,
	// file, index. Empty for an ImplicitDeny.
	Determining []StatementRef
	Steps       []Step
	// Nearest is nil unless the outcome is ImplicitDeny and the layer that did
	// not allow has an Allow.
	Nearest *Nearest
	// Hints say what in the request is likely to be a mistake, in sentences for
	// people; none for an Allow.
	Hints []string
	// Truncated reports that the search for Nearest stopped at its bound, or
	// that there was no search for grounds at all.
	Truncated bool
	// Looked is about how many statements were looked at for the grounds: what
	// the explanation cost.
	Looked int
}
