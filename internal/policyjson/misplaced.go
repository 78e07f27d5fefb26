package policyjson

import (
	"postern/internal/jsonscan"
	"postern/internal/value"
	"postern/policy"
)

// instead tells, from the top-level fields of a broken document, whether it is
// a whole document of another kind, or a policy in the wrapping of another
// program. One message then replaces all errors, which would be about single
// fields. at is the offset to show.
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

// belongs has for each kind of document the message that says where it belongs.
var belongs = map[policy.Kind]code{
	policy.KindOrganization: msgBelongsPolicies,
	policy.KindBucket:       msgBelongsBuckets,
	policy.KindBucketList:   msgBelongsList,
	policy.KindAccess:       msgBelongsIAM,
}

// evidence is what the names of a document's top-level fields and the value of
// its version say about its kind.
type evidence struct {
	fields     [policy.KindAccess + 1]bool // by kind: there is a field that only this kind has
	not        policy.Kind                 // the kind that the version rules out
	policyText bool                        // "Policy" with a string: get-bucket-policy
	list       bool                        // a list of policies
	template   bool                        // CloudFormation or Terraform around a policy
}

// kind returns the only kind that the evidence allows; ok is false if there is
// none, or more than one.
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

// templates are, in lower case, the fields that templates wrap around a policy,
// with the kind of their values.
var templates = map[string]jsonscan.Kind{
	"policydocument": jsonscan.Object, // CloudFormation's properties
	"properties":     jsonscan.Object, // a resource of CloudFormation
	"resources":      jsonscan.Object, // a template of CloudFormation
	"resource":       jsonscan.Object, // Terraform's JSON syntax
	"data":           jsonscan.Object,
}

// topLevel reads the top-level fields of a document, as far as they can be
// read, and returns the offset at which the document begins.
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
