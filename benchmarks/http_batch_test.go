package benchmarks

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"postern/index"
	"postern/internal/loadgen"
	"postern/internal/policygen"
	"postern/policy"
)

// batchOf is how many items a batch of BenchmarkBatch has.
const batchOf = 100

// BenchmarkBatch measures an item of a batch of 100 over HTTP, at one
// connection: the time from the request's first byte written to the answer's
// last one read, for the whole batch, over 100. Beside it, by turns in the same
// run, it measures what the mark is made of: Decide of the same requests, and
// encoding/json.Valid of the same bytes. of-mark is the item over three times
// the one and once the other: up to 1 it is met. Each operation is one batch.
func BenchmarkBatch(b *testing.B) { batches(b, policygen.Users(10_000, seed)) }

// BenchmarkBatchField is BenchmarkBatch on `field`.
func BenchmarkBatchField(b *testing.B) { batches(b, policygen.Field(10_000, seed)) }

func batches(b *testing.B, w *policygen.Workload) {
	snapshot, questions := compiled(b, w, 4000)
	plain := plainAnswers(snapshot, questions)
	var bodies, requests, want [][]byte
	for i := 0; i < len(questions); i += batchOf {
		body, answer := []byte(`{"evaluations":[`), []byte(`{"evaluations":[`)
		for k := i; k < i+batchOf; k++ {
			if k > i {
				body, answer = append(body, ','), append(answer, ',')
			}
			body, answer = append(body, evaluation(&questions[k].Request)...), append(answer, plain(k)...)
		}
		bodies = append(bodies, append(body, "]}"...))
		want = append(want, append(answer, "]}"...))
		requests = append(requests, loadgen.Post("/access/v1/evaluations", string(bodies[len(bodies)-1])))
	}
	for _, network := range []string{"tcp", "unix"} {
		b.Run(network, func(b *testing.B) {
			p := posternServer(b, snapshot)
			postern := &target{name: "postern", network: network, address: open(b, network, p.Serve, func() { _ = p.Shutdown(context.Background()) }),
				check: exactly(func(i int) []byte { return want[i] })}
			b.Run("postern", func(b *testing.B) {
				var https, decides, valids, ratios []float64
				var sc index.Scratch
				item := func(took time.Duration, batches int) float64 {
					return float64(took) / float64(batches*batchOf)
				}
				for left := b.N; left > 0; {
					n := min(left, 200)
					left -= n
					all := load{requests, 1}.run(b, postern, n)
					https = append(https, item(all.Elapsed, n))
					began := time.Now()
					for i := range n {
						for k := range batchOf {
							q := &questions[(i*batchOf+k)%len(questions)]
							if (snapshot.Decide(&q.Request, &sc).Outcome == policy.Allow) != (q.Want == policy.Allow) {
								b.Fatalf("%+v: want %v", q.Request, q.Want)
							}
						}
					}
					decides = append(decides, item(time.Since(began), n))
					began = time.Now()
					for i := range n {
						if !json.Valid(bodies[i%len(bodies)]) {
							b.Fatal("a body is no JSON")
						}
					}
					valids = append(valids, item(time.Since(began), n))
					turn := len(https) - 1
					ratios = append(ratios, https[turn]/(3*decides[turn]+valids[turn]))
				}
				b.ReportMetric(float64(len(bytes.Join(bodies, nil)))/float64(len(questions)), "bytes/item")
				b.ReportMetric(median(https)*batchOf, "ns/op")
				b.ReportMetric(median(https), "ns/item")
				b.ReportMetric(median(decides), "decide-ns/item")
				b.ReportMetric(median(valids), "valid-ns/item")
				b.ReportMetric(median(ratios), "of-mark")
			})
		})
	}
}
