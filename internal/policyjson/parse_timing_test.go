package policyjson

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"postern/internal/jsonscan"
)

// BenchmarkParse reads a bucket policy of 12 statements, a file as cold starts
// meet them by the hundred thousand, beside a bare scan of the same bytes and
// encoding/json.Valid.
func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	text.WriteString("{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [")
	for i := range 12 {
		if i > 0 {
			text.WriteString(",")
		}
		fmt.Fprintf(&text, `
    {
      "Sid": "statement-%d",
      "Effect": "Allow",
      "Principal": {"AWS": ["arn:aws:iam::ab1cd2:coreweave/u-%d", "arn:aws:iam::ab1cd2:role/r%d"]},
      "Action": ["s3:GetObject", "s3:PutObject"],
      "Resource": ["arn:aws:s3:::training-data/p%d/*"],
      "Condition": {"StringEquals": {"cw:PrincipalOrgID": ["ab1cd2"]}}
    }`, i, 7*i, i%3, i)
	}
	text.WriteString("\n  ]\n}\n")
	data := []byte(text.String())
	if doc, ds := ParseBucket("f", "training-data", data, Limits{}); doc == nil || len(doc.Statements) != 12 || len(ds) > 0 {
		b.Fatal(ds)
	}
	b.Run("ParseBucket", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			ParseBucket("f", "training-data", data, Limits{})
		}
	})
	b.Run("Parser", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		var p Parser
		for b.Loop() {
			p.Bucket("f", "training-data", data, Limits{})
		}
	})
	b.Run("jsonscan", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		var s jsonscan.Scanner
		for b.Loop() {
			s.Reset(data, jsonscan.MaxDepth, 0, true)
			if !s.Skip() || !s.End() {
				b.Fatal(s.Err())
			}
		}
	})
	b.Run("json.Valid", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if !json.Valid(data) {
				b.Fatal("not valid")
			}
		}
	})
}
