package policyjson

import (
	"bytes"

	"postern/internal/jsonscan"
	"postern/internal/value"
	"postern/policy"
)

const wantList = `{"buckets": ["BUCKET"]}`

var bucketListSet = fieldSet{
	what:   "a bucket list",
	fields: []field{{"buckets", `a list of bucket names, such as ["a", "b"]`, wantList[1 : len(wantList)-1]}},
}

// bucketList reads a buckets.json (specification 4).
func (d *decoder) bucketList() []string {
	d.kind = policy.KindBucketList
	if !d.object(wantList) {
		return nil
	}
	at := d.s.Offset()
	out := []string{}
	var seen names
	f := d.fields(&bucketListSet, func(i int) {
		f := &bucketListSet.fields[i]
		if k := d.s.Peek(); k != jsonscan.Array {
			d.wrongType(quote(f.name), k, f.want)
			return
		}
		d.s.EnterArray()
		for d.s.Element() {
			k := d.s.Peek()
			at := d.s.Offset()
			if k != jsonscan.String {
				d.wrongType(`an entry of "buckets"`, k, "a string")
				continue
			}
			text, ok := d.readText()
			switch {
			case !ok:
			case !isName(text, ".-_", 255):
				d.report(at, msgBucketName, quote(text))
			default:
				if _, twice := seen.add(text, at); !twice {
					out = append(out, text)
				}
			}
		}
	})
	d.missing(&bucketListSet, &f, at)
	d.s.End()
	return out
}

// kindOf tells the kind of a document from the names of its top-level fields,
// as far as they can be read. The first that belongs to one kind only decides;
// KindNone if there is none.
func kindOf(data []byte) policy.Kind {
	var s jsonscan.Scanner
	s.Reset(withoutMark(data), jsonscan.MaxDepth, 0, true)
	if s.Peek() == jsonscan.Array { // a list holds Pulumi's records, or is nothing
		s.EnterArray()
		if s.Element() && s.Peek() == jsonscan.Object && kindOf(data[len(data)-len(withoutMark(data))+s.Offset():]) == policy.KindAccess {
			return policy.KindAccess
		}
		return policy.KindNone
	}
	if s.Peek() != jsonscan.Object {
		return policy.KindNone
	}
	s.EnterObject()
	for s.Member() {
		raw, escaped := s.Key()
		if escaped {
			raw = jsonscan.Unescape(nil, raw)
		}
		if len(raw) <= longestTelling {
			if kind, ok := telling[value.FoldASCII(string(raw))]; ok {
				return kind
			}
			if value.EqualFoldASCII(string(raw), "version") && s.Peek() == jsonscan.String {
				raw, _, _ := s.Text()
				if kind := versionKind(raw); kind != policy.KindNone {
					return kind
				}
				continue
			}
		}
		s.Skip()
	}
	return policy.KindNone
}

// versionKind tells the kind of a policy from its version, KindNone if it is no
// version of either kind.
func versionKind(version []byte) policy.Kind {
	switch {
	case bytes.HasPrefix(version, []byte("v1")):
		return policy.KindOrganization
	case bytes.HasPrefix(version, []byte("20")):
		return policy.KindBucket
	}
	return policy.KindNone
}

const longestTelling = len("permissionsets")

// telling maps lower-case field names to the kind that alone has them.
var telling = map[string]policy.Kind{
	"policy":     policy.KindOrganization,
	"statements": policy.KindOrganization,

	"statement": policy.KindBucket,

	"buckets": policy.KindBucketList,

	"apiversion":     policy.KindAccess,
	"kind":           policy.KindAccess,
	"metadata":       policy.KindAccess,
	"permissionsets": policy.KindAccess,
	"roles":          policy.KindAccess,
	"groups":         policy.KindAccess,
	"bindings":       policy.KindAccess,
	"defaults":       policy.KindAccess,
	"tokens":         policy.KindAccess,
	"issuers":        policy.KindAccess,
	"entities":       policy.KindAccess,
	"details":        policy.KindAccess,
	"resourcetype":   policy.KindAccess,
	"uxpurpose":      policy.KindAccess,
}
