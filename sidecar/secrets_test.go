package sidecar

import (
	"os"
	"strings"
	"testing"

	"postern/internal/decisionlog"
)

// TestNoSecretIsLogged: of signatures, credentials, tokens, customer keys, secrets of
// doors and query strings nothing is in the decision log, whichever door they come to,
// allowed or denied.
func TestNoSecretIsLogged(t *testing.T) {
	const secret = "S3CR3T"
	headers := []string{"Authorization: AWS4-HMAC-SHA256 Credential=" + secret + "/20261130/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + secret,
		"X-Amz-Security-Token: " + secret, "X-Amz-Server-Side-Encryption-Customer-Key: " + secret, "X-Amz-Server-Side-Encryption-Customer-Key-MD5: " + secret,
		"X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key: " + secret, "Cookie: session=" + secret, "Referer: https://h/p?X-Amz-Signature=" + secret}
	type question struct {
		server *served
		text   string
	}
	questions := map[string]question{}
	for _, mode := range ForwardModes() {
		s := doorServer(t, Doors{Forward: &Forward{Mode: mode}})
		questions[mode+", headers"] = question{s, forwardHead(mode, "GET", "/b/k", "10.1.2.3", true, append(headers, jean...)...)}
		questions[mode+", put"] = question{s, forwardHead(mode, "PUT", "/b/k", "10.1.2.3", true, append(headers, jean...)...)}
		questions[mode+", copy"] = question{s, forwardHead(mode, "PUT", "/b/k", "10.1.2.3", true, append([]string{signedV4, "x-amz-copy-source: /c/k?versionId=v"}, jean...)...)}
		for name, target := range map[string]string{
			"presigned":    "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + secret + "&X-Amz-Date=20261130T152530Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Security-Token=" + secret + "&X-Amz-Signature=" + secret,
			"presigned v2": "/b/k?AWSAccessKeyId=" + secret + "&Expires=1&Signature=" + secret,
			"unknown":      "/b/k?token=" + secret, "bad path": "/b/../" + secret + "?x=" + secret,
		} {
			questions[mode+", "+name] = question{s, forwardHead(mode, "GET", target, "10.1.2.3", true, jean...)}
		}
	}
	stores := storeServer(t, MinIO{})
	questions["Ceph"] = question{stores, cephPost(cephBody("GET", "/c/a", "versionId=v&X-Amz-Signature="+secret+"&X-Amz-Security-Token="+secret, "a", "c", "s3cr3t", secret, "JEANKEY", secret))}
	questions["Ceph, refused"] = question{stores, cephPost(cephBody("GET", "/c/a", "what="+secret, "a", "c", "s3cr3t", secret))}
	questions["MinIO"] = question{stores, minioPost(minioBody("s3:GetObject", "c", "k", "Signature=0", "Signature="+secret, `"principaltype"`, `"X-Amz-Security-Token":["`+secret+`"],"X-Amz-Server-Side-Encryption-Customer-Key":["`+secret+`"],"Cookie":["`+secret+`"],"Referer":["https://h/?t=`+secret+`"],"principaltype"`, `"Referer":[""],`, ""))}
	questions["MinIO, claims"] = question{stores, minioPost(minioBody("s3:GetObject", "c", "k", `"claims":{}`, `"claims":{"parent":"jean","sub":"s","iss":"i","accessToken":"`+secret+`","a":{"refresh_token":"`+secret+`"},"sessionPolicy":"`+secret+`"}`))}
	main := build(t, nil)
	questions["AuthZEN"] = question{main, post(pathEvaluation, `{"subject":{"type":"saml","id":"jean","properties":{"org":"o1","password":"`+secret+`","claims":{"id_token":"`+secret+`","in":{"Access_Token":["`+secret+`"]}}}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"closed/k","properties":{"tags":{"secret":"`+secret+`"}}},"context":{"aws:Referer":"https://h/?sig=`+secret+`","Authorization":"Bearer `+secret+`"},"unknown":"`+secret+`"}`, headers...)}
	questions["batch"] = question{main, post(pathEvaluations, `{"subject":{"type":"saml","id":"jean","properties":{"org":"o1"}},"action":{"name":"s3:GetObject"},"evaluations":[{"resource":{"type":"object","id":"closed/k"},"context":{"cookie":"`+secret+`"}},{"resource":"`+secret+`"}]}`, headers...)}
	for name, q := range questions {
		var path string
		l, read := logBuilt(t, func(c *decisionlog.Config) { path = c.Path })
		logTo(q.server, l)
		ctx := call(t, q.server, q.text)
		q.server.handle(ctx)
		lines := read()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{secret, doorSecret, "jeanssecret"} {
			if strings.Contains(string(data), word) {
				t.Errorf("%s: the log holds %s:\n%s", name, word, data)
			}
		}
		if len(lines) == 0 {
			t.Errorf("%s: %d, and nothing is logged", name, ctx.Response.StatusCode())
		}
	}
}
