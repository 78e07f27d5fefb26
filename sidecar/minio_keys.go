package sidecar

import (
	"strings"

	"postern/internal/s3request"
	"postern/policy"
)

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
			if c.n == 1 && canonical(c.name) && c.name != "X-Amz-Security-Token" && signs(signed, key[len("s3:"):]) {
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

// canonical reports that a name is spelled as MinIO spells those of headers: X-Amz-Acl.
// Another is an argument of the query, from which MinIO takes a signed header that
// did not come when it verifies the signature, and at no other time.
func canonical(name string) bool {
	start := true
	for i := 0; i < len(name); i++ {
		c := name[i]
		if start && c >= 'a' && c <= 'z' || !start && c >= 'A' && c <= 'Z' {
			return false
		}
		start = c == '-'
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
