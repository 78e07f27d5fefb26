package match

import (
	"strings"

	"github.com/cespare/xxhash/v2"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/internal/postings"
	"postern/index/lowered"
	"postern/internal/action"
	"postern/internal/value"
	"postern/policy"
)

// View is one request as the index looks at it, with what is worked out once
// for all statements. The zero value is ready for Begin; its memory is used
// again, and texts and values that it returns alias that or the request. One
// goroutine uses it at a time.
type View struct {
	Request *policy.Request
	// Org is the caller's organization. Owner is the resource's: the caller's
	// for the whole organization, and where nobody owns the resource. Whoever
	// finds the owner sets it.
	Org, Owner string
	// Action is the action at hand, if it is Known, and Class its class.
	Class  action.Class
	Action action.ID
	Known  bool
	// Beside are the actions that the request needs besides its own. Objects
	// says that the action at hand is an object operation that is asked on a
	// bucket. More says that there is one of these, so that looking at the
	// statements of one action on the resource as asked is not enough.
	Beside        []action.ID
	Objects, More bool
	objectText    []byte
	folded        []byte // the action's name in lower case, made when it is first needed
	// Whole says that the request is about the whole organization. Otherwise
	// Text is the text of the resource.
	Whole bool
	Text  string
	// Bucket is the name of the bucket that the request is about, and
	// BucketHash its HashBucket. Whoever finds the owner sets both.
	Bucket     string
	BucketHash uint64
	Early      uint32 // keeps early reads from being optimized away; it is never read
	// DenyOnly asks for Deny statements whose principals contain `*`, and
	// takes the principal dimension as holding: the owner's organization
	// policies against a foreign caller (specification 1.3).
	DenyOnly    bool
	Identifiers block.Caller // what identifiers are compared with
	idsWork     int          // the cost of comparing each identifier with a name
	Names       uint32       // the NameBit of each identifier, and AnyCaller
	Traits      block.TextTraits

	Facts

	// Grounding has the statement that decided noted by Ground, in FoundIn and Found,
	// until Forget. Parts of names, which do not tell where their statements stand, are
	// left out of account then.
	Grounding bool
	FoundIn   block.Block
	Found     int

	// any: what is at hand makes a Deny hold by what it matches, so that a variable
	// that is unseen stands for any text.
	any bool

	want          Condition // the condition at hand
	contextKeys   contextKeys
	arns          principalARNs
	groupKey      groupNames
	expanded      []byte
	values        serverValues
	variableValue serverValues

	// Postings is memory for whoever narrows statements by them.
	Postings postings.Scratch

	glob.Matcher
}

// Facts are what the iam layer knows besides the request. It sets them.
type Facts struct {
	// ResourceType is the type of the resource as that layer has it, and UID the
	// text that programs about uids are matched with: the type, glob.UID, and
	// the uid, which is empty where the request states none. Conditions on
	// conditionkey.Resource alone read them, which no other layer has.
	ResourceType, UID string
	// Subjects and Object are the facts that entities add, nil in other layers.
	Subjects [2]*lowered.Entity
	Object   *lowered.Entity
	// Team is the group of a team token, if the caller IsTeam, which Begin clears.
	Team   string
	IsTeam bool
}

// Begin looks at a request. Where the caller states no organization, it is of
// defaultOrg.
func (v *View) Begin(r *policy.Request, defaultOrg string) {
	v.Matcher.Begin()
	v.Request = r
	if len(r.Resource.ID) > 0 {
		v.Early = uint32(r.Resource.ID[0]) // deciding reads it after the identifiers
	}
	v.Org = r.Principal.Org
	if v.Org == "" {
		v.Org = defaultOrg
	}
	v.Owner = v.Org
	v.Action, v.Known = action.Lookup(r.Action)
	if v.Known {
		v.Class, v.Beside = action.ClassOfID(v.Action), action.Beside(v.Action)
		v.Take(v.Action)
	} else {
		v.Class, v.Beside, v.Objects = action.ClassOf(r.Action), nil, false
	}
	v.More = v.Objects || len(v.Beside) > 0
	v.folded = v.folded[:0]
	v.Whole = v.Class.WholeOrganization()
	v.Text = r.Resource.ID
	v.DenyOnly = false
	v.IsTeam = false
	v.contextKeys.made = false
	v.arns.made = false
	v.groupKey.made = false
	v.Traits.Reset()
	ids := r.Principal.IDs
	c := &v.Identifiers
	c.Org, c.IDs = v.Org, ids
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
	c.Hashes, v.Names = hashes, names
}

// Ground notes the statement that decided, if that is wanted.
func (v *View) Ground(b block.Block, id int) {
	if v.Grounding {
		v.FoundIn, v.Found = b, id
	}
}

// Forget forgets the statement that Ground noted, and reports whether there was one.
func (v *View) Forget() (was bool) {
	was = !v.FoundIn.IsNone()
	v.FoundIn = block.Block{}
	return was
}

// End drops the request.
func (v *View) End() {
	v.Request, v.Identifiers.IDs = nil, nil
	if v.want.of != nil {
		v.want = Condition{}
	}
}

// Again looks once more at the request that End dropped, with a budget of its
// own.
func (v *View) Again(r *policy.Request) {
	v.Request, v.Identifiers.IDs = r, r.Principal.IDs
	v.Matcher.Begin()
}

// Take makes one of the actions that the request needs the one at hand. An
// object operation that is asked on a bucket is about objects of the bucket
// that the request does not name (specification 1.2).
func (v *View) Take(id action.ID) {
	v.Action = id
	v.Objects = v.Request.Resource.Kind == policy.ResourceBucket && action.KindOf(id) == action.OnObject
}

// ActionFolded returns the action's name in lower case.
func (v *View) ActionFolded() string {
	if len(v.folded) == 0 {
		v.folded = value.AppendFoldASCII(v.folded, v.Request.Action)
	}
	return block.Alias(v.folded)
}

// IsToken reports whether the caller is a token. internal/request sees to it
// that a token has no other identifier.
func IsToken(r *policy.Request) bool {
	return strings.HasPrefix(r.Principal.IDs[0], "token/")
}

// BucketOf returns the name of the bucket in the text of a resource.
func BucketOf(text string) string {
	if i := strings.IndexByte(text, '/'); i >= 0 {
		return text[:i]
	}
	return text
}

// HashBucket is the hash by which a bucket is found; its name decides.
func HashBucket(name string) uint64 { return xxhash.Sum64String(name) }
