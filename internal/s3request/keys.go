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
