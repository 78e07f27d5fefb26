package policyjson

import (
	"strings"

	"postern/policy"
)

// Kinds of callers that AWS has and postern has not (specification 1.5). What
// one of them means depends on the statement's effect, which may stand behind
// it, so that such entries are kept until the statement is read.

// foreignKind is one kind of such callers.
type foreignKind struct {
	field
	// write is what to write instead, and deny the same in the Principal of a
	// Deny: neither says more than is surely meant. Without deny, a Deny of such
	// callers guards against nobody whom postern could meet under another name.
	write, deny string
}

const wantForeign = "a string, or a list of them"

// The keys of a Principal object that name such callers.
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

// foreignKindOf returns the kind that a key of a Principal object names; nil if
// it names none.
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

// foreignPrincipal is an entry that names such callers.
type foreignPrincipal struct {
	text        string
	write, deny string // as foreignKind has them
	at          int
	not         bool // it stands in NotPrincipal
}

// session keeps arn:aws:sts::ORG:assumed-role/ROLE/SESSION as a foreign
// principal; false if text has another form.
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

// foreignPrincipals reports the foreign principals of the statement read last.
// Where one only makes the policy stricter it is a warning; where a guard could
// be lost, or an exemption misread, it is an error.
func (d *decoder) foreignPrincipals(effect policy.Effect) {
	for _, p := range d.foreign {
		switch {
		case effect == policy.EffectNone: // an error of its own
		case p.not:
			d.report(p.at, msgPrincipalForeignNot, quote(p.text), p.write)
		case effect == policy.EffectDeny && p.deny != "":
			d.report(p.at, msgPrincipalForeignDeny, quote(p.text), p.deny)
		default:
			d.report(p.at, msgPrincipalForeign, p.write)
		}
	}
}
