package benchmarks

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"postern/index"
	"postern/internal/loadgen"
	"postern/internal/policygen"
	"postern/policy"
	"postern/sidecar"
)

// door is one of the doors for proxies and stores, and how it is asked: a
// request is what its caller sends of one operation of S3.
type door struct {
	name    string
	open    func(d *sidecar.Doors)
	request func(o *operation) []byte
	// headers are those that the door names; none for a door that reads the
	// body.
	headers []string
	// allow and deny are the bodies of its answers; refusal is the status of a
	// denial.
	allow, deny string
	refusal     int
}

// forwardDenied is the body of a denial of forward-auth: S3's error
// (specification 7.2).
const forwardDenied = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`

// doorSecret is what callers of the doors show.
const doorSecret = "0123456789abcdef0123456789abcdef"

// signed are the headers of a client's own that a proxy passes on.
const signed = "User-Agent: aws-sdk-go-v2/1.30.0 os/linux lang/go#1.26\r\nX-Amz-Date: 20261130T152530Z\r\nX-Amz-Content-Sha256: UNSIGNED-PAYLOAD\r\n" +
	"Authorization: AWS4-HMAC-SHA256 Credential=AKEXAMPLE/20261130/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n"

// identity are the headers of the caller, and the secret.
func (o *operation) identity() string {
	return "X-Postern-Secret: " + doorSecret + "\r\nX-Postern-Org: acme\r\nX-Postern-Principal: user/" + o.user + "\r\n"
}

// identityHeaders are the names of the headers of operation.identity.
var identityHeaders = []string{"X-Postern-Secret", "X-Postern-Org", "X-Postern-Principal"}

// doors are those of specification 7; HAProxy asks as nginx does, Traefik as Caddy.
var doors = []door{
	{
		name: "nginx", open: forward("nginx"), deny: forwardDenied, refusal: 403,
		headers: append([]string{"X-Original-Method", "X-Original-URI", "X-Original-Host", "X-Original-Client", "X-Original-Tls"}, identityHeaders...),
		request: func(o *operation) []byte {
			return fmt.Appendf(nil, "GET /authorize HTTP/1.1\r\nHost: localhost\r\nX-Original-Method: %s\r\nX-Original-URI: %s\r\nX-Original-Host: store\r\nX-Original-Client: 10.1.2.3\r\nX-Original-Tls: TLSv1.3\r\n%s%s\r\n",
				o.method, o.target, o.identity(), signed)
		},
	},
	{
		name: "caddy", open: forward("caddy"), deny: forwardDenied, refusal: 403,
		headers: append([]string{"X-Forwarded-Method", "X-Forwarded-Uri", "X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Proto"}, identityHeaders...),
		request: func(o *operation) []byte {
			return fmt.Appendf(nil, "GET /authorize HTTP/1.1\r\nHost: store\r\nX-Forwarded-Method: %s\r\nX-Forwarded-Uri: %s\r\nX-Forwarded-Host: store\r\nX-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Proto: https\r\n%s%s\r\n",
				o.method, o.target, o.identity(), signed)
		},
	},
	{
		name: "envoy", open: forward("envoy"), deny: forwardDenied, refusal: 403,
		headers: append([]string{"X-Forwarded-For", "X-Forwarded-Proto"}, identityHeaders...),
		request: func(o *operation) []byte {
			return fmt.Appendf(nil, "%s /authorize%s HTTP/1.1\r\nHost: store\r\nContent-Length: 0\r\nX-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Proto: https\r\n%s%s\r\n",
				o.method, o.target, o.identity(), signed)
		},
	},
	{
		name: "ceph", open: func(d *sidecar.Doors) { d.Ceph = true }, allow: `{"result":true}`, deny: `{"result":false}`, refusal: 200,
		request: func(o *operation) []byte {
			return loadgen.Post("/ceph/v1/authorize", filled(cephInput, o), "X-Auth-Token: "+doorSecret)
		},
	},
	{
		name: "minio", open: func(d *sidecar.Doors) { d.MinIO = &sidecar.MinIO{} }, allow: `{"result":true}`, deny: `{"result":false}`, refusal: 200,
		request: func(o *operation) []byte {
			return loadgen.Post("/minio/v1/authorize", filled(minioInput, o), "Authorization: "+doorSecret)
		},
	},
}

// forward opens forward-auth for a kind of proxy.
func forward(mode string) func(d *sidecar.Doors) {
	return func(d *sidecar.Doors) {
		d.Forward = &sidecar.Forward{Mode: mode}
	}
}

// cephInput is a body of Ceph's object gateway, as it is sent.
const cephInput = `{"input":{"method":METHOD,"relative_uri":PATH,"decoded_uri":PATH,"params":QUERY,"request_uri_aws4":PATH,"object_name":KEY,"subuser":"",` +
	`"user_info":{"user_id":USER,"display_name":USER,"email":"","suspended":0,"max_buckets":1000,"subusers":[],"keys":[{"user":USER,"access_key":"AKEXAMPLE","secret_key":"s3cr3t"}],` +
	`"swift_keys":[],"caps":[],"op_mask":"read, write, delete","default_placement":"","placement_tags":[],"bucket_quota":{"enabled":false,"max_size":-1},"temp_url_keys":[],"type":"rgw","mfa_ids":[]},` +
	`"bucket_info":{"bucket":{"name":BUCKET,"marker":"f0d59919.4125.1","bucket_id":"f0d59919.4125.1","tenant":"","explicit_placement":{"data_pool":"","data_extra_pool":"","index_pool":""}},` +
	`"creation_time":"2026-11-30T15:20:36.991253Z","owner":"owner","flags":0,"zonegroup":"717c6c5b","placement_rule":"default-placement","has_instance_obj":"false",` +
	`"quota":{"enabled":false,"check_on_raw":false,"max_size":-1,"max_size_kb":0,"max_objects":-1},"num_shards":11,"mdsearch_config":[],"reshard_status":0,"new_bucket_instance_id":""}}}`

// minioInput is a body of MinIO, as it is sent.
const minioInput = `{"input":{"account":"AKEXAMPLE","groups":null,"action":ACTION,"originalAction":"","bucket":BUCKET,"conditions":{"Accept-Encoding":["identity"],"Amz-Sdk-Invocation-Id":["1"],` +
	`"Authorization":["AWS4-HMAC-SHA256 Credential=AKEXAMPLE/20261130/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=0"],"CurrentTime":["2026-11-30T15:25:30Z"],` +
	`"EpochTime":["1796052330"],"Referer":[""],"SecureTransport":["true"],"SourceIp":["10.1.2.3"],"User-Agent":["Boto3"],"UserAgent":["Boto3"],"X-Amz-Content-Sha256":["e3b0"],"X-Amz-Date":["20261130T152530Z"],` +
	`"authType":["REST-HEADER"],"principaltype":["User"],"signatureversion":["AWS4-HMAC-SHA256"],"userid":[USER],"username":[USER],"versionid":[""]},"owner":false,"object":KEY,"claims":{},"denyOnly":false}}`

// filled puts an operation into a body.
func filled(body string, o *operation) string {
	quoted := func(text string) string {
		b, _ := json.Marshal(text)
		return string(b)
	}
	path, query, _ := strings.Cut(o.target, "?")
	bucket, key, _ := strings.Cut(o.question.Request.Resource.ID, "/")
	return strings.NewReplacer(":METHOD", ":"+quoted(o.method), ":PATH", ":"+quoted(path), ":QUERY", ":"+quoted(query), ":KEY", ":"+quoted(key), ":USER", ":"+quoted(o.user), "[USER]", "["+quoted(o.user)+"]",
		":BUCKET", ":"+quoted(bucket), ":ACTION", ":"+quoted(o.question.Request.Action)).Replace(body)
}

// operation is one request of S3.
type operation struct {
	method, target, user string
	question             *policygen.Question
}

// requestsOf are the operations of S3 for the actions of `users` that a single
// request asks.
var requestsOf = map[string][2]string{
	"s3:GetObject": {"GET", ""}, "s3:PutObject": {"PUT", ""}, "s3:DeleteObject": {"DELETE", ""}, "s3:GetObjectAcl": {"GET", "?acl"},
	"s3:GetObjectTagging": {"GET", "?tagging"}, "s3:AbortMultipartUpload": {"DELETE", "?uploadId=2~Mx"}, "s3:ListMultipartUploadParts": {"GET", "?uploadId=2~Mx"},
}

// operations are the questions that a request of S3 can ask.
func operations(questions []policygen.Question) (out []operation) {
	for i := range questions {
		q := &questions[i]
		how, known := requestsOf[q.Request.Action]
		segments := strings.Split(q.Request.Resource.ID, "/")
		if !known || slices.Contains(segments[:len(segments)-1], "") || slices.Contains(segments, ".") || slices.Contains(segments, "..") {
			continue
		}
		_, user, _ := strings.Cut(q.Request.Principal.IDs[0], "/")
		out = append(out, operation{method: how[0], target: "/" + q.Request.Resource.ID + how[1], user: user, question: q})
	}
	return out
}

// doorWorld is `users` of n statements with the callers that stores name, whose
// provider is `user`.
func doorWorld(tb testing.TB, n int) (*index.Snapshot, []operation) {
	tb.Helper()
	w := policygen.Users(n, seed)
	for _, d := range w.Directory.Organizations["acme"].Policies {
		for i := range d.Statements {
			s := &d.Statements[i]
			s.Principals = slices.Clone(s.Principals)
			for k := range s.Principals {
				s.Principals[k].Name = strings.Replace(s.Principals[k].Name, "coreweave/", "user/", 1)
			}
		}
	}
	questions := policygen.Users(n, seed).Requests(hotSet)
	for i := range questions {
		r := &questions[i].Request
		r.Principal.IDs = []string{strings.Replace(r.Principal.IDs[0], "coreweave/", "user/", 1)}
	}
	return compiledFor(tb, w, questions), operations(questions)
}

// serve is a sidecar with the door open.
func (d *door) serve(tb testing.TB, snapshot *index.Snapshot) *sidecar.Server {
	tb.Helper()
	secrets := [][]byte{[]byte(doorSecret)}
	settings := sidecar.Doors{Org: "acme", Secrets: func() [][]byte { return secrets }}
	d.open(&settings)
	return posternWith(tb, snapshot, settings)
}

// constant is the server that a door is measured against (P18): it copies the
// headers, or the body, that the door names into a buffer, parses nothing, and
// answers a constant.
func (d *door) constant() *fasthttp.Server {
	s := constantServer(d.allow)
	answer := s.Handler
	s.Handler = func(c *fasthttp.RequestCtx) {
		var room [4096]byte
		buf := room[:0]
		for _, name := range d.headers {
			buf = append(buf, c.Request.Header.Peek(name)...)
		}
		if d.headers == nil {
			buf = append(buf, c.Request.Body()...)
		}
		if len(buf) == 0 {
			c.Error("a request says nothing", fasthttp.StatusBadRequest)
			return
		}
		answer(c)
	}
	return s
}

// pair opens the door and its constant server on a network.
func (d *door) pair(b testing.TB, network string, snapshot *index.Snapshot, all []operation) (constant, postern *target, requests [][]byte) {
	b.Helper()
	want := make([][]byte, len(all))
	for i := range all {
		requests = append(requests, d.request(&all[i]))
		want[i] = []byte(d.allow)
		if all[i].question.Want != policy.Allow {
			want[i] = []byte(d.deny)
		}
	}
	c, p := d.constant(), d.serve(b, snapshot)
	allowed := []byte(d.allow)
	constant = &target{name: "constant", network: network, address: open(b, network, c.Serve, func() { _ = c.Shutdown() }), check: exactly(func(int) []byte { return allowed })}
	postern = &target{name: "postern", network: network, address: open(b, network, p.Serve, func() { _ = p.Shutdown(context.Background()) }), check: exactly(func(i int) []byte { return want[i] }),
		status: func(i int) int {
			if all[i].question.Want != policy.Allow {
				return d.refusal
			}
			return 200
		}}
	return constant, postern, requests
}

// BenchmarkDoors measures mark P18: each door for proxies and stores, one
// request an operation, at 32 connections, by turns with its constant server.
// Names are network/door/postern.
func BenchmarkDoors(b *testing.B) {
	snapshot, all := doorWorld(b, 10_000)
	for _, network := range []string{"tcp", "unix"} {
		for i := range doors {
			d := &doors[i]
			b.Run(network+"/"+d.name, func(b *testing.B) {
				constant, postern, requests := d.pair(b, network, snapshot, all)
				b.Run("postern", func(b *testing.B) {
					a := duel(b, load{requests, 32}, postern, constant)
					b.ReportMetric(a.all.PerSecond(), "requests/s")
					b.ReportMetric(a.others.PerSecond(), "constant-requests/s")
					b.ReportMetric(a.perSecond, "of-constant")
				})
			})
		}
	}
}

// TestDoorsAnswer: every door answers the benchmark's requests as the workload
// says, and its constant server all of them.
func TestDoorsAnswer(t *testing.T) {
	snapshot, all := doorWorld(t, 1000)
	outcomes := map[policy.Outcome]int{}
	for i := range all {
		outcomes[all[i].question.Want]++
	}
	if len(all) < hotSet/3 || len(outcomes) != 3 {
		t.Fatalf("%d operations, outcomes %v", len(all), outcomes)
	}
	for i := range doors {
		d := &doors[i]
		constant, postern, requests := d.pair(t, "tcp", snapshot, all)
		for _, x := range []*target{constant, postern} {
			load{requests, 1}.run(t, x, len(requests))
		}
		one := loadgen.Load{Network: postern.network, Address: postern.address, Requests: requests, Check: constant.check, Count: uint64(len(requests))}
		if _, err := one.Run(t.Context()); err == nil {
			t.Errorf("%s: all answers are those of the constant server", d.name)
		}
	}
}
