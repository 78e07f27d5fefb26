package sidecar

import (
	"strings"

	"postern/internal/action"
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

// minioDoor is the door of MinIO and its kin.
type minioDoor struct{ storeDoor }

func (minioDoor) ask(x *exchange) reply {
	return result(x.shows(x.headers.authorization) && x.asking.minio.allowed(x))
}

// allowed reads a question, and decides it.
func (in *minioInput) allowed(x *exchange) bool {
	s, a := x.server, &x.asking
	*in = minioInput{conditions: in.conditions[:0], sent: x.body}
	a.orgClaim = s.minio.OrgClaim
	if !a.input(x.body, in.member) {
		return false
	}
	if in.owner && s.minio.RootAllowed {
		return true
	}
	if !in.caller(x) || !in.keys(x) {
		return false
	}
	name, ok := in.actionName()
	if !ok || !in.ask(x, name) {
		return false
	}
	if version := in.first("versionid"); version != "" {
		if versioned, ok := s3request.Versioned(name); ok {
			return in.ask(x, versioned)
		}
	}
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
	r.Action, r.Resource, r.DenyOnly = name, policy.Resource{Type: "organization", ID: "*"}, in.denyOnly
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
