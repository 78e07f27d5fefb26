package s3request

import (
	"strings"

	"postern/policy"
)

// maxTags bounds the tags of a request; S3 takes ten.
const maxTags = 64

// tags reads x-amz-tagging, which is written as a query, into the condition keys
// s3:RequestObjectTag/K and s3:RequestObjectTagKeys.
func (r *Reader) tags(raw string) Reason {
	from := len(r.values)
	for rest, more := raw, raw != ""; more; {
		var pair string
		pair, rest, more = strings.Cut(rest, "&")
		name, _, _ := strings.Cut(pair, "=")
		key, ok := r.unescape(name, false)
		if !ok || key == "" || strings.IndexByte(name, '+') >= 0 || !validKey(key, true) || len(r.values)-from == maxTags {
			return BadHeader
		}
		for _, before := range r.values[from:] {
			if len(before.Text) == len(key) && foldedEqual(before.Text, key) {
				return BadHeader // they are one condition key
			}
		}
		r.values = append(r.values, policy.Value{Kind: policy.ValueString, Text: key})
	}
	names := r.values[from:len(r.values):len(r.values)]
	r.keys = append(r.keys, policy.Attribute{Key: "s3:RequestObjectTagKeys", Values: names})
	for i := range names {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		_, value, _ := strings.Cut(pair, "=")
		text, ok := r.unescape(value, false)
		if !ok || !validKey(text, true) {
			return BadHeader
		}
		at := len(r.text)
		r.text = append(append(r.text, "s3:RequestObjectTag/"...), names[i].Text...)
		r.addRead(r.since(at), text, strings.IndexByte(value, '+') < 0)
	}
	return None
}
