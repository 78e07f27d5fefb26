package test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestCeph: radosgw asks postern itself (specification 7.3): what the policies
// allow works, and what they deny is refused and has changed nothing.
func TestCeph(t *testing.T) {
	dir := t.TempDir()
	plain, asking, door := freePort(t), freePort(t), freePort(t)
	store := startCeph(t, map[string]string{
		"store":  gateway(plain, "", ""),
		"asking": gateway(asking, "http://"+address(door)+"/ceph/v1/authorize", secret),
	})
	root := key{"ROOTKEY", "rootsecret"}
	store.user(t, "root", root)
	for principal, k := range callers {
		_, name, _ := strings.Cut(principal, "/")
		store.user(t, name, k)
	}
	store.serve(t, "store", plain)
	p := startPostern(t, dir, door, "-ceph", "-door-org", "acme", "-door-context", "aws:SecureTransport=true")
	store.serve(t, "asking", asking)
	at := func(do string, args map[string]any) task {
		return task{Endpoint: "http://" + address(plain), Access: root.access, Secret: root.secret, Do: do, Args: args}
	}
	fill(t, at)
	play(t, cephMatrix(t, p, "http://"+address(asking)), at)
}

// cephMatrix is matrix for what radosgw asks: it sends no headers, so that a
// copy's source, an ACL and tags are not asked about, and a Deny that depends on
// a header holds.
func cephMatrix(t *testing.T, p *postern, endpoint string) (cells []cell) {
	t.Helper()
	turn := 0
	for i := range operations {
		o := &operations[i]
		if o.name == "GetObject of a path with an empty segment" {
			continue // a key like others here, and none that there is
		}
		for _, bucket := range testBuckets {
			for _, caller := range append(slices.Sorted(maps.Keys(callers)), "a forger") {
				turn++
				k := callers[caller]
				c := cell{operation: o, caller: caller, bucket: bucket, key: names[turn*7%len(names)], status: 403}
				if caller == "a forger" {
					k = key{callers["user/alice"].access, "not the secret of alice"}
				}
				c.task = task{Endpoint: endpoint, Access: k.access, Secret: k.secret, Do: o.do, Args: o.args(bucket, c.key)}
				if caller != "a forger" && !o.refused {
					c.allowed = p.allows(t, caller, seen(o.asks(bucket, c.key)))
				}
				cells = append(cells, c)
			}
		}
	}
	return cells
}

// seen are the questions that radosgw asks: the first one, without the keys of
// headers; a Deny of `guarded` on an ACL holds, whatever the ACL is.
func seen(asks []question) []question {
	q := asks[0]
	q.context = maps.Clone(q.context)
	for k := range q.context {
		if strings.HasPrefix(k, "s3:x-amz-") || strings.HasPrefix(k, "s3:RequestObjectTag/") {
			delete(q.context, k)
		}
	}
	if bucket, _, _ := strings.Cut(q.resource, "/"); bucket == "guarded" && (q.action == "s3:PutObject" || q.action == "s3:PutObjectAcl") {
		q.context["s3:x-amz-acl"] = "public-read"
	}
	if len(asks) > 1 && strings.HasPrefix(asks[1].action, "s3:List") || len(asks) > 1 && asks[1].action == "s3:AbortMultipartUpload" {
		return append([]question{q}, asks[1:]...) // a request of its own
	}
	return []question{q}
}
