package policyjson

import (
	"postern/internal/jsonscan"
	"postern/policy"
)

// ParseAccess reads a file of iam/: an AccessPolicy document, or Pulumi role
// records (specification 2). What the file cannot break alone, such as the use
// of a name that nobody defines, is not looked at: see policy.AccessDocument.
// For the rest see ParseOrganization.
func ParseAccess(file string, data []byte, l Limits) (*policy.AccessDocument, []policy.Diagnostic) {
	d := begin(file, data, l)
	defer d.release()
	doc := d.access()
	return finish(d, doc)
}

const (
	apiVersion = "postern/v1"
	accessKind = "AccessPolicy"
	wantAccess = `{"apiVersion": "postern/v1", "kind": "AccessPolicy", ...}, a Pulumi record such as {"id": "ID", "name": "NAME", "details": {...}}, ` +
		`or records as {"roles": [...]} or as a list`
)

// The fields of an AccessPolicy, in the order of these constants.
const (
	acVersion = iota
	acKind
	acMetadata
	acPermissionSets
	acRoles
	acGroups
	acBindings
	acDefaults
	acTokens
	acIssuers
	acEntities
)

var accessSet = fieldSet{
	what: "an AccessPolicy",
	fields: []field{
		acVersion:        {"apiVersion", `"postern/v1"`, `"apiVersion": "postern/v1"`},
		acKind:           {"kind", `"AccessPolicy"`, `"kind": "AccessPolicy"`},
		acMetadata:       {"metadata", `an object such as {"name": "NAME"}, or leave it out`, ""},
		acPermissionSets: {"permissionSets", `an object such as {"NAME": {"resourceType": "stack", "actions": ["stack:read"]}}`, ""},
		acRoles:          {"roles", `an object such as {"NAME": {"rules": [{...}]}}`, ""},
		acGroups:         {"groups", `an object such as {"NAME": {"members": ["pulumi/alice"]}}`, ""},
		acBindings:       {"bindings", `a list of bindings, such as [{"id": "ID", "roles": ["ROLE"], "members": ["pulumi/alice"]}]`, ""},
		acDefaults:       {"defaults", `an object such as {"memberRoles": ["ROLE"]}`, ""},
		acTokens:         {"tokens", `an object such as {"NAME": {"type": "organization", "roles": ["ROLE"]}}`, ""},
		acIssuers:        {"issuers", `an object such as {"NAME": {"url": "https://issuer", "rules": [{...}]}}`, ""},
		acEntities:       {"entities", `an object such as {"stack:ORG/PROJECT/STACK": {"tags": {"env": "prod"}}}`, ""},
	},
}

var metadataSet = fieldSet{
	what: `"metadata"`,
	fields: []field{
		{"name", "a name, a string that is not empty", ""},
		{"legacyGroups", "true or false", ""},
	},
}

var defaultsSet = fieldSet{
	what:   `"defaults"`,
	fields: []field{{"memberRoles", `a list of roles, such as ["ROLE"]`, `"memberRoles": ["ROLE"]`}},
}

// access reads a file of iam/.
func (d *decoder) access() *policy.AccessDocument {
	d.kind = policy.KindAccess
	doc := &policy.AccessDocument{File: d.file}
	d.variables = true
	if d.s.Peek() == jsonscan.Array {
		d.recordList(&field{"the document", wantAccess, ""}, new(recordReader), doc)
		d.s.End()
		return doc
	}
	if !d.object(wantAccess) {
		return nil
	}
	switch accessForm(d.data, d.limits.Depth) {
	case formPolicy:
		d.accessPolicy(doc)
	case formRecord, formRecords:
		d.records(doc)
	default:
		if !d.s.Failed() {
			d.report(d.s.Offset(), msgAccessForm)
		}
		d.skip()
	}
	d.s.End()
	return doc
}

// form is what a file of iam/ holds (specification 2, Pulumi's own JSON).
type form uint8

const (
	formNone    form = iota
	formPolicy       // it has `apiVersion`, or a field that only an AccessPolicy has
	formRecord       // one Pulumi record
	formRecords      // {"roles": [record, ...]}
)

// accessForm tells the form of a document from its fields. An object without
// `apiVersion` that has fields of an AccessPolicy, and not those of a record,
// counts as an AccessPolicy, so that the message is about what is missing.
func accessForm(data []byte, depth int) form {
	var s jsonscan.Scanner
	s.Reset(data, depth, 0, true)
	s.EnterObject()
	var policyField, list, details, recordField bool
	for s.Member() {
		raw, escaped := s.Key()
		if escaped {
			raw = jsonscan.Unescape(nil, raw)
		}
		i, k := indexFold(accessSet.fields, raw), indexFold(recordSet.fields, raw)
		switch {
		case i == acVersion:
			return formPolicy
		case i == acRoles && s.Peek() == jsonscan.Array:
			list = true
		case i >= 0:
			policyField = true
		case k == recDetails || string(raw) == providersDetails:
			details = true
		case k >= 0 && k != recName:
			recordField = true
		}
		s.Skip()
	}
	switch {
	case details && !list:
		return formRecord
	case policyField:
		return formPolicy
	case list:
		return formRecords
	case recordField:
		return formRecord
	}
	return formNone
}

func (d *decoder) accessPolicy(doc *policy.AccessDocument) {
	at := d.s.Offset()
	f := d.fields(&accessSet, func(i int) {
		f := &accessSet.fields[i]
		switch i {
		case acVersion:
			if text, at, ok := d.text(f); ok && text != apiVersion {
				d.report(at, msgVersion, quote(text), f.want)
			}
		case acKind:
			if text, at, ok := d.text(f); ok && text != accessKind {
				d.report(at, msgDocumentKind, quote(text), f.want)
			}
		case acMetadata:
			d.metadata(f, doc)
		case acPermissionSets:
			d.named(f, func(name string, at int) { doc.PermissionSets = append(doc.PermissionSets, d.permissionSet(name, at)) })
		case acRoles:
			d.named(f, func(name string, at int) { doc.Roles = append(doc.Roles, d.role(name, at)) })
		case acGroups:
			d.named(f, func(name string, at int) { doc.Groups = append(doc.Groups, d.group(name, at)) })
		case acBindings:
			d.bindings(f, doc)
		case acDefaults:
			d.defaults(f, doc)
		case acTokens:
			d.named(f, func(name string, at int) {
				d.shortName("a name in "+quote(f.name), name, at)
				doc.Tokens = append(doc.Tokens, d.token(name, at))
			})
		case acIssuers:
			d.named(f, func(name string, at int) {
				d.shortName("a name in "+quote(f.name), name, at)
				doc.Issuers = append(doc.Issuers, d.issuer(name, at))
			})
		case acEntities:
			d.named(f, func(name string, at int) { doc.Entities = append(doc.Entities, d.entity(name, at)) })
		}
	})
	d.missing(&accessSet, &f, at)
}

func (d *decoder) metadata(f *field, doc *policy.AccessDocument) {
	if !d.isObject(quote(f.name), f.want) {
		return
	}
	d.fields(&metadataSet, func(i int) {
		f := &metadataSet.fields[i]
		if i == 0 {
			if text, at, ok := d.text(f); ok && d.notEmptyName(f, text, at) && d.shortName(quote(f.name), text, at) {
				doc.Name, doc.NameAt = text, d.position(at)
			}
			return
		}
		var at int
		if doc.LegacyGroups, at = d.boolean(f); doc.LegacyGroups {
			doc.LegacyGroupsAt = d.position(at)
		}
	})
}

func (d *decoder) defaults(f *field, doc *policy.AccessDocument) {
	if !d.isObject(quote(f.name), f.want) {
		return
	}
	at := d.s.Offset()
	got := d.fields(&defaultsSet, func(i int) { doc.MemberRoles = d.references(&defaultsSet.fields[i], true) })
	d.missing(&defaultsSet, &got, at)
}

// named reads an object whose keys are names. each reads the value of one name.
func (d *decoder) named(f *field, each func(name string, at int)) {
	if !d.isObject(quote(f.name), f.want) {
		return
	}
	d.eachKey(func(at int) {
		name := d.texts.keep(d.key())
		if name == "" {
			d.report(at, msgNameEmpty, quote(f.name))
		}
		each(name, at)
	})
}

// textsOf reads a list of non-empty strings.
func (d *decoder) textsOf(f *field, mayBeEmpty bool, each func(text string, at int)) {
	d.listOf(f, mayBeEmpty, func(k jsonscan.Kind, at int) {
		if k != jsonscan.String {
			d.wrongType("an entry of "+quote(f.name), k, "a string")
		} else if text, ok := d.readText(); ok && d.notEmpty(f, text, at) {
			each(text, at)
		}
	})
}

func (d *decoder) references(f *field, mayBeEmpty bool) (out []policy.Reference) {
	d.textsOf(f, mayBeEmpty, func(text string, at int) {
		out = append(out, policy.Reference{Name: text, At: d.position(at)})
	})
	return out
}

func (d *decoder) boolean(f *field) (is bool, at int) {
	k := d.s.Peek()
	at = d.s.Offset()
	if k != jsonscan.True && k != jsonscan.False {
		d.wrongType(quote(f.name), k, f.want)
		return false, at
	}
	d.s.Literal()
	return k == jsonscan.True, at
}

// position returns the policy.Position of an offset. Offsets have to come in
// ascending order.
func (d *decoder) position(offset int) policy.Position {
	p := policy.Position{File: d.file}
	p.Line, p.Column = d.place(offset)
	return p
}

// counted counts an entry towards the bound on statements. When the bound is
// passed it reports that once.
func (d *decoder) counted(at int) {
	if d.statementCount++; d.statementCount == d.limits.Statements+1 {
		d.report(at, msgStatements, decimal(d.limits.Statements))
	}
}

// oneOf lists, for a message, the words that a misspelled text is close to, or
// all words if it is close to none.
func (d *decoder) oneOf(text string, words []string) string {
	if i := d.nearest([]byte(text), len(words), func(i int) string { return words[i] }); i >= 0 {
		return quote(words[i])
	}
	all := ""
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			all += " or "
		default:
			all += ", "
		}
		all += quote(w)
	}
	return all
}

// wild reports whether text holds a wildcard, or `${`, which looks like a
// variable.
func wild(text string) bool {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c == '*' || c == '?' || c == '$' && i+1 < len(text) && text[i+1] == '{' {
			return true
		}
	}
	return false
}

// seconds reads an object with a whole number of seconds: `maxOpenSeconds`, or
// the name that Pulumi has for it. min is the least, and example is one for
// messages.
func (d *decoder) seconds(set *fieldSet, example string, min uint64) (n uint64) {
	if !d.isObject(set.what, "an object such as "+example) {
		return 0
	}
	at := d.s.Offset()
	f := d.fields(set, func(i int) {
		f := &set.fields[i]
		k := d.s.Peek()
		if k != jsonscan.Number {
			d.wrongType(quote(f.name), k, f.want)
			return
		}
		at := d.s.Offset()
		raw, ok := d.s.NumberText()
		if !ok {
			return
		}
		if n = wholeNumber(raw); n < min || n == 0 && string(raw) != "0" {
			d.report(at, msgWholeNumber, quote(f.name), string(clip(raw)), f.want)
		}
	})
	d.missing(set, &f, at)
	return n
}

// wholeNumber reads a decimal number of 1 to 2^63-1. It returns 0 for any other
// text.
func wholeNumber(text []byte) (n uint64) {
	for _, c := range text {
		if c < '0' || c > '9' || n > (1<<63-1-uint64(c-'0'))/10 {
			return 0
		}
		n = 10*n + uint64(c-'0')
	}
	return n
}
