package index

import (
	"github.com/RoaringBitmap/roaring/v2"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/internal/action"
	"postern/internal/value"
	"postern/policy"
)

// Scratch is the reusable memory of Decide. The zero value is ready; it grows
// to what requests need and is then not allocated again. One goroutine uses it
// at a time.
type Scratch struct{ view view }

// Spent returns what the last decision took of Budget, in steps: the tests of
// its patterns by the formula of specification 1.6, and what its other work takes
// beyond what every decision has for nothing. It is the same on every machine,
// and more than Budget if and only if the decision is too costly.
func (sc *Scratch) Spent() int { return sc.view.Spent() }

// view is one request as the index looks at it, with what is worked out once
// for all statements.
type view struct {
	request *policy.Request
	// org is the caller's organization, owner the resource's; for the whole
	// organization, and where nobody owns, the caller's.
	org, owner string
	// lastOrg is the number of the organization that the request before, of
	// whatever snapshot, was of.
	lastOrg uint32
	class   action.Class
	action  action.ID
	known   bool
	// beside are the actions that the request needs beside its own; objects: the
	// action at hand is an object operation that is asked on a bucket; more: one
	// of these is so, see needs.go.
	beside        []action.ID
	objects, more bool
	objectText    []byte
	folded        []byte // the action's name folded, made when an unknown one is asked for
	// whole: the request is about the whole organization; text: the resource
	// text otherwise.
	whole bool
	text  string
	// bucket is the bucket's name in text, with its hash64.
	bucket     string
	bucketHash uint64
	early      uint32 // keeps loads that are made early alive; it is never read
	// denyOnly asks for Deny statements whose principals contain `*`, and
	// takes the principal dimension as holding: the owner's organization
	// policies against a foreign caller (specification 1.3).
	denyOnly    bool
	identifiers block.Caller // what identifiers are compared with
	idsWork     int          // of comparing each of them with a name
	names       uint32       // the bits of them that sieves have

	// steps are the layers that were asked, noted when explaining.
	explaining bool
	steps      []step

	iamView
	contextKeys contextKeys
	arns        principalARNs
	groupKey    groupNames
	traits      block.TextTraits

	who, what     []*roaring.Bitmap
	expanded      []byte
	values        serverValues
	variableValue serverValues

	glob.Matcher
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
}

// begin looks at a request.
func (v *view) begin(r *policy.Request, defaultOrg string) {
	v.Matcher.Begin()
	v.request = r
	if len(r.Resource.ID) > 0 {
		v.early = uint32(r.Resource.ID[0]) // it is read after the identifiers
	}
	v.org = r.Principal.Org
	if v.org == "" {
		v.org = defaultOrg
	}
	v.owner = v.org
	v.action, v.known = action.Lookup(r.Action)
	if v.known {
		v.class, v.beside = action.ClassOfID(v.action), action.Beside(v.action)
		v.take(v.action)
	} else {
		v.class, v.beside, v.objects = action.ClassOf(r.Action), nil, false
	}
	v.more = v.objects || len(v.beside) > 0
	v.folded = v.folded[:0]
	v.whole = v.class.WholeOrganization()
	v.text = r.Resource.ID
	v.denyOnly = false
	v.open, v.rowLooked, v.token = 0, false, nil
	v.contextKeys.made = false
	v.arns.made = false
	v.groupKey.made = false
	v.traits.Reset()
	v.steps = v.steps[:0]
	ids := r.Principal.IDs
	c := &v.identifiers
	c.Org, c.IDs = v.org, ids
	if len(ids) > cap(c.Hashes) {
		c.Hashes = make([]uint32, len(ids))
	}
	hashes, names := c.Hashes[:len(ids)], uint32(block.AnyCaller)
	v.idsWork = 0
	for i, id := range ids {
		v.idsWork += 8 + len(id)/32
		hash := block.Hash(id)
		hashes[i] = hash
		names |= block.NameBit(hash)
	}
	c.Hashes, v.names = hashes, names
}

// actionFolded is the action's name in lower case.
func (v *view) actionFolded() string {
	if len(v.folded) == 0 {
		v.folded = value.AppendFoldASCII(v.folded, v.request.Action)
	}
	return alias(v.folded)
}
