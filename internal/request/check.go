package request

import (
	"strconv"
	"strings"

	"postern/internal/action"
	"postern/policy"
)

// Check holds a request that was not decoded (the command line's) to every
// rule that Decoder holds a body to, and fills what policy.Request says
// internal/request fills: Resource.Kind, and the one of the two time keys that
// is not stated. Resource.Type and ID have to be filled, as ParseResource
// does. The error is an *Error, whose path is the place in an AuthZEN body.
//
// Check may change r: the list Context grows. Whether a token exists, and has
// not expired, is for the index to tell.
func Check(r *policy.Request) error {
	if f := check(r); f.found() {
		return f.err(-1)
	}
	return nil
}

// check is Check: the first rule that is broken.
func check(r *policy.Request) fault {
	if f := checkText(r); f.found() {
		return f
	}
	if f := checkPrincipal(&r.Principal); f.found() {
		return f
	}
	if f := checkAction(r.Action); f.found() {
		return f
	}
	if f := checkAttributes("action.properties", r.ActionProperties); f.found() {
		return f
	}
	if f := checkResource(&r.Resource); f.found() {
		return f
	}
	if f := checkAttributes("resource.properties", r.Resource.Properties); f.found() {
		return f
	}
	if f := checkAttributes("context", r.Context); f.found() {
		return f
	}
	var s store
	var f fault
	if r.Context, f = checkContext(&s, r.Context); f.found() {
		return f
	}
	return fit(r)
}

// checkPrincipal checks a caller as a whole; its first identifier is
// subject.type and subject.id.
func checkPrincipal(p *policy.Principal) fault {
	if len(p.IDs) == 0 {
		return wrong("subject", `the caller has no identifier; write one as provider/name, as in "role/Admin"`)
	}
	if f := checkCounts(p); f.found() {
		return f
	}
	for i, id := range p.IDs {
		if f := checkIdentifier(i, id); f.found() {
			return f
		}
	}
	if f := checkID("subject.properties.org", p.Org); f.found() {
		return f
	}
	for i, g := range p.Groups {
		if len(g) > MaxString {
			return beyond(element("subject.properties.groups", i), tooLong(MaxString))
		}
	}
	if f := checkAttributes("subject.properties", p.Properties); f.found() {
		return f
	}
	return checkToken(p)
}

func checkCounts(p *policy.Principal) fault {
	if len(p.IDs) > MaxIdentifiers {
		return tooManyIdentifiers()
	}
	if len(p.Groups) > MaxGroups {
		return tooManyGroups()
	}
	return fault{}
}

func tooManyIdentifiers() fault {
	return beyond("subject.properties.principals", "a caller has at most "+strconv.Itoa(MaxIdentifiers)+" identifiers, the first included")
}

func tooManyGroups() fault {
	return beyond("subject.properties.groups", "at most "+strconv.Itoa(MaxGroups)+" groups can be stated")
}

// checkIdentifier checks the i-th identifier of a caller (specification 1.2).
func checkIdentifier(i int, id string) fault {
	slash := strings.IndexByte(id, '/')
	switch {
	case slash <= 0 || slash == len(id)-1:
		return wrong(identifierPath(i), "want provider/name with both parts, as in \"role/Admin\", not "+quote(id))
	case !validType(id[:slash]):
		return wrong(identifierPath(i), badType("provider", id[:slash]))
	case len(id)-slash-1 > MaxID:
		return beyond(identifierPath(i), tooLong(MaxID))
	}
	return checkReserved(i, id[:slash])
}

// plainIdentifier reports that an identifier is in order wherever it stands;
// of one of which it does not, checkIdentifier says what is wrong, if anything.
func plainIdentifier(id string) bool {
	i := 0
	for i < len(id) && typeBytes[id[i]] {
		i++
	}
	return i > 0 && i <= MaxType && i < len(id)-1 && id[i] == '/' && len(id) <= MaxID && id[:i] != "group" && id[:i] != "token"
}

// checkReserved refuses the reserved providers where they cannot stand. A
// token is a caller of its own and so only ever a first identifier.
func checkReserved(i int, provider string) fault {
	switch {
	case provider == "group":
		return wrong(identifierPath(i), `a group is no identifier of a caller; write its name into subject.properties.groups`)
	case provider == "token" && i > 0:
		return wrong(identifierPath(i), `a token is a caller of its own; write {"type": "token", "id": "NAME"} as the subject, with no other identifier`)
	}
	return fault{}
}

func identifierPath(i int) string {
	if i == 0 {
		return "subject"
	}
	return element("subject.properties.principals", i-1)
}

func isToken(p *policy.Principal) bool {
	return len(p.IDs) > 0 && strings.HasPrefix(p.IDs[0], "token/")
}

// checkToken refuses a token that comes with anything else (specification 2,
// tokens: "with other identifiers, groups or claims: a bad request").
func checkToken(p *policy.Principal) fault {
	if isToken(p) && (len(p.IDs) > 1 || len(p.Groups) > 0 || p.ClaimsStated) {
		return wrong("subject.properties", "a token has that identifier only; remove principals, groups and claims")
	}
	return fault{}
}

func checkAction(name string) fault {
	if name == "" {
		return wrong("action.name", `missing; write the action, as in "s3:GetObject"`)
	}
	return checkID("action.name", name)
}

// checkResource checks what can be told without the action.
func checkResource(r *policy.Resource) fault {
	switch {
	case r.Type == "":
		return wrong("resource.type", missingResource)
	case r.ID == "":
		return wrong("resource.id", missingResource)
	case !validType(r.Type):
		return wrong("resource.type", badType("type", r.Type))
	}
	if f := checkID("resource.id", r.ID); f.found() {
		return f
	}
	if f := checkID("resource.properties.org", r.Org); f.found() {
		return f
	}
	return checkID("resource.properties.uid", r.UID)
}

const missingResource = `missing; write the resource, as in {"type": "bucket", "id": "BUCKET"} or {"type": "object", "id": "BUCKET/KEY"}`

// fit checks that the resource is one that the action is asked on
// (specification 1.3, 3.1), and sets its Kind.
func fit(r *policy.Request) fault {
	res := &r.Resource
	class := action.Bucket
	if !onBucket(r.Action) {
		class = action.ClassOf(r.Action)
	}
	switch {
	case class == action.IAM:
		res.Kind = policy.ResourceTyped
		if res.Type == "organization" {
			res.Kind = policy.ResourceOrganization
		}
		return fault{}
	case class.WholeOrganization():
		if res.Type != "organization" {
			return wrong("resource.type", quote(r.Action)+` is asked on the whole organization; write {"type": "organization", "id": "*"}`)
		}
		res.Kind = policy.ResourceOrganization
		return fault{}
	}
	slash := strings.IndexByte(res.ID, '/')
	switch res.Type {
	case "bucket":
		if slash >= 0 {
			return wrong("resource.id", "a bucket's name has no `/`; for an object write the type \"object\" and the id BUCKET/KEY")
		}
		res.Kind = policy.ResourceBucket
	case "object":
		if slash <= 0 || slash == len(res.ID)-1 {
			return wrong("resource.id", "an object's id is BUCKET/KEY with both parts, not "+quote(res.ID))
		}
		res.Kind = policy.ResourceObject
	default:
		return wrong("resource.type", quote(r.Action)+` is asked on a bucket or an object; write the type "bucket" with the id BUCKET, or "object" with BUCKET/KEY`)
	}
	return fault{}
}

// onBucket reports that an action is asked on a bucket or an object, without
// looking it up: of an s3: action only three are not, which their lengths tell.
// Where it reports nothing, the table of actions tells.
func onBucket(name string) bool {
	switch len(name) {
	case len("s3:ListBuckets"), len("s3:ListAllMyBuckets"), len("s3:ListDirectoryBuckets"):
		return false
	}
	return len(name) > 3 && name[:3] == "s3:"
}

// validType reports whether s is 1 to 64 of `A-Z a-z 0-9 . _ -`
// (specification 3.1).
func validType(s string) bool {
	if len(s) == 0 || len(s) > MaxType {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !typeBytes[s[i]] {
			return false
		}
	}
	return true
}

var typeBytes = func() (t [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") {
		t[c] = true
	}
	return t
}()

func badType(what, s string) string {
	return "a " + what + " is 1 to " + strconv.Itoa(MaxType) + " of A-Z a-z 0-9 . _ - and not " + quote(s)
}

func checkID(path, s string) fault {
	if len(s) > MaxID {
		return beyond(path, tooLong(MaxID))
	}
	return fault{}
}

func tooLong(bound int) string { return "longer than " + strconv.Itoa(bound) + " bytes" }

// ParseResource reads a resource as page 1 writes it, for the command line:
// `BUCKET` and `BUCKET/KEY` for an s3: action that is asked on a bucket or an
// object, `type:id` in the iam layer, and `*` or nothing for the whole
// organization. An ARN or a URL of S3 is refused: no bucket has such a name.
// Whether the resource fits the action is for Check to tell.
func ParseResource(text, actionName string) (policy.Resource, error) {
	if text == "" || text == "*" {
		return policy.Resource{Type: "organization", ID: "*"}, nil
	}
	class := action.ClassOf(actionName)
	if class.S3() && !class.WholeOrganization() {
		for _, prefix := range [...]string{"arn:aws:s3:::", "s3://"} {
			if rest, ok := strings.CutPrefix(text, prefix); ok {
				return policy.Resource{}, wrong("resource", "a resource here is BUCKET or BUCKET/KEY, without "+prefix+"; write "+quote(rest)).err(-1)
			}
		}
		if strings.Contains(text, "/") {
			return policy.Resource{Type: "object", ID: text}, nil
		}
		return policy.Resource{Type: "bucket", ID: text}, nil
	}
	typ, id, ok := strings.Cut(text, ":")
	if !ok || typ == "" || id == "" || typ == "arn" || strings.HasPrefix(id, "//") {
		if name, known := withService(actionName); known {
			return policy.Resource{}, wrong("action", quote(actionName)+" has no service, and so is asked on type:id; write "+quote(name)).err(-1)
		}
	}
	if !ok || typ == "" || id == "" {
		message := "want type:id, as in stack:acme/payments/prod, or * for the whole organization, not " + quote(text)
		if class.WholeOrganization() {
			message = quote(actionName) + " is asked on the whole organization; write * or organization:ORG, not " + quote(text)
		}
		return policy.Resource{}, wrong("resource", message).err(-1)
	}
	return policy.Resource{Type: typ, ID: id}, nil
}

// withService is the known action that a name without service may mean.
func withService(name string) (string, bool) {
	if strings.Contains(name, ":") {
		return "", false
	}
	for _, service := range [...]string{"s3:", "cwobject:"} {
		if id, known := action.Lookup(service + name); known {
			return action.Name(id), true
		}
	}
	return "", false
}
