package policyjson

import (
	"postern/internal/jsonscan"
	"postern/internal/value"
	"postern/policy"
)

// instead says what a broken document is, where the names of its top-level
// fields show it to be something whole that has no place here: a policy of
// another kind, or the wrapping in which another program handed it out. One
// sentence then takes the place of all errors, which would speak of each field.
// at is the place to show.
func (d *decoder) instead() (c code, at int, ok bool) {
	seen, at := topLevel(d.data)
	switch {
	case seen.fields[d.kind]:
		return 0, 0, false
	case seen.policyText:
		return msgPolicyText, at, true
	case seen.list && d.kind != policy.KindAccess && d.kind != policy.KindBucketList:
		return msgPolicyList, at, true
	case seen.template:
		return msgTemplate, at, true
	}
	kind, ok := seen.kind()
	return belongs[kind], at, ok
}

// belongs says where a document of a kind has its place.
var belongs = map[policy.Kind]code{
	policy.KindOrganization: msgBelongsPolicies,
	policy.KindBucket:       msgBelongsBuckets,
	policy.KindBucketList:   msgBelongsList,
	policy.KindAccess:       msgBelongsIAM,
}

// evidence is what the names of a document's top-level fields, and the value of
// its version, say of what it is.
type evidence struct {
	fields     [policy.KindAccess + 1]bool // a field of that kind is there
	not        policy.Kind                 // the version is another's than this kind's
	policyText bool                        // "Policy" with a string: get-bucket-policy
	list       bool                        // a list of policies
	template   bool                        // CloudFormation or Terraform around a policy
}

// kind is the one kind that the evidence speaks for; false if there is none, or
// more than one.
func (e *evidence) kind() (kind policy.Kind, ok bool) {
	for k, there := range e.fields {
		if !there {
			continue
		}
		if ok {
			return policy.KindNone, false
		}
		kind, ok = policy.Kind(k), true
	}
	return kind, ok && kind != e.not
}

// templates are the fields, in lower case, of what templates wrap around a
// policy, and the kind of their values.
var templates = map[string]jsonscan.Kind{
	"policydocument": jsonscan.Object, // CloudFormation's properties
	"properties":     jsonscan.Object, // a resource of CloudFormation
	"resources":      jsonscan.Object, // a template of CloudFormation
	"resource":       jsonscan.Object, // Terraform's JSON syntax
	"data":           jsonscan.Object,
}

// topLevel reads the top-level fields of a document as far as it can be read,
// and returns the place where it begins.
func topLevel(data []byte) (e evidence, at int) {
	var s jsonscan.Scanner
	s.Reset(data, jsonscan.MaxDepth, 0, true)
	switch s.Peek() {
	case jsonscan.Object:
	case jsonscan.Array:
		at = s.Offset()
		s.EnterArray()
		e.list = s.Element() && s.Peek() == jsonscan.Object
		return e, at
	default:
		return e, 0
	}
	at = s.Offset()
	s.EnterObject()
	for s.Member() {
		raw, escaped := s.Key()
		if escaped {
			raw = jsonscan.Unescape(nil, raw)
		}
		if len(raw) > longestTelling {
			s.Skip()
			continue
		}
		name := value.FoldASCII(string(raw))
		k := s.Peek()
		switch kind, ok := telling[name]; {
		case name == "policy" && k == jsonscan.String:
			e.policyText = true
		case name == "policies" && k == jsonscan.Array:
			e.list = true
		case name == "version" && k == jsonscan.String:
			raw, _, _ := s.Text()
			if kind := versionKind(raw); kind == policy.KindOrganization {
				e.not = policy.KindBucket
			} else if kind == policy.KindBucket {
				e.not = policy.KindOrganization
			}
			continue
		case ok:
			e.fields[kind] = true
		case templates[name] == k && k == jsonscan.Object:
			e.template = true
		}
		s.Skip()
	}
	return e, at
}
