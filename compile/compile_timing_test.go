package compile

import (
	"fmt"
	"testing"

	"postern/policy"
)

// BenchmarkBucket compiles a bucket policy of 12 statements, as cold starts do
// by the hundred thousand.
func BenchmarkBucket(b *testing.B) {
	doc := &policy.Document{Kind: policy.KindBucket, File: "o1/buckets/training-data.json", Variables: true}
	for i := range 12 {
		doc.Statements = append(doc.Statements, policy.Statement{
			Name: fmt.Sprintf("statement-%d", i), Line: 8 * i, Effect: policy.EffectAllow,
			Principals: []policy.PrincipalPattern{
				{Kind: policy.PrincipalExact, Org: "o1", Name: fmt.Sprintf("coreweave/u-%d", 7*i)},
				{Kind: policy.PrincipalExact, Org: "o1", Name: fmt.Sprintf("role/r%d", i%3)},
			},
			Actions:   []string{"s3:GetObject", "s3:Put*"},
			Resources: []string{fmt.Sprintf("training-data/p%d/*", i)},
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		if p, ds := (Compiler{}).Bucket("training-data", doc); p.Len() != 12 || ds != nil {
			b.Fatal(ds)
		}
	}
}
