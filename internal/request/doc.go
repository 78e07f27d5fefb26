// Package request is the one place that decodes, checks and builds a
// policy.Request (specification 1.2, 1.3, 3.1, 3.2): the HTTP door decodes
// AuthZEN bodies with a Decoder, the command line fills a Request from flags
// and calls Check, and both meet the same rules, so that no door is laxer than
// another.
//
// Nothing here decides anything: a request that passes is well formed, and no
// more than that.
package request

// The bounds of one request (specification 3.2). A body that passes one is a
// bad request as a whole, also where the bound is passed inside one item of a
// batch.
const (
	MaxEvaluations = 1000 // items of a batch
	MaxIdentifiers = 256  // identifiers of one caller, the first included
	MaxGroups      = 1024 // groups that a request states
	MaxMembers     = 256  // members of any JSON object
	MaxValues      = 1024 // values of one condition key
	MaxDepth       = 32   // nesting of the body
	MaxID          = 2048 // bytes of an id, an organization or an action's name
	MaxString      = 8192 // bytes of any other string or number that is read
	MaxType        = 64   // bytes of a type

	// maxClaims and maxClaimPath bound what nested claims are flattened into;
	// without them, a body of 1 MiB could become gigabytes of paths.
	maxClaims    = 1024
	maxClaimPath = 2048
)
