package s3request

import (
	"strings"

	"postern/internal/action"
)

// ask makes the questions of an operation.
func (r *Reader) ask(req *Request, o *operation, a address) Reason {
	h := &r.h
	name := o.action
	if r.q.versionID != "" {
		name = o.versioned
	}
	r.question(name, a, r.q.versionID)
	if o.name == "CreateBucket" {
		r.Questions[0].Created = true
		if h.acl {
			r.question("s3:PutBucketAcl", a, "")
		}
		if h.lockEnabled {
			r.question("s3:PutBucketObjectLockConfiguration", a, "")
			r.question("s3:PutBucketVersioning", a, "")
		}
		if h.ownership {
			r.question("s3:PutBucketOwnershipControls", a, "")
		}
		for i := range r.Questions {
			r.Questions[i].Created = true
		}
		return None
	}
	if a.key == "" || o.method == "GET" || o.method == "HEAD" {
		return None
	}
	if h.bypass {
		r.question("s3:BypassGovernanceRetention", a, r.q.versionID)
	}
	if !o.writes {
		return None
	}
	for _, also := range [...]struct {
		stated bool
		action string
	}{
		{h.tagged, "s3:PutObjectTagging"}, {h.acl, "s3:PutObjectAcl"},
		{h.retention, "s3:PutObjectRetention"}, {h.legalHold, "s3:PutObjectLegalHold"},
	} {
		if also.stated {
			r.question(also.action, a, "")
		}
	}
	if !h.copies {
		return None
	}
	return r.source(h.copySource, req.OpaqueKeys)
}

// source asks about the object that is copied.
func (r *Reader) source(raw string, opaque bool) Reason {
	path, query, versioned := strings.Cut(raw, "?")
	a, ok := r.path(path, "", opaque)
	if !ok || a.key == "" {
		return BadPath
	}
	name, version := "s3:GetObject", ""
	if versioned {
		text, ok := strings.CutPrefix(query, "versionId=")
		if ok {
			version, ok = r.unescape(text, false)
		}
		if !ok || version == "" || strings.ContainsAny(text, "&;+#?") || !validKey(version, true) {
			return BadPath
		}
		name = "s3:GetObjectVersion"
	}
	r.question(name, a, version)
	return None
}

// question asks for an action on an address, and once more where the store may
// read a `+` in the key as a space.
func (r *Reader) question(action string, a address, version string) {
	q := Question{Action: action, Resource: "*", version: version}
	if a.bucket != "" {
		q.Resource, q.Object = a.bucket, a.key != ""
	}
	if !q.Object {
		r.Questions = append(r.Questions, q)
		return
	}
	q.Resource = r.join(a.bucket, a.key)
	r.Questions = append(r.Questions, q)
	if a.spaced != "" {
		q.Resource = r.join(a.bucket, a.spaced)
		r.Questions = append(r.Questions, q)
	}
}

func (r *Reader) join(bucket, key string) string {
	from := len(r.text)
	r.text = append(append(append(r.text, bucket...), '/'), key...)
	return r.since(from)
}

// Versioned returns the action that is asked where a question of a known action is
// about one version of an object; false where there is none.
func Versioned(name string) (string, bool) {
	id, ok := action.Lookup(name)
	if !ok || action.KindOf(id) != action.OnObject {
		return "", false
	}
	version := versionOf[action.Needed(id)]
	return version, version != ""
}

// versionOf are the actions of versions, with their service, by the action of the
// object.
var versionOf = func() map[action.ID]string {
	out := map[action.ID]string{}
	for id := action.ID(0); int(id) < action.Count(); id++ {
		if name := action.Name(id); strings.HasPrefix(name, "s3:") && !strings.Contains(name, "ObjectVersion") {
			if version, ok := action.Lookup(strings.Replace(name, "Object", "ObjectVersion", 1)); ok && version != id && action.Needed(id) == id {
				out[id] = action.Name(version)
			}
		}
	}
	return out
}()
