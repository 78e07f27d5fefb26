package s3request

import "postern/policy"

// Keys returns the condition keys that Reader reads of a request of a kind: what
// it does not state of them is known to be absent (specification 7.1, Keys read).
// Without headers those that only headers say are not among them. The caller adds
// what it knows itself (aws:SourceIp and its like).
func Keys(kind Kind, headers bool) policy.KeySet {
	set := policy.KeySet{Names: []string{"s3:prefix", "s3:delimiter", "s3:max-keys", "s3:versionid"}}
	if !headers {
		return set
	}
	set.Names = append(set.Names, "s3:signatureversion", "s3:authtype", "s3:signatureage", "aws:useragent", "aws:referer")
	set.Beginnings = []string{"s3:x-amz-"}
	if kind != TagsInBody {
		set.Names = append(set.Names, "s3:requestobjecttagkeys")
		set.Beginnings = append(set.Beginnings, "s3:requestobjecttag/")
	}
	if kind == GrantsInBody {
		set.Except = []string{"s3:x-amz-acl", "s3:x-amz-grant-"}
	}
	return set
}

// Keys returns the condition keys that the request states with a question of it.
// The list may be appended to; it is overwritten by the next call.
func (r *Reader) Keys(q *Question) []policy.Attribute {
	if q.version == "" {
		return r.keys
	}
	keys, values := len(r.keys), len(r.values)
	r.add("s3:versionid", q.version)
	list := r.keys
	r.keys, r.values = r.keys[:keys], r.values[:values]
	return list
}

func (r *Reader) parameter(key string, p *parameter) {
	if p.stated {
		r.addRead(key, p.text, !p.plus)
	}
}

// add states a condition key.
func (r *Reader) add(key, text string) { r.addRead(key, text, true) }

// addRead is add for a value that may be there and not be readable.
func (r *Reader) addRead(key, text string, readable bool) {
	if !readable {
		r.keys = append(r.keys, policy.Attribute{Key: key, Unreadable: true})
		return
	}
	n := len(r.values)
	r.values = append(r.values, policy.Value{Kind: policy.ValueString, Text: text})
	r.keys = append(r.keys, policy.Attribute{Key: key, Values: r.values[n : n+1 : n+1]})
}
