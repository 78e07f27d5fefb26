package request

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
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

// BenchmarkRatioToValid times decoding, checks included, and json.Valid on the
// same bytes by turns, a few microseconds each, and reports the median of the
// ratios: what a neighbour does to the one it does to the other.
func BenchmarkRatioToValid(b *testing.B) {
	const turn = 50
	var d Decoder
	body := []byte(typical)
	var ratios []float64
	for b.Loop() {
		began := time.Now()
		for range turn {
			if _, err := d.Evaluation(body, now); err != nil {
				b.Fatal(err)
			}
		}
		middle := time.Now()
		for range turn {
			if !json.Valid(body) {
				b.Fatal("not valid")
			}
		}
		ratios = append(ratios, float64(middle.Sub(began))/float64(time.Since(middle)))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "of-Valid")
	b.ReportMetric(0, "ns/op")
}
