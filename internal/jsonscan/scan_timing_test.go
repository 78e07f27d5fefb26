package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// The two texts that the scanner is for: a request body of 321 bytes, and a
// policy file.
const evaluation = `{"subject":{"type":"coreweave","id":"u-1f3a9c","properties":{"org":"ab1cd2","principals":["role/Admin","saml/jean"]}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"training-data/shards/26/10/part-017.tar","properties":{"org":"ab1cd2"}},"context":{"aws:SourceIp":"203.0.113.77","s3:versionid":"3HL4"}}`

const bucketPolicy = `{
  "Version": "2012-10-17",
  "Id": "training-data",
  "Statement": [
    {
      "Sid": "ReadForTheOrganization",
      "Effect": "Allow",
      "Principal": {"AWS": "*"},
      "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"],
      "Resource": ["arn:aws:s3:::training-data", "arn:aws:s3:::training-data/*"],
      "Condition": {"StringEquals": {"cw:PrincipalOrgID": ["ab1cd2", "cw1234"]}}
    },
    {
      "Sid": "WriteForTheLoaders",
      "Effect": "Allow",
      "Principal": {"CW": ["arn:aws:iam::ab1cd2:role/https://oidc.example.com/id/7:system:serviceaccount:etl:loader", "arn:aws:iam::ab1cd2:coreweave/u-1f3a9c"]},
      "Action": ["s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"],
      "Resource": "arn:aws:s3:::training-data/incoming/${aws:username}/*",
      "Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}, "Bool": {"aws:SecureTransport": "true"}}
    },
    {
      "Sid": "NobodyDeletesVersions",
      "Effect": "Deny",
      "Principal": "*",
      "Action": "s3:DeleteObjectVersion",
      "Resource": "arn:aws:s3:::training-data/*"
    }
  ]
}
`

// BenchmarkScan compares whole passes over a text: this scanner, which finds
// duplicate keys and bad UTF-8; jsontext's tokens, which do too; and
// encoding/json.Valid, which does neither.
func BenchmarkScan(b *testing.B) {
	if len(evaluation) != 321 {
		b.Fatalf("the evaluation has %d bytes", len(evaluation))
	}
	for _, in := range []struct{ name, text string }{{"evaluation", evaluation}, {"bucket policy", bucketPolicy}} {
		data := []byte(in.text)
		var s Scanner
		if err := whole(&s, data, MaxDepth, false); err != nil {
			b.Fatal(err)
		}
		b.Run(in.name+"/jsonscan", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				s.Reset(data, MaxDepth, 0, false)
				if !s.Skip() || !s.End() {
					b.Fatal(s.Err())
				}
			}
		})
		b.Run(in.name+"/jsontext", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			r := bytes.NewReader(data)
			d := jsontext.NewDecoder(r)
			for b.Loop() {
				r.Reset(data)
				d.Reset(r)
				for {
					if _, err := d.ReadToken(); err != nil {
						if !errors.Is(err, io.EOF) {
							b.Fatal(err)
						}
						break
					}
				}
			}
		})
		b.Run(in.name+"/json.Valid", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if !json.Valid(data) {
					b.Fatal("not valid")
				}
			}
		})
	}
}
