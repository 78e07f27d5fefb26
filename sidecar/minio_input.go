package sidecar

// minioInput is what is read of a question.
type minioInput struct {
	account, action, bucket, object string
	owner, denyOnly                 bool
	conditions                      []condition
	// The claims that the door reads; all of them, and the body, as they were sent.
	parent, sessionPolicy, saPolicy, issuer, subject, org claim
	claims, sent                                          []byte
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

func (in *minioInput) member(a *asking, name string) bool {
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
		return a.boolean(&in.owner)
	case "denyOnly":
		return a.boolean(&in.denyOnly)
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
			in.claims = in.sent[from:s.Offset()]
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
