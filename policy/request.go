package policy

// Request is one question: may this principal do this action on this resource
// in this context (specification 1.2)? A request that a door hands on has
// passed internal/request, which checks it and fills the fields marked so.
//
// Lifetime: strings and slices may alias a door's buffers. They are valid
// until the decision is returned; whoever keeps one copies it.
type Request struct {
	Principal Principal
	// Action is `service:Name`, or a name without `:` of the iam layer.
	Action string
	// ActionProperties are the condition keys `action.X`, without the prefix.
	ActionProperties []Attribute
	Resource         Resource
	// Context holds the caller's condition keys. Keys are as stated; no two
	// are equal after folding (specification 1.7), none is a server key.
	// If the caller stated one of aws:CurrentTime and aws:EpochTime,
	// internal/request has added the other.
	Context []Attribute
	// Seen are the keys that whoever asks can see: one of them that the request does
	// not state is absent. Any other key of Context that it does not state is there
	// and unreadable (specification 7, Keys), and so are claims, unless Seen has
	// "oidc:", and the properties of subject, action and resource, unless it has
	// "subject.", "action." or "resource.". nil: whoever asks sees everything.
	Seen *KeySet
	// DenyOnly asks only whether a Deny is in the way: every layer that a request can
	// reach is asked for its Denies, whether or not an earlier one allows, and lets
	// the request go on where it can be read and none is satisfied. All other rules
	// hold: those of the caller, the owner and the tenant's boundary, that an
	// organization and another's bucket have a policy, and that a caller's claims
	// earn it anything (specification 7.4). An allow has no determining statement
	// and no obligation.
	DenyOnly bool
	// Now is the server's clock in seconds since 1970, read once a request or
	// batch: aws:CurrentTime (written 2006-01-02T15:04:05Z) and aws:EpochTime
	// unless Context states them. Token expiry looks at nothing else.
	Now int64
}

// Principal is who asks.
type Principal struct {
	// Org is the caller's organization; "" if it was not stated.
	Org string
	// IDs are the caller's identifiers, each `provider/name`.
	IDs []string
	// Groups are the IAM groups that the request states.
	Groups []string
	// Claims are the verified token claims, flattened: Key is the path of a
	// claim as specification 1.7 writes it (`a.b`, `"kubernetes.io".pod.name`).
	// A claim that is an object is Unreadable under its own path, beside the
	// claims inside it.
	Claims []Attribute
	// ClaimsStated reports that the request brought a claims object.
	ClaimsStated bool
	// Properties are the condition keys `subject.X`, without the prefix.
	Properties []Attribute
}

// ResourceKind tells what a request asks about.
type ResourceKind uint8

// The kinds of resource (specification 1.2, 3.1).
const (
	ResourceNone         ResourceKind = iota
	ResourceBucket                    // ID = BUCKET
	ResourceObject                    // ID = BUCKET/KEY
	ResourceOrganization              // ID = organization or *
	ResourceTyped                     // iam layer: Type and ID
)

// Resource is what is asked about.
type Resource struct {
	// Kind is set by internal/request from Type and the action.
	Kind ResourceKind
	Type string
	ID   string
	// Org is the organization that owns the resource, as stated; "" if not.
	Org string
	// UID is the opaque id of `type:uid:ID` patterns (specification 2).
	UID string
	// Tags are the stated tags; TagsKnown tells an empty object from none.
	Tags      []Tag
	TagsKnown bool
	// Properties are the condition keys `resource.X`, without the prefix.
	Properties []Attribute
}

// Tag is one tag of a resource.
type Tag struct{ Key, Value string }

// Attribute is one condition key of a request, with its values.
type Attribute struct {
	Key string
	// Values is empty for an empty list, which counts as absent.
	Values []Value
	// Unreadable marks an object, or a list that holds an object, a list or
	// null: a present key that no operator can read (specification 3.1).
	// Values is empty then.
	Unreadable bool
}

// KeySet is a set of condition keys, all in lower case: those that are one of
// Names, or begin with one of Beginnings and with none of Except.
type KeySet struct{ Names, Beginnings, Except []string }

// Has reports whether the set holds a key, which may be in any ASCII case.
func (s *KeySet) Has(key string) bool {
	for _, name := range s.Names {
		if len(key) == len(name) && foldsTo(key, name) {
			return true
		}
	}
	return begins(key, s.Beginnings) && !begins(key, s.Except)
}

func begins(key string, beginnings []string) bool {
	for _, b := range beginnings {
		if len(key) >= len(b) && foldsTo(key[:len(b)], b) {
			return true
		}
	}
	return false
}

// foldsTo compares a text with one of its length that is in lower case, without
// regard to ASCII case.
func foldsTo(s, lower string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// ValueKind is the JSON type of a value.
type ValueKind uint8

// The JSON types of values.
const (
	ValueString ValueKind = iota + 1
	ValueNumber
	ValueBool
)

// Value is one scalar of a request.
type Value struct {
	Kind ValueKind
	// Text is the string, the number as written, or `true` / `false`. Every
	// operator reads this text, whatever Kind is.
	Text string
}
