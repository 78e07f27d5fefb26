package policyjson

import (
	"strings"

	"postern/internal/jsonscan"
	"postern/policy"
)

// This file reads issuers and their rules (specification 2, issuers).

var issuerSet = fieldSet{
	what: "an issuer",
	fields: []field{
		{"url", `the "iss" of its tokens, such as "https://token.actions.githubusercontent.com"`, `"url": "https://issuer"`},
		{"rules", wantIssuerRules, `"rules": [{"effect": "Allow", "roles": ["ROLE"], "claims": {"sub": "repo:acme/app:ref:refs/heads/main"}}]`},
	},
	hints: map[string]string{
		"thumbprints": "postern verifies no tokens; remove it", "jwks": "postern verifies no tokens; remove it",
		"name": "its key is the name; remove it",
	},
}

const wantIssuerRules = `a list such as [{"effect": "Allow", "roles": ["ROLE"], "claims": {"sub": "repo:acme/app:ref:refs/heads/main"}}]`

const (
	issEffect = iota
	issRoles
	issClaims
)

var issuerRuleSet = fieldSet{
	what: "a rule of an issuer",
	fields: []field{
		issEffect: {"effect", `"Allow" or "Deny"`, `"effect": "Allow" or "effect": "Deny"`},
		issRoles:  {"roles", wantRoles, ""},
		issClaims: {"claims", `an object such as {"sub": "repo:acme/app:ref:refs/heads/main"}`, `"claims": {"sub": "repo:acme/app:ref:refs/heads/main"}, or those that its tokens have`},
	},
	hints: map[string]string{"decision": `write "effect": "Allow" or "effect": "Deny"`},
}

func (d *decoder) issuer(name string, nameAt int) policy.Issuer {
	iss := policy.Issuer{Name: name, At: d.position(nameAt)}
	if !d.isObject("an issuer", `an object such as {"url": "https://issuer", "rules": [{...}]}`) {
		return iss
	}
	at := d.s.Offset()
	f := d.fields(&issuerSet, func(i int) {
		f := &issuerSet.fields[i]
		if i == 0 {
			if text, at, ok := d.text(f); ok && d.notEmptyName(f, text, at) {
				iss.URL, iss.URLAt = text, d.position(at)
			}
			return
		}
		d.objectsOf(f, "a rule, an object", func() { iss.Rules = append(iss.Rules, d.issuerRule()) })
	})
	d.missing(&issuerSet, &f, at)
	return iss
}

func (d *decoder) issuerRule() (r policy.IssuerRule) {
	at := d.s.Offset()
	d.counted(at)
	r.At = d.position(at)
	f := d.fields(&issuerRuleSet, func(i int) {
		f := &issuerRuleSet.fields[i]
		switch i {
		case issEffect:
			if allow, ok := d.effect(f); ok {
				r.Effect = effectOf(allow)
			}
		case issRoles:
			r.Roles = d.references(f, false)
		case issClaims:
			r.Claims = d.claims(f)
		}
	})
	d.missing(&issuerRuleSet, &f, at)
	switch {
	case d.s.Failed():
	case r.Effect == policy.EffectAllow && !f.has(issRoles) && !f.mentioned[issRoles]:
		d.report(at, msgMissing, "an Allow of an issuer", quote("roles"), `"roles": ["ROLE"]`)
	case r.Effect == policy.EffectDeny && f.has(issRoles):
		d.report(f.at[issRoles]-1, msgIssuerDeny)
	}
	return r
}

func (d *decoder) claims(f *field) (out []policy.ClaimPattern) {
	if !d.isObject(quote(f.name), f.want) {
		return nil
	}
	at := d.s.Offset()
	if d.eachKey(func(at int) {
		c := policy.ClaimPattern{Path: d.texts.keep(d.key()), At: d.position(at)}
		if !isClaimPath(c.Path) {
			d.report(at, msgClaimPath, quote(c.Path))
		} else if url, ok := quotedURL(c.Path); ok {
			d.report(at, msgClaimURL, quote(c.Path), instead(url))
		}
		if k := d.s.Peek(); k != jsonscan.String {
			d.wrongType("the claim "+quote(c.Path), k, `a pattern, a string such as "repo:acme/app:ref:refs/heads/main"`)
			return
		}
		at = d.s.Offset()
		text, ok := d.readText()
		if ok && d.short(text, at) {
			c.Pattern = text
			out = append(out, c)
		}
	}) {
		d.report(at, msgEmptyObject, quote(f.name), `what a token has to say, as in {"sub": "repo:acme/app:ref:refs/heads/main"}`)
	}
	return out
}

// isClaimPath reports whether a path is written as specification 1.7 writes
// nested claims: names joined with dots, where a name that holds a dot, and no
// other name, stands in double quotes.
func isClaimPath(path string) bool {
	for {
		name, rest, more := "", "", false
		if quoted, ok := strings.CutPrefix(path, `"`); ok {
			name, rest, ok = strings.Cut(quoted, `"`)
			if !ok || !strings.Contains(name, ".") {
				return false
			}
			if path, more = strings.CutPrefix(rest, "."); !more && rest != "" {
				return false
			}
		} else {
			name, path, more = strings.Cut(path, ".")
			if strings.Contains(name, `"`) {
				return false
			}
		}
		if name == "" {
			return false
		}
		if !more {
			return true
		}
	}
}

// quotedURL finds in a path the name of a claim that is a URL
// (`https://acme.com/team`, `acme.com/team`) and stands without quotes, so that
// it would be split at its dots. It returns the path with quotes around the
// name.
func quotedURL(path string) (string, bool) {
	// Every second piece stands in quotes, since no name holds a quote.
	pieces := strings.Split(path, `"`)
	found := false
	for i := 0; i < len(pieces); i += 2 {
		name := strings.Trim(pieces[i], ".")
		if !strings.Contains(name, "/") || !strings.Contains(name, ".") {
			continue
		}
		found = true
		pieces[i] = strings.Replace(pieces[i], name, `"`+name+`"`, 1)
	}
	return strings.Join(pieces, `"`), found
}
