package request

import (
	"encoding/json"
	"testing"
)

// typical is an AuthZEN evaluation of 321 bytes, as a storage gateway sends it.
const typical = `{"subject":{"type":"coreweave","id":"u-7f3a9c21","properties":{"org":"ab1cd2","principals":["role/DataEngineer","saml/jean.dupont"]}},"action":{"name":"s3:GetObject"},"resource":{"type":"object","id":"training-data/datasets/2026/shard-00042.parquet"},"context":{"aws:SourceIp":"10.12.7.33","aws:SecureTransport":true}}   `

// now is the server's clock of tests.
const now = 1_700_000_000

func BenchmarkDecodeTypicalEvaluation(b *testing.B) {
	if len(typical) != 321 {
		b.Fatalf("%d bytes", len(typical))
	}
	var d Decoder
	body := []byte(typical)
	b.ReportAllocs()
	for b.Loop() {
		r, err := d.Evaluation(body, now)
		if err != nil || len(r.Principal.IDs) != 3 || len(r.Context) != 2 {
			b.Fatal(r, err)
		}
	}
}

// BenchmarkValidTypicalEvaluation is what the decoder is measured against.
func BenchmarkValidTypicalEvaluation(b *testing.B) {
	body := []byte(typical)
	for b.Loop() {
		if !json.Valid(body) {
			b.Fatal("not valid")
		}
	}
}
