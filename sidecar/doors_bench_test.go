package sidecar

import (
	"math"
	"testing"
	"time"
)

// benchSigned are the headers of a client's own that a proxy passes on.
var benchSigned = []string{"User-Agent: aws-sdk-go-v2/1.30.0 os/linux lang/go#1.26", "X-Amz-Date: 20261130T152530Z", "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD",
	"Authorization: AWS4-HMAC-SHA256 Credential=AKEXAMPLE/20261130/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}

// BenchmarkDoors is what the handler takes of one request of a door, as its callers
// send it, without HTTP. least-ns is the least of many short rounds, which tells
// more than ns/op on a machine that does other things.
func BenchmarkDoors(b *testing.B) {
	forward := func(mode string) doorRequest {
		s := doorServer(b, Doors{Forward: &Forward{Mode: mode}})
		return doorRequest{s, forwardHead(mode, "GET", "/b/dir/k.txt", "10.1.2.3", true, append(benchSigned, jean...)...), "200"}
	}
	stores := storeServer(b, MinIO{})
	for _, c := range []struct {
		name string
		doorRequest
	}{
		{"nginx", forward("nginx")}, {"caddy", forward("caddy")}, {"envoy", forward("envoy")},
		{"ceph", doorRequest{stores, cephPost(cephBody("GET", "/c/dir/k.txt", "", "dir/k.txt", "c")), `200{"result":true}`}},
		{"minio", doorRequest{stores, minioPost(minioBody("s3:GetObject", "c", "dir/k.txt")), `200{"result":true}`}},
	} {
		b.Run(c.name, func(b *testing.B) {
			ctx := call(b, c.server, c.text)
			c.server.config.Now = nil
			least := math.MaxFloat64
			b.ReportAllocs()
			for b.Loop() {
				const round = 50
				began := time.Now()
				for range round {
					ctx.Response.Reset()
					c.server.handle(ctx)
				}
				least = min(least, float64(time.Since(began))/round)
			}
			b.ReportMetric(least, "least-ns")
			if got := c.told(ctx); got != c.want {
				b.Fatal(got)
			}
		})
	}
}
