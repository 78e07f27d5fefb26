package sidecar

import (
	"fmt"
	"strings"
	"testing"
)

// cephBody is what Ceph's object gateway 16.2.15 sends, as it was captured, with
// its secrets replaced. change is old, new, old, new, ...
func cephBody(method, uri, params, object, bucket string, change ...string) string {
	name, info := "", ""
	if object != "" {
		name = fmt.Sprintf(`"object_name":%q,`, object)
	}
	if bucket != "" {
		info = fmt.Sprintf(`,"bucket_info":{"bucket":{"name":%q,"marker":"f0d59919.4125.1","bucket_id":"f0d59919.4125.1","tenant":"","explicit_placement":{"data_pool":"","data_extra_pool":"","index_pool":""}},"creation_time":"2026-11-30T15:20:36.991253Z","owner":"jean","flags":0,"zonegroup":"717c6c5b","placement_rule":"default-placement","has_instance_obj":"false","quota":{"enabled":false,"check_on_raw":false,"max_size":-1,"max_size_kb":0,"max_objects":-1},"num_shards":11,"mdsearch_config":[],"reshard_status":0,"new_bucket_instance_id":""}`, bucket)
	}
	body := fmt.Sprintf(`{"input":{"method":%q,"relative_uri":%q,"decoded_uri":%q,"params":%q,"request_uri_aws4":%q,%s"subuser":"","user_info":{"user_id":"jean","display_name":"Jean","email":"","suspended":0,"max_buckets":1000,"subusers":[{"id":"jean:sub","permissions":"full-control"}],"keys":[{"user":"jean","access_key":"JEANKEY","secret_key":"s3cr3t"}],"swift_keys":[],"caps":[],"op_mask":"read, write, delete","default_placement":"","placement_tags":[],"bucket_quota":{"enabled":false,"max_size":-1},"temp_url_keys":[],"type":"rgw","mfa_ids":[]}%s}}`,
		method, uri, uri, params, uri, name, info)
	return strings.NewReplacer(change...).Replace(body)
}

// minioBody is what MinIO sends, as it was captured, with its secrets replaced.
func minioBody(action, bucket, object string, change ...string) string {
	body := fmt.Sprintf(`{"input":{"account":"JEANKEY","groups":null,"action":%q,"originalAction":"","bucket":%q,"conditions":{"Accept-Encoding":["identity"],"Amz-Sdk-Invocation-Id":["1"],"Authorization":["AWS4-HMAC-SHA256 Credential=JEANKEY/20261130/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-acl;x-amz-content-sha256;x-amz-date, Signature=0"],"CurrentTime":["2026-11-30T15:25:30Z"],"EpochTime":["1796052330"],"Referer":[""],"SecureTransport":["true"],"SourceIp":["10.1.2.3"],"User-Agent":["Boto3"],"UserAgent":["Boto3"],"X-Amz-Content-Sha256":["e3b0"],"X-Amz-Date":["20261130T152530Z"],"authType":["REST-HEADER"],"principaltype":["User"],"signatureversion":["AWS4-HMAC-SHA256"],"userid":["jean"],"username":["jean"],"versionid":[""]},"owner":false,"object":%q,"claims":{},"denyOnly":false}}`, action, bucket, object)
	return strings.NewReplacer(change...).Replace(body)
}

func storeServer(t testing.TB, minio MinIO) *served {
	t.Helper()
	secrets := [][]byte{[]byte(doorSecret)}
	s := build(t, func(c *Config) {
		c.Doors = Doors{Org: "o1", Secrets: func() [][]byte { return secrets }, Ceph: true, MinIO: &minio}
	})
	s.config.Current.Store(snapshotOf(t, 7, doorPolicy))
	return s
}

func cephPost(body string) string {
	return post("/ceph/v1/authorize", body, "X-Auth-Token: "+doorSecret)
}

func minioPost(body string) string {
	return post("/minio/v1/authorize", body, "Authorization: "+doorSecret)
}

// resultOf asks a store's door: its answer is a 200 with a boolean, always.
func resultOf(t testing.TB, s *served, text string) bool {
	t.Helper()
	ctx := call(t, s, text)
	s.handle(ctx)
	body := string(ctx.Response.Body())
	if ctx.Response.StatusCode() != 200 || body != `{"result":true}` && body != `{"result":false}` || string(ctx.Response.Header.ContentType()) != typeJSON {
		t.Errorf("%.200q: %d %s", text, ctx.Response.StatusCode(), body)
	}
	return body == `{"result":true}`
}

func TestCeph(t *testing.T) {
	s := storeServer(t, MinIO{})
	for _, c := range []struct {
		what, body string
		want       bool
	}{
		{"an object", cephBody("GET", "/c/dir/a.txt", "", "dir/a.txt", "c"), true},
		{"another user's", cephBody("GET", "/c/dir/a.txt", "", "dir/a.txt", "c", `"user_id":"jean"`, `"user_id":"max"`), true},
		{"a denied object", cephBody("GET", "/b/secret/k", "", "secret/k", "b"), false},
		{"a denied method", cephBody("DELETE", "/c/k", "", "k", "c"), false},
		{"the URI lies", cephBody("GET", "/c/open", "", "secret/k", "b"), false},
		{"another owner", cephBody("GET", "/c/k", "", "k", "c", `"tenant":""`, `"tenant":"o2"`), false},
		{"a tenant's user", cephBody("GET", "/c/k", "", "k", "c", `"user_id":"jean"`, `"user_id":"o2$jean"`), false},
		{"an own tenant's user", cephBody("GET", "/c/k", "", "k", "c", `"user_id":"jean"`, `"user_id":"o1$jean"`, `"tenant":""`, `"tenant":"o1"`), true},
		{"a tenant without a name", cephBody("GET", "/c/k", "", "k", "c", `"user_id":"jean"`, `"user_id":"$jean"`), false},
		{"a user without a name", cephBody("GET", "/c/k", "", "k", "c", `"user_id":"jean"`, `"user_id":"o1$"`), false},
		{"nobody", cephBody("GET", "/c/k", "", "k", "c", `"user_id":"jean"`, `"user_id":"anonymous"`), false},
		{"no user", cephBody("GET", "/c/k", "", "k", "c", `"user_id":"jean"`, `"x":"jean"`), false},
		{"a version", cephBody("GET", "/c/k", "versionId=v", "k", "c"), true},
		{"a part", cephBody("PUT", "/c/k", "uploadId=2~Mx&partNumber=1", "k", "c"), true},
		{"a list in the public prefix", cephBody("GET", "/b", "list-type=2&prefix=public%2F&max-keys=10", "", "b"), true},
		{"a list elsewhere", cephBody("GET", "/b", "list-type=2&prefix=private%2F", "", "b"), false},
		{"TLS, which is not seen", cephBody("GET", "/b/tls/k", "", "tls/k", "b"), false},
		{"an address, which is not seen", cephBody("GET", "/b/office/k", "", "office/k", "b"), false},
		{"tags, which are not seen", cephBody("GET", "/b/tagged/k", "", "tagged/k", "b"), false},
		{"an opaque key", cephBody("GET", "/c/x", "", "a//../b", "c"), true},
		{"a key with a query in it", cephBody("GET", "/c/q?acl", "", "q?acl", "c"), true},
		{"many objects", cephBody("POST", "/c", "delete", "", "c"), false},
		{"a form", cephBody("POST", "/c", "", "", "c"), false},
		{"an unknown query", cephBody("GET", "/c/k", "acl&policy", "k", "c"), false},
		{"the buckets", cephBody("GET", "/", "", "", ""), true},
		{"a bad escape, which comes as the buckets", cephBody("GET", "", "", "", ""), false},
		{"the admin API", cephBody("GET", "", "", "", "", `"decoded_uri":""`, `"decoded_uri":"/admin/usage"`), false},
		{"the buckets, and something else", cephBody("GET", "/", "acl", "", ""), false},
		{"a new bucket", cephBody("PUT", "/new", "", "", ""), true},
		{"a new bucket with a slash", cephBody("PUT", "/new/", "", "", ""), true},
		{"a new bucket below another", cephBody("PUT", "/a/b", "", "", ""), false},
		{"a policy of no bucket", cephBody("PUT", "/new", "policy", "", ""), false},
		{"an object of no bucket", cephBody("PUT", "/new/k", "", "k", ""), false},
		{"a read of no bucket", cephBody("GET", "/new", "", "", ""), false},
		{"another tenant's new bucket", cephBody("PUT", "/o2:new", "", "", ""), false},
		{"a bucket without a name", cephBody("GET", "/", "", "", "c", `"name":"c"`, `"name":""`), false},
		{"a member twice", cephBody("GET", "/c/k", "", "k", "c", `"object_name":"k"`, `"object_name":"secret","object_name":"k"`), false},
		{"a name that is a number", cephBody("GET", "/c/k", "", "k", "c", `"object_name":"k"`, `"object_name":1`), false},
		{"text behind it", cephBody("GET", "/c/k", "", "k", "c") + "{}", false},
		{"no input", `{}`, false}, {"no JSON", `input`, false}, {"a list", `[]`, false},
	} {
		if got := resultOf(t, s, cephPost(c.body)); got != c.want {
			t.Errorf("%s: %v\n%s", c.what, got, c.body)
		}
	}
	good := cephBody("GET", "/c/k", "", "k", "c")
	for _, text := range []string{
		post("/ceph/v1/authorize", good), post("/ceph/v1/authorize", good, "X-Auth-Token: x"), post("/ceph/v1/authorize", good, "X-Postern-Secret: "+doorSecret),
		post("/ceph/v1/authorize", good, "X-Auth-Token: "+doorSecret, "X-Auth-Token: "+doorSecret),
		strings.Replace(cephPost(good), "POST", "PUT", 1), strings.Replace(cephPost(good), "Host: localhost", "Host: evil", 1),
		"POST /ceph/v1/authorize HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: " + doorSecret + "\r\nContent-Length: 0\r\n\r\n",
	} {
		if resultOf(t, s, text) {
			t.Errorf("%.300q is allowed", text)
		}
	}
	s.config.Current.Store(nil)
	if resultOf(t, s, cephPost(good)) {
		t.Error("allowed before the first snapshot")
	}
}

func TestCephSubuser(t *testing.T) {
	s := storeServer(t, MinIO{})
	s.config.Current.Store(snapshotOf(t, 7, map[string]string{"o1/bare/c": "", "o1/access-policies/p.json": `{"version":"v1alpha1","name":"p","statements":[
  {"name":"sub","effect":"Allow","actions":["s3:GetObject"],"resources":["*"],"principals":["subuser/jean:sub"]}]}`}))
	for sub, want := range map[string]bool{"": false, "sub": true, "jean:sub": true, "other": false} {
		if got := resultOf(t, s, cephPost(cephBody("GET", "/c/k", "", "k", "c", `"subuser":""`, fmt.Sprintf(`"subuser":%q`, sub)))); got != want {
			t.Errorf("subuser %q: %v", sub, got)
		}
	}
}

func TestMinIO(t *testing.T) {
	claims := func(text string) []string { return []string{`"claims":{}`, `"claims":{` + text + `}`} }
	conditions := func(text string) []string { return []string{`"SourceIp"`, text + `,"SourceIp"`} }
	tagged := conditions(`"ExistingObjectTag/class":["public"]`)
	for _, c := range []struct {
		what, body string
		minio      MinIO
		want       bool
	}{
		{"an object", minioBody("s3:GetObject", "c", "k"), MinIO{}, true},
		{"a denied object", minioBody("s3:GetObject", "b", "secret/k"), MinIO{}, false},
		{"a denied action", minioBody("s3:DeleteObject", "c", "k"), MinIO{}, false},
		{"many objects", minioBody("s3:DeleteObject", "c", ""), MinIO{}, false},
		{"a bucket", minioBody("s3:ListBucket", "c", ""), MinIO{}, true},
		{"an operation's name", minioBody("s3:HeadBucket", "c", ""), MinIO{}, true},
		{"the buckets", minioBody("s3:ListAllMyBuckets", "", ""), MinIO{}, true},
		{"the buckets of a bucket", minioBody("s3:ListAllMyBuckets", "c", ""), MinIO{}, false},
		{"an object of no bucket", minioBody("s3:GetObject", "", "k"), MinIO{}, false},
		{"MinIO's own name", minioBody("s3:ForceDeleteBucket", "c", ""), MinIO{}, true},
		{"MinIO's other name", minioBody("s3:PutObjectFanOut", "c", "k"), MinIO{}, true},
		{"an unheard action", minioBody("s3:Unheard", "c", "k"), MinIO{}, false},
		{"an action of no service", minioBody("GetObject", "c", "k"), MinIO{}, false},
		{"an administrator's", minioBody("admin:CreateUser", "", ""), MinIO{}, false},
		{"nobody", minioBody("s3:GetObject", "c", "k", `"username":["jean"]`, `"username":[""]`), MinIO{}, false},
		{"no name", minioBody("s3:GetObject", "c", "k", `"username":["jean"],`, ``), MinIO{}, false},
		{"an injected name", minioBody("s3:GetObject", "b", "k", `"username":["jean"]`, `"username":["","jean"]`), MinIO{}, false},
		{"a service account", minioBody("s3:GetObject", "c", "k", claims(`"parent":"jean","sa-policy":"inherited-policy"`)...), MinIO{}, true},
		{"a service account of another", minioBody("s3:GetObject", "c", "k", claims(`"parent":"max"`)...), MinIO{}, false},
		{"a service account with a policy", minioBody("s3:GetObject", "c", "k", claims(`"parent":"jean","sa-policy":"embedded-policy"`)...), MinIO{}, false},
		{"a session policy", minioBody("s3:GetObject", "c", "k", claims(`"parent":"jean","sessionPolicy":"eyJ9"`)...), MinIO{}, false},
		{"a session policy, ignored", minioBody("s3:GetObject", "c", "k", claims(`"parent":"jean","sessionPolicy":"eyJ9"`)...), MinIO{IgnoreSessionPolicy: true}, true},
		{"root", minioBody("s3:DeleteObject", "c", "k", `"owner":false`, `"owner":true`), MinIO{}, false},
		{"root, allowed", minioBody("s3:DeleteObject", "c", "k", `"owner":false`, `"owner":true`), MinIO{RootAllowed: true}, true},
		{"no root", minioBody("s3:DeleteObject", "c", "k"), MinIO{RootAllowed: true}, false},
		{"an organization of a claim", minioBody("s3:GetObject", "c", "k", claims(`"org":"o1"`)...), MinIO{OrgClaim: "org"}, true},
		{"another organization of a claim", minioBody("s3:GetObject", "c", "k", claims(`"org":"o2"`)...), MinIO{OrgClaim: "org"}, false},
		{"no organization of a claim", minioBody("s3:GetObject", "c", "k"), MinIO{OrgClaim: "org"}, false},
		{"a role of OIDC", minioBody("s3:GetObject", "c", "k", claims(`"iss":"https://i","sub":"s","aud":["a"],"n":{"m":1}`)...), MinIO{}, false},
		{"TLS", minioBody("s3:GetObject", "b", "tls/k"), MinIO{}, true},
		{"no TLS, and a client that says so", minioBody("s3:GetObject", "b", "tls/k", `"SecureTransport":["true"]`, `"SecureTransport":["false","true"]`), MinIO{}, false},
		{"TLS, not said", minioBody("s3:GetObject", "b", "tls/k", `"SecureTransport":["true"],`, ``), MinIO{}, false},
		{"an address that is not believed", minioBody("s3:GetObject", "b", "office/k"), MinIO{}, false},
		{"an address that is believed", minioBody("s3:GetObject", "b", "office/k"), MinIO{TrustSourceIP: true}, true},
		{"tags that are not believed", minioBody("s3:GetObject", "b", "tagged/k", tagged...), MinIO{}, false},
		{"tags that are believed", minioBody("s3:GetObject", "b", "tagged/k", tagged...), MinIO{TrustTags: true}, true},
		{"tags that are believed, and deny", minioBody("s3:GetObject", "b", "tagged/k", conditions(`"ExistingObjectTag/class":["secret","public"]`)...), MinIO{TrustTags: true}, false},
		{"no tags", minioBody("s3:GetObject", "b", "tagged/k"), MinIO{TrustTags: true}, true},
		{"tags of a write, which are new ones", minioBody("s3:PutObject", "b", "tagged/k", tagged...), MinIO{TrustTags: true}, false},
		{"a write without tags", minioBody("s3:PutObject", "b", "tagged/k"), MinIO{TrustTags: true}, false},
		{"a prefix", minioBody("s3:ListBucket", "b", "", conditions(`"prefix":["public/x"]`)...), MinIO{}, true},
		{"another prefix", minioBody("s3:ListBucket", "b", "", conditions(`"prefix":["private/"]`)...), MinIO{}, false},
		{"no prefix", minioBody("s3:ListBucket", "b", ""), MinIO{}, false},
		{"two prefixes", minioBody("s3:ListBucket", "b", "", conditions(`"prefix":["public/","private/"]`)...), MinIO{}, false},
		{"a header that is called so", minioBody("s3:ListBucket", "b", "", conditions(`"prefix":["public/"],"Prefix":["x"]`)...), MinIO{}, false},
		{"such a header alone", minioBody("s3:ListBucket", "c", "", conditions(`"Prefix":["public/"]`)...), MinIO{}, false},
		{"a version", minioBody("s3:GetObject", "c", "k", `"versionid":[""]`, `"versionId":["v"],"versionid":["v"]`), MinIO{}, true},
		{"a version of two names", minioBody("s3:GetObject", "c", "k", `"versionid":[""]`, `"versionId":["w"],"versionid":["v"]`), MinIO{}, false},
		{"two versions", minioBody("s3:GetObject", "c", "k", `"versionid":[""]`, `"versionid":["","v"]`), MinIO{}, false},
		{"a member twice", minioBody("s3:GetObject", "c", "k", `"bucket":"c"`, `"bucket":"b","bucket":"c"`), MinIO{}, false},
		{"a condition twice", minioBody("s3:GetObject", "c", "k", `"userid"`, `"username":["max"],"userid"`), MinIO{}, false},
		{"a condition that is a string", minioBody("s3:GetObject", "c", "k", `"userid":["jean"]`, `"userid":"jean"`), MinIO{}, false},
		{"groups", minioBody("s3:GetObject", "c", "k", `"groups":null`, `"groups":["a","b"]`), MinIO{}, true},
		{"no input", `{}`, MinIO{}, false}, {"no JSON", `x`, MinIO{}, false},
	} {
		if got := resultOf(t, storeServer(t, c.minio), minioPost(c.body)); got != c.want {
			t.Errorf("%s: %v\n%s", c.what, got, c.body)
		}
	}
	s := storeServer(t, MinIO{})
	good := minioBody("s3:GetObject", "c", "k")
	for _, text := range []string{
		"POST /minio/v1/authorize HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + doorSecret + "\r\nContent-Length: 0\r\n\r\n", // the probe at its start
		post("/minio/v1/authorize", good), post("/minio/v1/authorize", good, "Authorization: Bearer "+doorSecret),
		post("/minio/v1/authorize", good, "Authorization: "+doorSecret, "authorization: "+doorSecret),
	} {
		if resultOf(t, s, text) {
			t.Errorf("%.300q is allowed", text)
		}
	}
}

// TestMinIODenyOnly: MinIO asks whether a Deny is in the way, before it asks the
// whole question, and of what users do to their own accounts.
func TestMinIODenyOnly(t *testing.T) {
	s := storeServer(t, MinIO{})
	s.config.Current.Store(snapshotOf(t, 7, map[string]string{"o1/bare/c": "", "o1/access-policies/p.json": `{"version":"v1alpha1","name":"p","statements":[
  {"name":"get","effect":"Allow","actions":["s3:GetObject"],"resources":["*"],"principals":["*"]},
  {"name":"not","effect":"Deny","actions":["s3:DeleteObjectVersion"],"resources":["c/kept/*"],"principals":["*"]}]}`,
		"o1/iam/a.json": `{"apiVersion":"postern/v1","kind":"AccessPolicy","metadata":{"name":"a"},"bindings":[
  {"id":"no","effect":"Deny","actions":["admin:CreateUser"],"resources":["*"],"members":["*"]}]}`}))
	yes := []string{`"denyOnly":false`, `"denyOnly":true`}
	for _, c := range []struct {
		body        string
		whole, deny bool
	}{
		{minioBody("s3:GetObject", "c", "k"), true, true},
		{minioBody("s3:DeleteObjectVersion", "c", "k"), false, true},
		{minioBody("s3:DeleteObjectVersion", "c", "kept/k"), false, false},
		{minioBody("s3:DeleteObjectVersion", "unheard", "k"), false, false},
		{minioBody("s3:DeleteObject", "c", "kept/k", `"versionid":[""]`, `"versionId":["v"],"versionid":["v"]`), false, false},
		{minioBody("s3:DeleteObject", "c", "k", `"versionid":[""]`, `"versionId":["v"],"versionid":["v"]`), false, true},
		{minioBody("admin:CreateServiceAccount", "", ""), false, true},
		{minioBody("admin:CreateUser", "", ""), false, false},
		{minioBody("s3:DeleteObject", "c", "k", `"username":["jean"]`, `"username":[""]`), false, false},
	} {
		if got := resultOf(t, s, minioPost(c.body)); got != c.whole {
			t.Errorf("%s: %v", c.body, got)
		}
		if got := resultOf(t, s, minioPost(strings.NewReplacer(yes...).Replace(c.body))); got != c.deny {
			t.Errorf("of Denies only, %s: %v", c.body, got)
		}
	}
	for _, odd := range []string{`null`, `1`, `"true"`, `[]`, `true,"denyOnly":false`} {
		if resultOf(t, s, minioPost(minioBody("s3:GetObject", "c", "k", `"denyOnly":false`, `"denyOnly":`+odd))) {
			t.Errorf("denyOnly %s is allowed", odd)
		}
	}
}

// TestMinIOVersion: a version asks its own action too.
func TestMinIOVersion(t *testing.T) {
	s := storeServer(t, MinIO{})
	s.config.Current.Store(snapshotOf(t, 7, map[string]string{"o1/bare/c": "", "o1/access-policies/p.json": `{"version":"v1alpha1","name":"p","statements":[
  {"name":"do","effect":"Allow","actions":["s3:GetObject"],"resources":["*"],"principals":["user/jean"]}]}`}))
	if !resultOf(t, s, minioPost(minioBody("s3:GetObject", "c", "k"))) {
		t.Error("the object is denied")
	}
	if resultOf(t, s, minioPost(minioBody("s3:GetObject", "c", "k", `"versionid":[""]`, `"versionId":["v"],"versionid":["v"]`))) {
		t.Error("the version is allowed")
	}
}

// TestMinIOCallers: whose the access key is, and what OIDC says.
func TestMinIOCallers(t *testing.T) {
	s := storeServer(t, MinIO{})
	for principal, want := range map[string][2]bool{"user/jean": {true, false}, "access-key/JEANKEY": {true, true}, "role/https://i:s": {false, true}} {
		s.config.Current.Store(snapshotOf(t, 7, map[string]string{"o1/bare/c": "", "o1/access-policies/p.json": fmt.Sprintf(`{"version":"v1alpha1","name":"p","statements":[
  {"name":"do","effect":"Allow","actions":["s3:GetObject"],"resources":["*"],"principals":[%q]}]}`, principal)}))
		if got := resultOf(t, s, minioPost(minioBody("s3:GetObject", "c", "k"))); got != want[0] {
			t.Errorf("%s, a user: %v", principal, got)
		}
		if got := resultOf(t, s, minioPost(minioBody("s3:GetObject", "c", "k", `"claims":{}`, `"claims":{"iss":"https://i","sub":"s","n":{"m":1}}`))); got != want[1] {
			t.Errorf("%s, of OIDC: %v", principal, got)
		}
	}
	s.config.Current.Store(snapshotOf(t, 7, map[string]string{"o1/access-policies/p.json": doorPolicy["o2/access-policies/all.json"], "o1/buckets/c.json": `{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":{"oidc:o1:n.m":"1"}}}]}`}))
	for claims, want := range map[string]bool{`"iss":"i","sub":"s","n":{"m":1}`: true, `"iss":"i","sub":"s","n":{"m":2}`: false, `"iss":"i","sub":"s"`: false, `"n":{"m":1}`: false} {
		if got := resultOf(t, s, minioPost(minioBody("s3:GetObject", "c", "k", `"claims":{}`, `"claims":{`+claims+`}`))); got != want {
			t.Errorf("claims %s: %v", claims, got)
		}
	}
}

// TestMinIOHeaders: a header is a condition key where the signature names it.
func TestMinIOHeaders(t *testing.T) {
	s := storeServer(t, MinIO{})
	s.config.Current.Store(snapshotOf(t, 7, map[string]string{"o1/buckets/c.json": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"*",
  "Condition":{"StringEquals":{"s3:x-amz-acl":"private"}}}]}`, "o1/access-policies/p.json": doorPolicy["o1/access-policies/all.json"]}))
	for conditions, want := range map[string]bool{
		`"X-Amz-Acl":["private"],`: true, `"X-Amz-Acl":["public-read"],`: false, `"X-Amz-Acl":["private","public-read"],`: false, ``: false,
		`"x-amz-acl":["private"],"X-Amz-Acl":["public-read"],`: false,
		// A real MinIO takes a signed header from the query if it did not come, and
		// says so as it was written there.
		`"x-amz-acl":["private"],`: false, `"X-Amz-acl":["private"],`: false, `"X-Amz-Acl":["private"],"x-amz-acl":["private"],`: false,
	} {
		if got := resultOf(t, s, minioPost(minioBody("s3:PutObject", "c", "k", `"authType"`, conditions+`"authType"`))); got != want {
			t.Errorf("%s: %v", conditions, got)
		}
	}
	for _, change := range [][]string{{"host;x-amz-acl;", "host;"}, {"REST-HEADER", "REST-QUERY-STRING"}, {"AWS4-HMAC-SHA256 Credential", "AWS Credential"}} {
		if resultOf(t, s, minioPost(minioBody("s3:PutObject", "c", "k", append(change, `"principaltype"`, `"X-Amz-Acl":["private"],"principaltype"`)...))) {
			t.Errorf("%q: the header is believed", change)
		}
	}
}

// TestStoresAgreeWithAuthZEN: what a store's door says is what the main door says of
// the same question.
func TestStoresAgreeWithAuthZEN(t *testing.T) {
	s := storeServer(t, MinIO{})
	forms := map[string][2]string{"GetObject": {"GET", ""}, "PutObject": {"PUT", ""}, "DeleteObject": {"DELETE", ""}, "GetObjectAcl": {"GET", "acl"},
		"GetBucketAcl": {"GET", "acl"}, "PutBucketPolicy": {"PUT", "policy"}}
	n, yes := 0, 0
	ask := func(body string) bool {
		ctx := call(t, s, post(pathEvaluation, body))
		s.handle(ctx)
		return strings.HasPrefix(string(ctx.Response.Body()), `{"decision":true`)
	}
	for _, user := range []string{"jean", "max"} {
		for _, bucket := range []string{"b", "c", "unheard"} {
			for _, object := range []string{"", "k", "secret/k", "a b"} {
				for action, form := range forms {
					if (object == "") != strings.Contains(action, "Bucket") {
						continue
					}
					kind, id := "bucket", bucket
					if object != "" {
						kind, id = "object", bucket+"/"+object
					}
					// The one key that policies of these buckets ask, and the store does not
					// see, is of objects that are not asked about here.
					body := fmt.Sprintf(`{"subject":{"type":"user","id":%q,"properties":{"org":"o1"}},"action":{"name":"s3:%s"},"resource":{"type":%q,"id":%q},"context":{"aws:SecureTransport":true}}`, user, action, kind, id)
					want := ask(body)
					if got := resultOf(t, s, minioPost(minioBody("s3:"+action, bucket, object, `"username":["jean"]`, fmt.Sprintf(`"username":[%q]`, user)))); got != want {
						t.Errorf("MinIO: %s %s %s/%s: %v, and %v at the main door", user, action, bucket, object, got, want)
					}
					want = ask(strings.Replace(body, `"id":"`+id+`"`, `"id":"`+id+`","properties":{"org":"o1"}`, 1)) // the gateway says whose it is
					if got := resultOf(t, s, cephPost(cephBody(form[0], "/x", form[1], object, bucket, `"user_id":"jean"`, fmt.Sprintf(`"user_id":%q`, user)))); got != want {
						t.Errorf("Ceph: %s %s %s/%s: %v, and %v at the main door", user, action, bucket, object, got, want)
					}
					n++
					if want {
						yes++
					}
				}
			}
		}
	}
	if yes < 20 || n-yes < 20 {
		t.Errorf("%d of %d are allowed: the test says little", yes, n)
	}
}

// FuzzStores gives the doors of stores bodies: whatever they hold, the answer is a
// 200 with a boolean, and true only if the body names a caller.
func FuzzStores(f *testing.F) {
	s := storeServer(f, MinIO{})
	for _, body := range []string{
		cephBody("GET", "/c/k", "versionId=v", "k", "c"), cephBody("PUT", "/new", "", "", ""),
		cephBody("GET", "/b", "list-type=2&prefix=public%2F", "", "b", `"user_id":"jean"`, `"user_id":"o2$\u006aean"`),
	} {
		f.Add(true, body)
	}
	for _, body := range []string{
		minioBody("s3:GetObject", "c", "k"), minioBody("s3:ListBucket", "b", "", `"principaltype"`, `"prefix":["public/"],"principaltype"`),
		minioBody("s3:GetObject", "c", "k", `"claims":{}`, `"claims":{"iss":"i","sub":"s","parent":"jean","a":{"b":[1]}}`),
	} {
		f.Add(false, body)
	}
	f.Fuzz(func(t *testing.T, ceph bool, body string) {
		text := minioPost(body)
		if ceph {
			text = cephPost(body)
		}
		if resultOf(t, s, text) && !strings.Contains(body, `\`) && !strings.Contains(body, "user") {
			t.Errorf("%q is allowed", body)
		}
	})
}
