package policyjson

import (
	"slices"

	"postern/internal/jsonscan"
	"postern/policy"
)

// This file reads Pulumi's role records (specification 2, Pulumi's own JSON).

const (
	recID = iota
	recName
	recResourceType
	recPurpose
	recDetails
	recIdentifier
	recDefault
)

var recordSet = fieldSet{
	what: "a record",
	fields: []field{
		recID:           {"id", "a string", ""},
		recName:         {"name", "a string", ""},
		recResourceType: {"resourceType", `"global", "stack", "environment" or "insights-account"`, ""},
		recPurpose:      {"uxPurpose", `a string, such as "role"`, ""},
		recDetails:      {"details", wantDescriptor, `"details": {"__type": "PermissionDescriptorAllow", "permissions": ["stack:read"]}, or what it grants`},
		recIdentifier:   {"defaultIdentifier", "a string", ""},
		recDefault:      {"isOrgDefault", "true or false", ""},
	},
}

// recordTypes are Pulumi's resource types of records.
var recordTypes = []string{"global", "stack", "environment", "insights-account"}

// passedOver are the fields that Pulumi's API adds to a record and that do not
// say what it grants.
var passedOver = []string{"created", "modified", "orgId", "version", "description"}

// providersDetails is the name that Pulumi's provider has for the field
// `details`.
const providersDetails = "permissions"

// recordReader is the state that the records of one file share.
type recordReader struct {
	ids    names
	unread names // fields that a warning was given for
}

// records reads a file of records: one, a list of them, or an object with a
// list.
func (d *decoder) records(doc *policy.AccessDocument) {
	var rr recordReader
	if accessForm(d.data, d.limits.Depth) == formRecord {
		doc.Records = append(doc.Records, d.record(&rr))
		return
	}
	rolesAt := -1
	d.s.EnterObject()
	for d.s.Member() {
		at := d.s.KeyOffset()
		switch {
		case d.duplicate():
			d.skip()
		case string(d.key()) == "roles":
			rolesAt = at
			d.recordList(&field{"roles", "a list of records", ""}, &rr, doc)
		default:
			d.unread(&rr, d.key(), "a file of records", at)
			d.skip()
		}
	}
	if rolesAt < 0 && !d.s.Failed() {
		d.report(0, msgAccessForm)
	}
}

// recordList reads a list of records.
func (d *decoder) recordList(f *field, rr *recordReader, doc *policy.AccessDocument) {
	d.listOf(f, true, func(k jsonscan.Kind, at int) {
		switch {
		case k != jsonscan.Object:
			d.wrongType("a record", k, `an object such as {"id": "ID", "name": "NAME", "details": {...}}`)
		case accessForm(d.data[at:], d.limits.Depth) == formPolicy:
			d.report(at, msgListedPolicy)
			d.skip()
		default:
			doc.Records = append(doc.Records, d.record(rr))
		}
	})
}

// unread warns of a field that is not used, once a file for each name.
func (d *decoder) unread(rr *recordReader, key []byte, what string, at int) {
	name := clip(key)
	if _, said := rr.unread.add(name, at); !said {
		d.report(at, msgRecordField, quote(key), what)
	}
}

func (d *decoder) record(rr *recordReader) policy.Record {
	at := d.s.Offset()
	r := policy.Record{At: d.position(at), ResourceType: "global"}
	d.scopes = d.scopes[:0]
	var f found
	providers := -1 // the offset of providersDetails
	d.s.EnterObject()
	for d.nextMember() {
		at, key := d.s.KeyOffset(), d.key()
		i := indexField(recordSet.fields, key)
		switch {
		case i >= 0:
			f.at[i] = at + 1
			if i != recDetails && d.s.Peek() == jsonscan.Null { // Pulumi writes null for a field that is not set
				d.skip()
				continue
			}
			d.recordField(rr, &r, i)
			continue
		case string(key) == providersDetails:
			providers = at
		case !slices.Contains(passedOver, string(key)):
			d.unread(rr, key, recordSet.what, at)
		}
		d.skip()
	}
	if providers >= 0 {
		if f.has(recDetails) {
			d.unread(rr, []byte(providersDetails), recordSet.what, providers)
		} else {
			f.mentioned[recDetails] = true
			d.report(providers, msgUnknownHint, quote(providersDetails), recordSet.what, `write "details", as Pulumi's API calls it`)
		}
	}
	d.missing(&recordSet, &f, at)
	if r.ID == "" && r.Name == "" && !d.s.Failed() {
		d.report(at, msgHasNeither, recordSet.what, quote("id"), quote("name"), `"name": "NAME"`)
	}
	d.scopeTypes(r.ResourceType)
	return r
}

func (d *decoder) recordField(rr *recordReader, r *policy.Record, i int) {
	f := &recordSet.fields[i]
	switch i {
	case recDetails:
		r.Details = d.descriptor()
		return
	case recDefault:
		r.OrgDefault, _ = d.boolean(f)
		return
	}
	text, at, ok := d.text(f)
	if !ok {
		return
	}
	switch i {
	case recID:
		d.shortName(quote(f.name), text, at)
		r.ID, r.IDAt = text, d.position(at)
		if other, twice := rr.ids.add(text, at); twice && text != "" {
			d.reportOther(at, other, msgRecordID, quote(text))
		}
	case recName:
		d.shortName(quote(f.name), text, at)
		r.Name, r.NameAt = text, d.position(at)
	case recResourceType:
		if text == "" {
			text = "global"
		}
		if !slices.Contains(recordTypes, text) {
			d.report(at, msgRecordType, quote(text), d.oneOf(text, recordTypes))
		}
		r.ResourceType = text
	case recPurpose:
		r.Purpose = text
	case recIdentifier:
		r.DefaultIdentifier = text
	}
}

const descriptorPrefix = "PermissionDescriptor"

const wantDescriptor = `an object such as {"__type": "PermissionDescriptorAllow", "permissions": ["stack:read"]}`

const (
	descType = iota
	descPermissions
	descConstraints
	descEntries
	descInclude
	descCondition
	descThen
	descTrue
	descFalse
	descSelector
	descOptions
)

// typeHints are the names that Pulumi's programs have for the field `__type`,
// and that its REST API does not have.
var typeHints = map[string]string{
	"type__": `write "__type"`, "kind": `write "__type"`, "discriminator": `write "__type"`, "type": `write "__type"`,
	"on": `put the node into a PermissionDescriptorCondition`,
}

var descriptorSet = fieldSet{
	what: "a permission descriptor",
	fields: []field{
		descType:        {"__type", `a type such as "PermissionDescriptorAllow"`, `"__type": "PermissionDescriptorAllow", or its type`},
		descPermissions: {"permissions", `a list of scopes, such as ["stack:read"]`, ""},
		descConstraints: {"constraints", `an object such as {"MaxOpenDuration": 3600}`, ""},
		descEntries:     {"entries", "a list of permission descriptors", ""},
		descInclude:     {"permissionDescriptors", `a list of records' ids, such as ["ID"]`, ""},
		descCondition:   {"condition", wantExpression, ""},
		descThen:        {"subNode", wantDescriptor, ""},
		descTrue:        {"subNodeForTrue", wantDescriptor, ""},
		descFalse:       {"subNodeForFalse", wantDescriptor, ""},
		descSelector:    {"selector", wantExpression, ""},
		descOptions:     {"options", `a list such as [{"value": {...}, "node": {...}}]`, ""},
	},
	hints: typeHints,
}

// nodeType is a type of node, with the fields that it takes. None is required,
// as Pulumi's client leaves out zero values (specification 2, Pulumi's own
// JSON).
type nodeType struct {
	name  string
	takes []int
}

var descriptorTypes = []nodeType{ // in the order of policy.DescriptorKind, from DescriptorAllow
	{"Allow", []int{descPermissions, descConstraints}},
	{"Group", []int{descEntries}},
	{"Compose", []int{descInclude}},
	{"Condition", []int{descCondition, descThen}},
	{"IfThenElse", []int{descCondition, descTrue, descFalse}},
	{"Select", []int{descSelector, descOptions}},
}

var descriptorNames = func() (out []string) {
	for _, t := range descriptorTypes {
		out = append(out, descriptorPrefix+t.name)
	}
	return out
}()

var durationSet = fieldSet{
	what:   `"constraints"`,
	fields: []field{{"MaxOpenDuration", "a whole number of seconds, or 0 for no limit", ""}},
}

var optionSet = fieldSet{
	what: "an option",
	fields: []field{
		{"value", `a literal such as {"__type": "PermissionLiteralExpressionString", "value": "dev"}`, ""},
		{"node", wantDescriptor, ""},
	},
}

// descriptor reads one node of a record's tree. Its type may come after its
// other fields, so every field is read as what it is in the types that have it,
// and fields that do not go with the type are reported at the end.
func (d *decoder) descriptor() *policy.Descriptor {
	if !d.isObject("a permission descriptor", wantDescriptor) {
		return nil
	}
	at := d.s.Offset()
	n := &policy.Descriptor{At: d.position(at)}
	var then [2]*policy.Descriptor // Then of a Condition, and of an IfThenElse
	var otherwise *policy.Descriptor
	f := d.fields(&descriptorSet, func(i int) {
		f := &descriptorSet.fields[i]
		switch i {
		case descType:
			n.Kind = policy.DescriptorKind(d.nodeType(f, descriptorNames))
		case descPermissions:
			n.Permissions = d.permissions(f)
		case descConstraints:
			if d.s.Peek() == jsonscan.Null {
				d.skip()
				return
			}
			n.MaxOpenSeconds = d.seconds(&durationSet, `{"MaxOpenDuration": 3600}`, 0)
		case descEntries:
			d.listOf(f, true, func(jsonscan.Kind, int) {
				n.Entries = append(n.Entries, d.descriptor())
			})
		case descInclude:
			n.Include = d.references(f, true)
		case descCondition:
			var at int
			n.Condition, at = d.expression()
			d.isCondition(n.Condition, at)
		case descThen:
			then[0] = d.descriptor()
		case descTrue:
			then[1] = d.descriptor()
		case descFalse:
			otherwise = d.descriptor()
		case descSelector:
			n.Selector, _ = d.expression()
		case descOptions:
			n.Options = d.options(f)
		}
	})
	d.missing(&descriptorSet, &f, at)
	if n.Kind == 0 {
		return n
	}
	d.nodeFields(&descriptorSet, &descriptorTypes[n.Kind-1], descriptorNames[n.Kind-1], &f)
	switch n.Kind {
	case policy.DescriptorAllow:
		d.counted(at)
	case policy.DescriptorCondition:
		n.Then = then[0]
	case policy.DescriptorIfThenElse:
		n.Then, n.Else = then[1], otherwise
	}
	return n
}
