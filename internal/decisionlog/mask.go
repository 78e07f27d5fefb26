package decisionlog

import (
	"slices"
	"strings"

	"postern/policy"
)

// masked is what stands in place of a value that is not logged.
const masked = "***"

// secretKeys are the condition keys whose values are secrets in every request: a
// store passes them on with the headers that they came in.
var secretKeys = []string{
	"s3:x-amz-security-token", "s3:x-amz-signature", "s3:x-amz-credential", "s3:x-amz-content-sha256",
	"s3:x-amz-server-side-encryption-customer-key", "s3:x-amz-server-side-encryption-customer-key-md5",
	"s3:x-amz-copy-source-server-side-encryption-customer-key", "s3:x-amz-copy-source-server-side-encryption-customer-key-md5",
}

// secretNames are names that tell of a secret wherever they stand: as a condition
// key, a property, a claim or a tag.
var secretNames = []string{
	"authorization", "proxy-authorization", "cookie", "set-cookie", "password", "passwd", "passphrase", "secret", "client_secret", "client-secret",
	"secretaccesskey", "secret_access_key", "secretkey", "secret_key", "sessiontoken", "session_token", "access_token", "refresh_token", "id_token",
	"accesstoken", "refreshtoken", "idtoken", "token", "bearer", "jwt", "assertion", "api_key", "api-key", "apikey", "x-api-key", "private_key",
	"privatekey", "credential", "credentials", "signature", "x-amz-security-token", "x-amz-signature", "x-amz-credential", "x-auth-token", "sessionpolicy",
}

// queryKeys are the condition keys whose values are addresses, of which what
// follows a `?` is not logged: it may hold a signature.
var queryKeys = []string{"aws:referer", "s3:x-amz-copy-source"}

// masks says what of a request is not logged. It never changes.
type masks struct {
	keys    map[string]bool // in lower case, with the prefix of where they stand
	names   map[string]bool // in lower case, wherever they stand
	queries map[string]bool
}

func newMasks(keys []string) *masks {
	m := &masks{keys: map[string]bool{}, names: map[string]bool{}, queries: map[string]bool{}}
	for _, k := range slices.Concat(secretKeys, keys) {
		m.keys[fold(k)] = true
	}
	for _, k := range secretNames {
		m.names[k] = true
	}
	for _, k := range queryKeys {
		m.queries[k] = true
	}
	return m
}

// fold is a key in lower case, of ASCII (specification 1.7).
func fold(key string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, key)
}

// The prefixes of where a key stands; context keys have none.
const (
	ofContext  = ""
	ofSubject  = "subject."
	ofAction   = "action."
	ofResource = "resource."
	ofClaims   = "claims."
	ofTags     = "tags."
)

// hides reports whether the value of a key is not logged; cut, that only what
// follows its `?` is not.
func (l *liner) hides(prefix, key string) (hides, cut bool) {
	b := append(l.folded[:0], prefix...)
	for i := 0; i < len(key); i++ {
		c := key[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	l.folded = b
	name := b[len(prefix):]
	if prefix == ofClaims { // the last name of a path
		for i := len(name) - 1; i >= 0; i-- {
			if name[i] == '.' {
				name = name[i+1:]
				break
			}
		}
	}
	return l.masks.keys[string(b)] || l.masks.names[string(name)], prefix == ofContext && l.masks.queries[string(b)]
}

// hidden notes that a value is not logged in full.
func (l *liner) hidden(prefix, key string) {
	b := l.hiddenText
	if len(b) > 0 {
		b = append(b, ',')
	}
	from := len(b)
	b = appendString(b, key)
	if prefix != "" { // behind the quotation mark
		b = append(b, prefix...)
		copy(b[from+1+len(prefix):], b[from+1:len(b)-len(prefix)])
		copy(b[from+1:], prefix)
	}
	l.hiddenText = b
}

// text is the part of a value that is logged.
func (l *liner) text(v *policy.Value, cut bool) (text string, whole bool) {
	if cut {
		if i := strings.IndexByte(v.Text, '?'); i >= 0 {
			return v.Text[:i], false
		}
	}
	return v.Text, true
}
