package sidecar

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"postern/policy"
)

// Certificates says which clients' certificates are believed, and whose they are.
type Certificates struct {
	// CAs are the authorities, of which one must have issued a certificate.
	CAs []CA
	// SPIFFE are the organizations of trust domains.
	SPIFFE map[string]string
	// Subject reads the subject's O as the organization and its CN as the name,
	// instead of the one URI.
	Subject bool
}

// CA are authorities of one organization, or of any if Org is "".
type CA struct {
	Org  string
	Pool *x509.CertPool
}

// certificateIdentity reads the client's certificate, which the proxy has asked
// for, once more. What it read of the last certificates is kept: a client sends
// the same one with each request.
type certificateIdentity struct {
	*Certificates
	known atomic.Pointer[map[[sha256.Size]byte]*certified]
}

// certified is what a certificate says, and from when until when, in seconds since
// 1970. org is "" if it says nothing.
type certified struct {
	org, id     string
	from, until int64
}

// maxCertified bounds the certificates that are kept; past it all are forgotten.
const maxCertified = 4096

// certificateNames are the headers that a certificate comes in.
var certificateNames = [...]string{"x-client-cert", "x-client-verify"}

var certificateHeaders = newHeaderNames(certificateNames[:]...)

func newCertificateIdentity(c *Certificates) (identity, error) {
	if len(c.CAs) == 0 {
		return nil, errors.New("identity by certificate needs the authorities that issue them; name a file of theirs")
	}
	i := &certificateIdentity{Certificates: c}
	i.known.Store(&map[[sha256.Size]byte]*certified{})
	return i, nil
}

func (c *certificateIdentity) read(a *asking, now int64, p *policy.Principal) int {
	var named [len(identityNames)]string
	if !a.each(identityHeaders, named[:]) || named != [len(identityNames)]string{} {
		return 403
	}
	var values [len(certificateNames)]string
	if !a.each(certificateHeaders, values[:]) {
		return 403
	}
	text, verified := values[0], values[1]
	switch {
	case text == "" && (verified == "" || verified == "NONE"):
		return 401
	case text == "" || verified != "SUCCESS":
		return 403
	}
	sum := sha256.Sum256(bytesOf(text))
	known := (*c.known.Load())[sum]
	if known == nil || known.org == "" && now > known.until {
		known = c.verify(text, now)
		c.keep(sum, known)
	}
	if known.org == "" || now < known.from || now > known.until {
		return 403
	}
	p.Org = known.org
	a.ids = append(a.ids, known.id)
	p.IDs = a.ids
	return 200
}

// keep keeps what a certificate says. Requests that do so at the same time may
// undo each other's, which costs the next one the same again.
func (c *certificateIdentity) keep(sum [sha256.Size]byte, what *certified) {
	old := *c.known.Load()
	next := make(map[[sha256.Size]byte]*certified, len(old)+1)
	if len(old) < maxCertified {
		for k, v := range old {
			next[k] = v
		}
	}
	next[sum] = what
	c.known.Store(&next)
}

// verify reads and verifies a certificate: PEM, escaped as in a URL, or DER in
// base64. What cannot be verified now says nothing for a minute.
func (c *certificateIdentity) verify(text string, now int64) *certified {
	nothing := &certified{until: now + 60}
	var der []byte
	if strings.HasPrefix(text, "-----BEGIN") {
		plain, err := url.PathUnescape(text)
		if err != nil {
			return nothing
		}
		block, rest := pem.Decode([]byte(plain))
		if block == nil || block.Type != "CERTIFICATE" || strings.TrimSpace(string(rest)) != "" {
			return nothing
		}
		der = block.Bytes
	} else {
		var err error
		if der, err = base64.StdEncoding.DecodeString(text); err != nil {
			return nothing
		}
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nothing
	}
	for i := range c.CAs {
		ca := &c.CAs[i]
		chains, err := leaf.Verify(x509.VerifyOptions{Roots: ca.Pool, CurrentTime: time.Unix(now, 0), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		if err != nil {
			continue
		}
		if org, id := c.whose(leaf, ca.Org); org != "" {
			out := &certified{org, id, math.MinInt64, math.MaxInt64}
			for _, link := range chains[0] {
				out.from, out.until = max(out.from, link.NotBefore.Unix()), min(out.until, link.NotAfter.Unix())
			}
			return out
		}
	}
	return nothing
}

// whose tells whose certificate it is; of is the organization that its authority
// is given for, "" for any. The organization is "" if that cannot be told.
func (c *certificateIdentity) whose(leaf *x509.Certificate, of string) (org, id string) {
	if c.Subject {
		if len(leaf.Subject.Organization) != 1 || leaf.Subject.CommonName == "" {
			return "", ""
		}
		org, id = leaf.Subject.Organization[0], "cert/"+leaf.Subject.CommonName
	} else {
		if len(leaf.URIs) != 1 {
			return "", ""
		}
		switch u := leaf.URIs[0]; {
		case u.Scheme == "spiffe" && u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" && u.Opaque == "" && len(u.Path) > 1 && u.EscapedPath() == u.Path:
			org, id = c.SPIFFE[u.Host], "spiffe"+u.Path
		case u.Scheme == "postern" && of != "":
			var provider, name string
			var ok bool
			if org, id, ok = strings.Cut(u.Opaque, "/"); ok {
				provider, name, ok = strings.Cut(id, "/")
			}
			if !ok || name == "" || provider == "" || provider == "group" || provider == "token" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.IndexByte(u.Opaque, '%') >= 0 {
				return "", ""
			}
		}
	}
	if of != "" && org != of {
		return "", ""
	}
	return org, id
}
