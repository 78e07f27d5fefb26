package sidecar

import (
	"fmt"
	"strings"

	"postern/policy"
)

// Identity is how a proxy says who its client is (specification 7.2).
type Identity struct {
	// Headers are which of the identity's headers are read, of org, principal,
	// principals and groups. Nil means org and principal.
	Headers []string
	// Certificate reads the client's certificate instead; nil does not.
	Certificate *Certificates
}

// identity reads a caller out of the lines of a request. The status is 200 if
// there is one, 401 if the request has none, and 403 if it cannot be told for
// certain. now is in seconds since 1970.
type identity interface {
	read(a *asking, now int64, p *policy.Principal) (status int)
}

// The headers of an identity, by place in identityNames.
const (
	inOrg = iota
	inPrincipal
	inPrincipals
	inGroups
)

var identityWords = [...]string{"org", "principal", "principals", "groups"}

var identityNames = [...]string{"x-postern-org", "x-postern-principal", "x-postern-principals", "x-postern-groups"}

var identityHeaders = newHeaderNames(identityNames[:]...)

// headerIdentity reads the headers of an identity.
type headerIdentity struct {
	reads [len(identityNames)]bool
	org   string // of callers whose organization no header says
	// braces: a value with `{` is what the proxy left of a placeholder.
	braces bool
}

func newIdentity(c *Identity, org string, braces bool) (identity, error) {
	if c.Certificate != nil {
		return newCertificateIdentity(c.Certificate)
	}
	h := &headerIdentity{org: org, braces: braces}
	words := c.Headers
	if words == nil {
		words = []string{"org", "principal"}
	}
	for _, w := range words {
		known := false
		for i := range identityWords {
			if w == identityWords[i] {
				h.reads[i], known = true, true
			}
		}
		if !known {
			return nil, fmt.Errorf("no header of an identity is called %q; write some of %s", w, strings.Join(identityWords[:], ","))
		}
	}
	if !h.reads[inPrincipal] {
		return nil, fmt.Errorf("the headers of an identity have to have principal among them; write org,principal")
	}
	return h, nil
}

func (h *headerIdentity) read(a *asking, _ int64, p *policy.Principal) int {
	const absent = "\x00" // no header holds it
	values := [len(identityNames)]string{absent, absent, absent, absent}
	if !a.each(identityHeaders, values[:]) {
		return 403
	}
	for i, v := range values {
		if v != absent && (!h.reads[i] || h.braces && strings.IndexByte(v, '{') >= 0) {
			return 403
		}
	}
	p.Org = h.org
	if h.reads[inOrg] {
		if values[inOrg] == absent || values[inOrg] == "" {
			return 401
		}
		org, ok := a.unescape(values[inOrg])
		if !ok {
			return 403
		}
		p.Org = org
	}
	if values[inPrincipal] == absent || values[inPrincipal] == "" {
		return 401
	}
	id, ok := a.unescape(values[inPrincipal])
	if !ok {
		return 403
	}
	a.ids = append(a.ids, id)
	if h.reads[inPrincipals] && (values[inPrincipals] == absent || !a.list(values[inPrincipals], &a.ids)) {
		return 403
	}
	if h.reads[inGroups] && (values[inGroups] == absent || !a.list(values[inGroups], &a.groups)) {
		return 403
	}
	p.IDs, p.Groups = a.ids, a.groups
	return 200
}

// list reads a list of escaped texts with commas between, and perhaps one at its
// end: a proxy that drops empty headers can so say an empty list.
func (a *asking) list(raw string, out *[]string) bool {
	for raw = strings.TrimSuffix(raw, ","); raw != ""; {
		var item string
		more := false
		item, raw, more = strings.Cut(raw, ",")
		text, ok := a.unescape(strings.Trim(item, " \t"))
		if !ok || text == "" || more && raw == "" {
			return false
		}
		*out = append(*out, text)
	}
	return true
}
