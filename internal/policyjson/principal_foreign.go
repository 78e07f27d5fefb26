package policyjson

import (
	"strings"

	"postern/policy"
)

// This file reads principals of kinds that AWS has and postern has not
// (specification 1.5). What such an entry means depends on the statement's
// effect, which may come later in the file, so these entries are kept until the
// whole statement was read.

// foreignKind is one such kind of principal.
type foreignKind struct {
	field
	// write is what to write instead in an Allow or a NotPrincipal, and deny in
	// the Principal of a Deny. Neither means more principals than the entry
	// surely does. Where deny is "", postern meets no such caller under any
	// other name, so that the Deny guards against nobody.
	write, deny string
}

const wantForeign = "a string, or a list of them"

// foreignKinds are the kinds, by the key of a Principal object that names them.
var foreignKinds = [...]foreignKind{
	{
		field{"Service", wantForeign, ""},
		`remove it, or write the role that calls in its place, as in "AWS": "arn:aws:iam::ORG:role/NAME"`,
		"",
	},
	{
		field{"Federated", wantForeign, ""},
		`write the callers that it gives, as in "AWS": "arn:aws:iam::ORG:role/ISSUER:SUBJECT" or "arn:aws:iam::ORG:saml/NAME"`,
		`write the callers that it gives, as in "AWS": "arn:aws:iam::ORG:role/ISSUER:*" or "arn:aws:iam::ORG:saml/*"`,
	},
	{
		field{"CanonicalUser", wantForeign, ""},
		`write whom of its account is meant, as in "AWS": "arn:aws:iam::ORG:role/NAME"`,
		`write the callers of its account, as in "AWS": "arn:aws:iam::ORG:*"`,
	},
}

// foreignKindOf returns the kind that a key of a Principal object names, or
// nil.
func foreignKindOf(key []byte) *foreignKind {
	for i := range foreignKinds {
		if string(key) == foreignKinds[i].name {
			return &foreignKinds[i]
		}
	}
	return nil
}

const (
	sessionPrefix = "arn:aws:sts::"
	assumedRole   = ":assumed-role/"
)

// foreignPrincipal is an entry of such a kind in the statement at hand.
type foreignPrincipal struct {
	text        string
	write, deny string // of its foreignKind
	at          int
	not         bool // it stands in NotPrincipal
}

// session keeps arn:aws:sts::ORG:assumed-role/ROLE/SESSION as a foreign
// principal. It returns false if text has another form.
func (d *decoder) session(text string, at int, not bool) bool {
	org, role, ok := strings.Cut(text[len(sessionPrefix):], assumedRole)
	role, _, _ = strings.Cut(role, "/")
	if !ok || !isOrg(org) || role == "" || d.variables && hasVariable(text) {
		return false
	}
	write := "write its role, " + quote(arnPrefix+org+":role/"+clip(role))
	d.foreign = append(d.foreign, foreignPrincipal{text, write, write, at, not})
	return true
}

// foreignPrincipals reports the foreign principals of the statement read last:
// as a warning if the entry only makes the policy stricter, as an error if a
// Deny could be void or an exemption misread.
func (d *decoder) foreignPrincipals(effect policy.Effect) {
	for _, p := range d.foreign {
		switch {
		case effect == policy.EffectNone: // the effect is an error of its own
		case p.not:
			d.report(p.at, msgPrincipalForeignNot, quote(p.text), p.write)
		case effect == policy.EffectDeny && p.deny != "":
			d.report(p.at, msgPrincipalForeignDeny, quote(p.text), p.deny)
		default:
			d.report(p.at, msgPrincipalForeign, p.write)
		}
	}
}
