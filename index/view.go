package index

import (
	"postern/index/internal/iam"
	"postern/policy"
)

// Scratch is the reusable memory of Decide. The zero value is ready; it grows
// to what requests need and is then not allocated again. One goroutine uses it
// at a time.
type Scratch struct {
	view  view
	ahead uint64 // the HashBucket of the last request that Ahead was given
}

// Spent returns what the last decision took of Budget, in steps: the tests of
// its patterns by the formula of specification 1.6, and what its other work takes
// beyond what every decision has for nothing. It is the same on every machine,
// and more than Budget if and only if the decision is too costly.
func (sc *Scratch) Spent() int { return sc.view.Spent() }

// Effective returns the organizations by which the last request was decided: the
// caller's, and the resource's owner as far as that was worked out; else it is the
// caller's. They may be of the request's memory.
func (sc *Scratch) Effective() (caller, owner string) { return sc.view.Org, sc.view.Owner }

// view is one request, with what is worked out beside what single statements
// are asked.
type view struct {
	iam.Inquiry
	// lastOrg is the number of the organization that the request before, of
	// whatever snapshot, was of.
	lastOrg uint32
	// steps are the layers that were asked, noted when explaining.
	explaining bool
	steps      []step
}

// step is one layer that was asked, and what it said. policies is nil where
// nothing had to be asked.
type step struct {
	layer    policy.Layer
	org      string
	policies *Policies
	iam      *IAM // instead of policies in the iam layer
	denyOnly bool
	platform bool // see notePlatform
	outcome  policy.Outcome
	ground   policy.StatementRef // with View.Grounding, what decided it; zero if no statement did
}

// begin looks at a request.
func (v *view) begin(r *policy.Request, defaultOrg string) {
	v.Begin(r, defaultOrg)
	v.steps = v.steps[:0]
}
