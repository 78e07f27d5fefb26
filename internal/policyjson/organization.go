package policyjson

import (
	"slices"
	"strings"

	"postern/internal/action"
	"postern/internal/pattern"
	"postern/internal/value"
	"postern/policy"
)

const wantOrganization = `{"version": "v1alpha1", "name": "NAME", "statements": [...]}`

// The fields of an organization policy, in the order of these constants.
const (
	orgVersion = iota
	orgName
	orgStatements
	orgPolicy // only as a field of orgTop
)

var orgFields = []field{
	orgVersion:    {"version", `"v1alpha1"`, `"version": "v1alpha1"`},
	orgName:       {"name", "a name, a string that is not empty", `"name": "NAME"`},
	orgStatements: {"statements", "a list of statements", `"statements": [{...}]`},
}

var orgBody = fieldSet{what: "an organization policy", fields: orgFields}

var orgTop = fieldSet{what: "an organization policy", fields: append(slices.Clip(orgFields),
	field{"policy", wantOrganization, ""})}

const (
	orgStName = iota
	orgStEffect
	orgStActions
	orgStResources
	orgStPrincipals
)

var orgStatement = fieldSet{
	what: "a statement of an organization policy",
	fields: []field{
		orgStName:       {"name", "a name, a string that is not empty", `"name": "NAME"`},
		orgStEffect:     {"effect", `"Allow" or "Deny"`, `"effect": "Allow" or "effect": "Deny"`},
		orgStActions:    {"actions", `a list of actions, such as ["s3:GetObject"]`, `"actions": ["s3:GetObject"], or what is meant`},
		orgStResources:  {"resources", `a list of resources, such as ["BUCKET", "BUCKET/KEY"]`, `"resources": ["BUCKET", "BUCKET/KEY"], or what is meant`},
		orgStPrincipals: {"principals", `a list of principals, such as ["role/Admin"]`, `"principals": ["role/NAME"], or whom it is for`},
	},
	hints: map[string]string{
		"condition":     noConditions,
		"conditions":    noConditions,
		"notprincipal":  noNegation,
		"notprincipals": noNegation,
		"notaction":     noNegation,
		"notactions":    noNegation,
		"notresource":   noNegation,
		"notresources":  noNegation,
		"sid":           `write "name"`,
	},
}

// everyoneMeant is what to write instead of the ARN of a whole account.
const everyoneMeant = `the identifiers of those who are meant`

const (
	noConditions = "write the condition into a bucket policy, or remove it"
	noNegation   = `name those meant in a "Deny" statement of their own`
)

// organization reads an organization policy, with or without its wrapper
// `policy`.
func (d *decoder) organization() *policy.Document {
	doc := d.newDocument(policy.KindOrganization)
	if !d.object(wantOrganization) {
		return nil
	}
	at := d.s.Offset()
	set := &orgTop
	wrapped := false
	f := d.fields(set, func(i int) {
		switch k := d.s.Peek(); {
		case i != orgPolicy:
			d.organizationField(doc, i)
		case k != '{':
			d.wrongType(`"policy"`, k, set.fields[i].want)
			wrapped = true
		default:
			wrapped = true
			at := d.s.Offset()
			inner := d.fields(&orgBody, func(i int) { d.organizationField(doc, i) })
			d.missing(&orgBody, &inner, at)
		}
	})
	if wrapped {
		for i, at := range f.at[:orgPolicy] {
			if at > 0 {
				d.report(at-1, msgBesideWrapper, quote(set.fields[i].name))
			}
		}
	} else {
		d.missing(set, &f, at)
	}
	d.s.End()
	return doc
}

func (d *decoder) organizationField(doc *policy.Document, i int) {
	f := &orgFields[i]
	switch i {
	case orgVersion:
		if text, at, ok := d.text(f); ok && text != "v1alpha1" {
			d.report(at, msgVersion, quote(text), f.want)
		}
	case orgName:
		if text, at, ok := d.text(f); ok {
			_ = d.notEmptyName(f, text, at) && d.shortName(quote(f.name), text, at)
			doc.Name = text
			doc.NameLine, doc.NameColumn = d.place(at)
		}
	case orgStatements:
		d.seen.forget()
		doc.Statements = d.statements(f, false, d.organizationStatement)
	}
}

func (d *decoder) organizationStatement(st *policy.Statement) {
	at := d.s.Offset()
	st.Line, st.Column = d.place(at)
	resourcesAt := at
	f := d.fields(&orgStatement, func(i int) {
		f := &orgStatement.fields[i]
		switch i {
		case orgStName:
			if text, at, ok := d.text(f); ok && d.notEmptyName(f, text, at) && d.shortName(quote(f.name), text, at) {
				st.Name = text
				d.statementName(text, at)
			}
		case orgStEffect:
			if allow, ok := d.effect(f); ok {
				st.Effect = effectOf(allow)
			}
		case orgStActions:
			st.Actions = d.entries(f, false, d.organizationAction)
		case orgStResources:
			d.s.Peek()
			resourcesAt = d.s.Offset()
			st.Resources = d.entries(f, false, d.organizationResource)
		case orgStPrincipals:
			d.principals = d.principals[:0]
			d.strings(f, false, false, func(text string, at int) {
				if d.notEmpty(f, text, at) {
					d.principals = append(d.principals, d.organizationPrincipal(text, at))
				}
			})
			st.Principals = d.patternLists.keep(d.principals)
		}
	})
	d.missing(&orgStatement, &f, at)
	if len(st.Actions) > 0 && len(st.Resources) > 0 && !slices.Contains(st.Resources, "*") &&
		!slices.ContainsFunc(st.Actions, func(a string) bool { return !wholeOrganization(a) }) {
		d.report(resourcesAt, msgWholeOrganization)
	}
}

// wholeOrganization reports whether a pattern can match only actions that are
// asked on the whole organization, as specification 1.4 lists them.
func wholeOrganization(pattern string) bool {
	const service = "cwobject:"
	return len(pattern) > len(service) && value.EqualFoldASCII(pattern[:len(service)], service) ||
		value.EqualFoldASCII(pattern, "s3:ListAllMyBuckets")
}

func (d *decoder) statementName(text string, at int) {
	if other, twice := d.seen.add(text, at); twice {
		d.reportOther(at, other, msgStatementName, quote(text))
	}
}

func effectOf(allow bool) policy.Effect {
	if allow {
		return policy.EffectAllow
	}
	return policy.EffectDeny
}

// entries reads a list of non-empty strings. check looks at each, and returns
// what is kept.
func (d *decoder) entries(f *field, single bool, check func(f *field, text string, at int) string) []string {
	d.list = d.list[:0]
	d.strings(f, single, false, func(text string, at int) {
		if d.notEmpty(f, text, at) {
			d.list = append(d.list, check(f, text, at))
		}
	})
	return d.textLists.keep(d.list)
}

func (d *decoder) notEmpty(f *field, text string, at int) bool {
	if text == "" {
		d.report(at, msgEmptyText, quote(f.name), f.want)
		return false
	}
	return true
}

func (d *decoder) notEmptyName(f *field, text string, at int) bool {
	if text == "" {
		d.report(at, msgEmptyName, quote(f.name), f.want)
		return false
	}
	return true
}

// short reports a pattern that is too long.
func (d *decoder) short(text string, at int) bool {
	if len(text) > pattern.MaxLen {
		d.report(at, msgPatternLong, decimal(len(text)))
		return false
	}
	return true
}

// plainVariable warns of `${`. What stands behind it is no condition key if it
// names no service: then it is a template that was not filled in.
func (d *decoder) plainVariable(text string, at int) {
	i := variableAt(text)
	if i < 0 {
		return
	}
	if key, _, ok := strings.Cut(text[i+len("${"):], "}"); ok && key != "" && !strings.ContainsAny(key, ":.") {
		d.report(at, msgPlainTemplate, quote(text), quote("${"+key+"}"))
		return
	}
	d.report(at, msgPlainVariable, quote(text))
}

func (d *decoder) organizationAction(_ *field, text string, at int) string {
	if id, ok := action.Lookup(text); ok && action.ClassOfID(id) != action.IAM {
		return text // the usual case
	}
	if !d.short(text, at) || !d.actionForm(text, at) {
		return text
	}
	if c := action.ClassOf(text); text != "*" && !c.S3() && c != action.ControlPlane {
		d.report(at, msgOrganizationService, quote(text))
		return text
	}
	d.plainVariable(text, at)
	d.knownAction(text, at)
	return text
}

func (d *decoder) organizationResource(_ *field, text string, at int) string {
	if !d.short(text, at) {
		return text
	}
	d.priced(text, at)
	if isARN(text) {
		d.organizationARN(text, at)
		return text
	}
	d.plainVariable(text, at)
	return text
}

// organizationARN reports a resource that is an ARN.
func (d *decoder) organizationARN(text string, at int) {
	write := quote("BUCKET/KEY")
	if service := otherService(text); service != "" {
		d.report(at, msgResourceService, quote(text), quote(service), write)
		return
	}
	if short, ok := s3Resource(text, ""); ok {
		d.report(at, msgResourceARN, quote(text), insteadIf(!strings.HasPrefix(short, "BUCKET/"), short))
		return
	}
	d.report(at, msgResourceARN, quote(text), write)
}

// organizationPrincipal reads a principal of specification 1.4.
func (d *decoder) organizationPrincipal(text string, at int) policy.PrincipalPattern {
	switch {
	case !d.short(text, at):
		return policy.PrincipalPattern{}
	case text == "*":
		return policy.PrincipalPattern{Kind: policy.PrincipalEveryone}
	case isARN(text):
		write, ok := arnIdentifier(text)
		if !ok {
			write = "provider/name"
		}
		if write == "*" { // of whose organization is not known here
			d.report(at, msgPrincipalARN, quote(text), everyoneMeant)
		} else {
			d.report(at, msgPrincipalARN, quote(text), insteadIf(ok, write))
		}
		return policy.PrincipalPattern{}
	}
	d.plainVariable(text, at)
	return d.identifier(text, text, "", at)
}

func isARN(text string) bool {
	return len(text) >= 4 && value.EqualFoldASCII(text[:4], "arn:")
}
