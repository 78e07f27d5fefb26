package s3request

import (
	"strings"

	"postern/policy"
)

// Header is one line of a request's head. Its name is in any case.
type Header struct{ Name, Value string }

// headers is what the headers of a request say beside the condition keys, which
// are in Reader.keys.
type headers struct {
	authorization, date               string
	copySource                        string
	tagging                           string
	authorized, copies, tagged        bool
	acl, retention, legalHold, bypass bool
	lockEnabled, ownership, replaces  bool
	userAgent, referer                bool
}

// secrets are the headers that no condition key shows: they would stand in a
// decision's record.
var secrets = [...]string{"x-amz-security-token", "x-amz-server-side-encryption-customer-key", "x-amz-copy-source-server-side-encryption-customer-key"}

// headers reads the headers that S3 knows. A header that is there twice, or under
// a name that a store behind a gateway takes for one of them, is refused.
func (r *Reader) headers(list []Header, h *headers) Reason {
	*h = headers{}
	for i := range list {
		name, text := list[i].Name, list[i].Value
		if name == "" {
			continue
		}
		switch name[0] | 0x20 {
		case 'a':
			if equalFold(name, "authorization") {
				if h.authorized {
					return BadHeader
				}
				h.authorized, h.authorization = true, text
			}
		case 'r':
			if equalFold(name, "referer") {
				if h.referer {
					return BadHeader
				}
				h.referer = true
				r.add("aws:Referer", text)
			}
		case 'u':
			switch {
			case equalFold(name, "user-agent"):
				if h.userAgent {
					return BadHeader
				}
				h.userAgent = true
				r.add("aws:UserAgent", text)
			case twin(name):
				return BadHeader
			}
		case 'x':
			switch {
			case begins(name, "x-amz-"):
				if reason := r.amazon(name, text, h); reason != None {
					return reason
				}
			case begins(name, "x-minio-"):
				return BadHeader // one of them deletes all keys of a prefix
			case twin(name):
				return BadHeader
			}
		}
	}
	return None
}

// amazon reads a header of which the name begins with x-amz-.
func (r *Reader) amazon(name, text string, h *headers) Reason {
	if begins(name, "x-amz-meta-") {
		if equalFold(name, "x-amz-meta-snowball-auto-extract") {
			return KeysInBody // it writes the objects of an archive
		}
		return None
	}
	if strings.IndexByte(name, '_') >= 0 {
		return BadHeader
	}
	from := len(r.text)
	r.text = append(r.text, "s3:"...)
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		r.text = append(r.text, c)
	}
	key := r.since(from)
	for i := range r.keys {
		if r.keys[i].Key == key {
			return BadHeader // there twice
		}
	}
	lower := key[len("s3:"):]
	for _, secret := range secrets {
		if lower == secret {
			r.keys = append(r.keys, policy.Attribute{Key: key, Unreadable: true})
			return None
		}
	}
	r.add(key, text)
	switch lower {
	case "x-amz-date":
		h.date = text
	case "x-amz-copy-source":
		h.copies, h.copySource = true, text
	case "x-amz-tagging":
		h.tagged, h.tagging = true, text
	case "x-amz-tagging-directive":
		h.replaces = text == "REPLACE"
	case "x-amz-acl":
		h.acl = true
	case "x-amz-bypass-governance-retention":
		h.bypass = true
	case "x-amz-object-lock-legal-hold":
		h.legalHold = true
	case "x-amz-bucket-object-lock-enabled":
		h.lockEnabled = true
	case "x-amz-object-ownership":
		h.ownership = true
	default:
		switch {
		case strings.HasPrefix(lower, "x-amz-grant-"):
			h.acl = true
		case strings.HasPrefix(lower, "x-amz-object-lock-"):
			h.retention = true
		}
	}
	return None
}

// begins reports whether s begins with a text in lower case, without regard to
// ASCII case.
func begins(s, lower string) bool { return len(s) >= len(lower) && equalFold(s[:len(lower)], lower) }

// twin reports that a name is one of those that are read but for underscores, and
// begins like one: a gateway that knows headers as variables cannot tell the two.
func twin(name string) bool {
	const amazon = "x-amz-"
	if len(name) < len(amazon) || strings.IndexByte(name, '_') < 0 {
		return equalFold(name, "user_agent")
	}
	for i := range len(amazon) {
		if amazon[i] == '-' && name[i] == '_' {
			continue
		}
		if !equalFold(name[i:i+1], amazon[i:i+1]) {
			return equalFold(name, "user_agent")
		}
	}
	return true
}
