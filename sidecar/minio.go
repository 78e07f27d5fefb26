package sidecar

import (
	"strings"

	"postern/internal/action"
	"postern/internal/jsonscan"
	"postern/internal/s3request"
	"postern/policy"
)

// MinIO is how MinIO's access management plugin is answered (specification 7.4).
type MinIO struct {
	// OrgClaim is the claim that names a caller's organization; "" takes Doors.Org.
	OrgClaim string
	// RootAllowed allows the root user everything, whatever policies say.
	RootAllowed bool
	// IgnoreSessionPolicy admits callers with a session policy, which nobody
	// enforces then.
	IgnoreSessionPolicy bool
	// TrustSourceIP and TrustTags take aws:SourceIp and the tags that an object has
	// from MinIO, though its clients can forge both.
	TrustSourceIP, TrustTags bool
}

// minioing is a MinIO as requests are answered by it. It never changes.
type minioing struct {
	*MinIO
	sight *sight
	// seen are the keys that the door sees, and seenTags those of a request that
	// reads an object, of which the tags are believed.
	seen, seenTags *policy.KeySet
}

func newMinIO(d *Doors) *minioing {
	if d.MinIO == nil {
		return nil
	}
	m := &minioing{MinIO: d.MinIO, sight: newSight(d, false)}
	m.seen = &policy.KeySet{
		Names: []string{"s3:prefix", "s3:delimiter", "s3:max-keys", "s3:versionid", "s3:authtype", "s3:signatureversion", "s3:signatureage",
			"aws:useragent", "aws:referer"},
		Beginnings: []string{"s3:x-amz-", "oidc:"},
	}
	m.seenTags = m.seen
	if m.TrustTags {
		m.seenTags = &policy.KeySet{Names: m.seen.Names, Beginnings: append([]string{"s3:existingobjecttag/"}, m.seen.Beginnings...)}
	}
	return m
}

// minioDoor is the door of MinIO and its kin. MinIO looks at the body of an answer
// alone, and every answer has one.
type minioDoor struct{}

func (minioDoor) refuse(int, string) reply { return result(false) }

func (minioDoor) ask(x *exchange) reply {
	s, a := x.server, &x.asking
	if !s.config.Doors.admits(x.headers.authorization) || x.headers.authorizationTwice {
		return result(false)
	}
	in := &a.minio
	*in = minioInput{conditions: in.conditions[:0]}
	a.begin()
	a.orgClaim = s.minio.OrgClaim
	if !in.read(a, x.body) {
		return result(false)
	}
	if in.owner && s.minio.RootAllowed {
		return result(true)
	}
	if !in.caller(x) || !in.keys(x) {
		return result(false)
	}
	name, ok := in.actionName()
	if !ok {
		return result(false)
	}
	allow := in.ask(x, name)
	if version := in.first("versionid"); version != "" && allow {
		if versioned, ok := s3request.Versioned(name); ok {
			allow = in.ask(x, versioned)
		}
	}
	return result(allow)
}

// minioInput is what is read of a question.
type minioInput struct {
	account, action, bucket, object string
	owner                           bool
	conditions                      []condition
	// The claims that the door reads, and all of them as they were sent.
	parent, sessionPolicy, saPolicy, issuer, subject, org claim
	claims                                                []byte
}

// claim is a claim that is a string.
type claim struct {
	text   string
	stated bool
}

// condition is one of the conditions: its first value, and how many it has.
type condition struct {
	name, first string
	n           int
}

// read reads a body. It is false unless it is `{"input": {...}}` in strict JSON:
// a member that stands twice is read by some as the first and by MinIO as the last.
func (in *minioInput) read(a *asking, body []byte) bool {
	s := &a.scanner
	s.Reset(body, 32, 0, false)
	found := false
	return a.object(func(name string) bool {
		if name != "input" {
			return s.Skip()
		}
		found = true
		return a.object(func(name string) bool { return in.member(a, body, name) })
	}) && found && s.End()
}

func (in *minioInput) member(a *asking, body []byte, name string) bool {
	s := &a.scanner
	switch name {
	case "account":
		return a.text1(&in.account)
	case "action":
		return a.text1(&in.action)
	case "bucket":
		return a.text1(&in.bucket)
	case "object":
		return a.text1(&in.object)
	case "owner":
		kind, ok := s.Literal()
		in.owner = kind == jsonscan.True
		return ok && (in.owner || kind == jsonscan.False)
	case "groups":
		return a.nullOr(func() bool {
			return a.strings(func(text string) bool { a.groups = append(a.groups, text); return true })
		})
	case "conditions":
		return a.object(func(name string) bool { return in.condition(a, name) })
	case "claims":
		return a.nullOr(func() bool {
			s.Peek()
			from := s.Offset()
			ok := a.object(func(name string) bool { return in.claim(a, name) })
			in.claims = body[from:s.Offset()]
			return ok
		})
	}
	return s.Skip()
}

// condition reads a condition. Values of secrets are skipped, but for what
// Authorization says it has signed.
func (in *minioInput) condition(a *asking, name string) bool {
	c := condition{name: name}
	if !a.strings(func(text string) bool {
		if c.n == 0 {
			c.first = text
		}
		c.n++
		return true
	}) {
		return false
	}
	if equalFold(name, "x-amz-security-token") {
		c.first = ""
	}
	in.conditions = append(in.conditions, c)
	return true
}

func (in *minioInput) claim(a *asking, name string) bool {
	var out *claim
	switch name {
	case "parent":
		out = &in.parent
	case "sessionPolicy":
		out = &in.sessionPolicy
	case "sa-policy":
		out = &in.saPolicy
	case "iss":
		out = &in.issuer
	case "sub":
		out = &in.subject
	}
	if a.orgClaim != "" && name == a.orgClaim {
		out = &in.org
	}
	if out == nil {
		return a.scanner.Skip()
	}
	out.stated = true
	return a.text1(&out.text)
}

// caller tells who asks.
func (in *minioInput) caller(x *exchange) bool {
	a, m := &x.asking, x.server.minio
	name := in.first("username")
	if name == "" || in.parent.stated && in.parent.text != name {
		return false
	}
	if !m.IgnoreSessionPolicy && (in.sessionPolicy.stated || in.saPolicy.stated && in.saPolicy.text != "inherited-policy") {
		return false // MinIO leaves it to the plugin, and no policy of postern is one
	}
	p := &a.request.Principal
	p.Org = x.server.config.Doors.Org
	if m.OrgClaim != "" {
		if in.org.text == "" {
			return false
		}
		p.Org = in.org.text
	}
	if in.issuer.text != "" && in.subject.text != "" {
		a.ids = append(a.ids, a.join("role/", in.issuer.text, ":", in.subject.text))
		if !in.withClaims(a) {
			return false
		}
	} else {
		a.ids = append(a.ids, a.join("user/", name))
	}
	if in.account != "" {
		a.ids = append(a.ids, a.join("access-key/", in.account))
	}
	p.IDs, p.Groups = a.ids, a.groups
	return true
}

// withClaims reads the claims as the main door does.
func (in *minioInput) withClaims(a *asking) bool {
	a.body = append(append(append(a.body[:0], `{"subject":{"type":"role","id":"x","properties":{"claims":`...), in.claims...),
		`}},"action":{"name":"s3:ListAllMyBuckets"},"resource":{"type":"organization","id":"*"}}`...)
	r, err := a.decoder.Evaluation(a.body, 0)
	if err != nil {
		return false
	}
	a.request.Principal.Claims, a.request.Principal.ClaimsStated = r.Principal.Claims, true
	return true
}

// minioActions are MinIO's own names of actions of S3.
var minioActions = map[string]string{"s3:ForceDeleteBucket": "s3:DeleteBucket", "s3:PutObjectFanOut": "s3:PutObject"}

// actionName is the action as postern has it; false if no table has it.
func (in *minioInput) actionName() (string, bool) {
	if name, ok := minioActions[in.action]; ok {
		return name, true
	}
	for _, service := range [...]string{"admin:", "kms:", "sts:"} {
		if strings.HasPrefix(in.action, service) {
			return in.action, true
		}
	}
	_, known := action.Lookup(in.action)
	return in.action, known && strings.HasPrefix(in.action, "s3:")
}

// ask decides one action.
func (in *minioInput) ask(x *exchange, name string) bool {
	a, m := &x.asking, x.server.minio
	r := &a.request
	r.Action, r.Resource = name, policy.Resource{Type: "organization", ID: "*"}
	if class := action.ClassOf(name); class.S3() && !class.WholeOrganization() {
		switch {
		case in.object != "":
			r.Resource = policy.Resource{Type: "object", ID: a.join(in.bucket, "/", in.object)}
		default:
			r.Resource = policy.Resource{Type: "bucket", ID: in.bucket}
		}
	}
	if in.bucket == "" != (r.Resource.Type == "organization") {
		return false
	}
	a.context = append(a.context[:0], a.known...)
	seen := m.seen
	if strings.HasPrefix(in.action, "s3:Get") && in.object != "" {
		seen = m.seenTags
	}
	ok, _ := x.permitted(m.sight, seen)
	return ok
}

// named is the condition of a name, byte for byte; nil if there is none.
func (in *minioInput) named(name string) *condition {
	for i := range in.conditions {
		if in.conditions[i].name == name {
			return &in.conditions[i]
		}
	}
	return nil
}

// first is the first value of a condition, which is MinIO's own where the client
// added one of its name; "" if there is none.
func (in *minioInput) first(name string) string {
	if c := in.named(name); c != nil {
		return c.first
	}
	return ""
}

// serverKeys are the conditions of which MinIO sets the first value. An empty one
// says that there is none.
var serverKeys = [...]struct{ condition, key string }{
	{"SecureTransport", "aws:SecureTransport"}, {"UserAgent", "aws:UserAgent"}, {"Referer", "aws:Referer"},
	{"authType", "s3:authType"}, {"signatureversion", "s3:signatureversion"}, {"signatureAge", "s3:signatureAge"},
}

// clientKeys are the conditions that are the client's own.
var clientKeys = [...]struct{ condition, key string }{
	{"prefix", "s3:prefix"}, {"delimiter", "s3:delimiter"}, {"max-keys", "s3:max-keys"}, {"versionid", "s3:versionid"},
}

// keys makes the condition keys, in asking.known. It is false where a client has
// made one that can be read in two ways.
func (in *minioInput) keys(x *exchange) bool {
	a, m := &x.asking, x.server.minio
	a.known, a.values = a.known[:0], a.values[:0]
	for _, k := range serverKeys {
		if text := in.first(k.condition); text != "" {
			a.know(k.key, text)
		}
	}
	if text := in.first("SourceIp"); text != "" && m.TrustSourceIP {
		a.know("aws:SourceIp", text)
	}
	for _, k := range clientKeys {
		c := in.named(k.condition)
		for i := range in.conditions {
			other := &in.conditions[i]
			if len(other.name) != len(k.condition) || other.name == k.condition || !equalFold(other.name, k.condition) {
				continue
			}
			// MinIO itself says the version in both forms.
			if k.condition != "versionid" || other.name != "versionId" || c == nil || other.n != 1 || other.first != c.first {
				return false
			}
		}
		if c == nil || k.condition == "versionid" && c.first == "" && c.n == 1 {
			continue
		}
		if c.n != 1 {
			return false
		}
		a.know(k.key, c.first)
	}
	signed := ""
	if in.first("authType") == "REST-HEADER" {
		_, signed, _ = s3request.Authorization(in.first("Authorization"))
	}
	for i := range in.conditions {
		c := &in.conditions[i]
		const tag = "ExistingObjectTag/"
		switch {
		case len(c.name) > len("x-amz-") && equalFold(c.name[:len("x-amz-")], "x-amz-"):
			if strings.HasPrefix(c.name, "X-Amz-Meta-") {
				continue
			}
			from := len(a.text)
			a.text = append(a.text, "s3:"...)
			a.text = appendLower(a.text, c.name)
			key := a.since(from)
			if c.n == 1 && !equalFold(c.name, "x-amz-security-token") && signs(signed, key[len("s3:"):]) {
				a.know(key, c.first)
			} else {
				a.known = append(a.known, policy.Attribute{Key: key, Unreadable: true})
			}
		case m.TrustTags && strings.HasPrefix(c.name, tag) && strings.HasPrefix(in.action, "s3:Get"):
			a.know(a.join("s3:", c.name), c.first)
		case strings.HasPrefix(c.name, tag):
			a.known = append(a.known, policy.Attribute{Key: a.join("s3:", c.name), Unreadable: true})
		}
	}
	return true
}

// signs reports whether a list of signed headers has one.
func signs(list, name string) bool {
	for more := list != ""; more; {
		var item string
		item, list, more = strings.Cut(list, ";")
		if item == name {
			return true
		}
	}
	return false
}

func appendLower(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

// know states a condition key.
func (a *asking) know(key, text string) {
	n := len(a.values)
	a.values = append(a.values, policy.Value{Kind: policy.ValueString, Text: text})
	a.known = append(a.known, policy.Attribute{Key: key, Values: a.values[n : n+1 : n+1]})
}

// nullOr reads a value that may be null.
func (a *asking) nullOr(value func() bool) bool {
	if a.scanner.Peek() == jsonscan.Null {
		_, ok := a.scanner.Literal()
		return ok
	}
	return value()
}

// strings reads a list of strings.
func (a *asking) strings(each func(text string) bool) bool {
	if a.scanner.Peek() != jsonscan.Array || !a.scanner.EnterArray() {
		return false
	}
	for a.scanner.Element() {
		var text string
		if !a.text1(&text) || !each(text) {
			return false
		}
	}
	return !a.scanner.Failed()
}
