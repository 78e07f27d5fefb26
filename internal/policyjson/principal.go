package policyjson

import (
	"strings"

	"postern/internal/value"
	"postern/policy"
)

// This file reads the principals of bucket policies (specification 1.5), and
// identifiers, which organization policies have too (specification 1.4).

const arnPrefix = "arn:aws:iam::"

// identifier reads `provider/name` or `provider/prefix*`. Messages show whole,
// the text that holds it, and advise to write prefix, whatever stands before an
// identifier in that language, and the right identifier.
func (d *decoder) identifier(text, whole, prefix string, at int) policy.PrincipalPattern {
	provider, name, ok := strings.Cut(text, "/")
	star := strings.IndexByte(text, '*')
	if ok && isName(provider, "._-", 64) && name != "" && provider != "group" && provider != "token" {
		switch star {
		case -1:
			return policy.PrincipalPattern{Kind: policy.PrincipalExact, Name: text}
		case len(text) - 1:
			return policy.PrincipalPattern{Kind: policy.PrincipalPrefix, Name: text[:star]}
		}
	}
	shown := quote(whole)
	switch {
	case !ok && strings.Contains(text, "@"):
		d.report(at, msgPrincipalEMail, shown, quote(prefix+"coreweave/UID"))
	case !ok && star < 0:
		d.report(at, msgPrincipalBare, shown, quote(prefix+"role/"+clip(text)), quote(prefix+"coreweave/UID"))
	case !ok || !isName(provider, "._-", 64):
		d.report(at, msgPrincipalProvider, shown, quote(prefix+"provider/name"))
	case name == "":
		d.report(at, msgPrincipalNobody, shown, quote(prefix+provider+"/name"))
	case provider == "group":
		d.report(at, msgPrincipalGroup, shown, quote(prefix+"role/"+clip(name)), quote(prefix+"coreweave/UID"))
	case provider == "token":
		d.report(at, msgPrincipalToken, shown)
	default:
		d.report(at, msgPrincipalStar, shown, quote(prefix+provider+"/NAME"))
	}
	return policy.PrincipalPattern{}
}

// isName reports whether text consists of 1 to most letters, digits and
// characters of also.
func isName(text, also string, most int) bool {
	if text == "" || len(text) > most {
		return false
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if !alphanumeric[c] && strings.IndexByte(also, c) < 0 {
			return false
		}
	}
	return true
}

// alphanumeric are the ASCII letters and digits.
var alphanumeric = func() (set [256]bool) {
	for c := range set {
		set[c] = '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
	}
	return set
}()

func isOrg(text string) bool { return isName(text, "-_", 64) }

const wantPrincipals = `an ARN such as "arn:aws:iam::ORG:role/NAME", or a list of them`

// principalFields are the keys of a Principal object.
var principalFields = [...]field{{"AWS", wantPrincipals, ""}, {"CW", wantPrincipals, ""}}

// bucketPrincipals reads the value of Principal, or of NotPrincipal.
func (d *decoder) bucketPrincipals(f *field, not bool) []policy.PrincipalPattern {
	k := d.s.Peek()
	at := d.s.Offset()
	switch k {
	case '"':
		text, ok := d.readText()
		if ok && text != "*" {
			d.report(at, msgPrincipalText, quote(f.name), principalText(text))
		}
		return []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}
	case '{':
	default:
		d.wrongType(quote(f.name), k, f.want)
		return nil
	}
	n := 0
	d.principals = d.principals[:0]
	d.s.EnterObject()
	for d.s.Member() {
		n++
		at := d.s.KeyOffset()
		twice := d.duplicate()
		key := d.key()
		kind := foreignKindOf(key)
		if name := string(key); kind == nil && name != "AWS" && name != "CW" {
			d.report(at, msgPrincipalKey, quote(key))
			if !value.EqualFoldASCII(name, "AWS") && !value.EqualFoldASCII(name, "CW") {
				d.skip()
				continue
			}
		}
		if twice {
			d.skip()
			continue
		}
		if kind != nil {
			d.strings(&kind.field, true, false, func(text string, at int) {
				if d.notEmpty(&kind.field, text, at) {
					d.foreign = append(d.foreign, foreignPrincipal{text, kind.write, kind.deny, at, not})
				}
			})
			continue
		}
		entry := &principalFields[0]
		if len(key) == len(principalFields[1].name) {
			entry = &principalFields[1]
		}
		d.strings(entry, true, false, func(text string, at int) {
			switch {
			case !d.notEmpty(entry, text, at):
			case strings.HasPrefix(text, sessionPrefix) && d.session(text, at, not):
			default:
				d.principals = append(d.principals, d.bucketPrincipal(text, at))
			}
		})
	}
	if n == 0 && !d.s.Failed() {
		d.report(at, msgPrincipalEmpty, quote(f.name))
	}
	if len(d.principals) == 0 && len(d.foreign) > 0 {
		d.principals = append(d.principals, policy.PrincipalPattern{Kind: policy.PrincipalNobody})
	}
	return d.patternLists.keep(d.principals)
}

// principalText returns the entry of a Principal object to write instead of a
// text.
func principalText(text string) any {
	switch provider, name, ok := strings.Cut(text, "/"); {
	case strings.HasPrefix(text, arnPrefix):
		return insteadPrincipal(text)
	case ok && isName(provider, "._-", 64) && name != "":
		return quote(arnPrefix + "ORG:" + clip(text))
	case isName(text, "._-", 64):
		return quote(arnPrefix + "ORG:provider/" + text)
	}
	return quote(arnPrefix + "ORG:provider/name")
}

// bucketPrincipal reads one principal of specification 1.5.
func (d *decoder) bucketPrincipal(text string, at int) policy.PrincipalPattern {
	none := policy.PrincipalPattern{}
	if !d.short(text, at) {
		return none
	}
	if d.variables && hasVariable(text) {
		d.report(at, msgPrincipalVariable, quote(text))
		return none
	}
	if text == "*" {
		return policy.PrincipalPattern{Kind: policy.PrincipalEveryone}
	}
	if isOrg(text) {
		return policy.PrincipalPattern{Kind: policy.PrincipalAccount, Org: text}
	}
	rest, ok := strings.CutPrefix(text, arnPrefix)
	if !ok {
		provider, name, ok := strings.Cut(text, "/")
		switch {
		case !ok && strings.Contains(text, "@") && !isARN(text):
			d.report(at, msgPrincipalEMail, quote(text), quote(arnPrefix+"ORG:coreweave/UID"))
		case ok && isName(provider, "._-", 64) && name != "":
			d.report(at, msgPrincipalNoOrg, quote(text), quote(arnPrefix+"ORG:"+clip(text)))
		default:
			d.report(at, msgPrincipalARNForm, quote(text))
		}
		return none
	}
	org, name, ok := strings.Cut(rest, ":")
	switch {
	case !ok || name == "":
		d.report(at, msgPrincipalARNForm, quote(text))
	case !isOrg(org):
		d.report(at, msgPrincipalOrg, quote(text))
	case name == "*":
		return policy.PrincipalPattern{Kind: policy.PrincipalOrganization, Org: org}
	case name == "root":
		return policy.PrincipalPattern{Kind: policy.PrincipalAccount, Org: org}
	default:
		p := d.identifier(name, text, text[:len(text)-len(name)], at)
		p.Org = org
		return p
	}
	return none
}
