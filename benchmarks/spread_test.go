package benchmarks

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"postern/index"
	"postern/internal/loadgen"
	"postern/policy"
	"postern/sidecar"
)

// spreadSet is how many requests BenchmarkSpread has, over all buckets of
// `field`: whatever a batch brought into a cache, the batches between push out.
const spreadSet = 100_000

// spreadTurn is how many items a turn of BenchmarkSpread has at least, in as many
// batches as that takes.
const spreadTurn = 1_000

// BenchmarkSpread measures mark P19: what it costs a batch that its buckets lie
// anywhere. Batches take turns over all of `field`; each is decided, and at once
// decided again, now that what it needs is near. ratio is the median over the
// turns of the first by the second. Spread/field/SIZE/ITEMS/decide is Decide, with
// Ahead, over a batch that is decoded: its requests are read through before, as
// the decoder has just written them. Spread/field/SIZE/ITEMS/http is the same
// batch over TCP at one connection, from the first byte written to the last one
// read.
func BenchmarkSpread(b *testing.B) {
	for _, x := range shapes {
		if x.name != "field" {
			continue
		}
		const n = 100_000
		for _, items := range []int{100, 1_000} {
			b.Run(fmt.Sprintf("%s/%d/%d", x.name, n, items), func(b *testing.B) {
				w := x.world(b, n)
				q := w.ask(b, spreadSet)
				b.Run("decide", func(b *testing.B) { spreadDecide(b, w.snapshot, q, items) })
				b.Run("http", func(b *testing.B) { spreadHTTP(b, w.snapshot, q, items) })
			})
		}
	}
}

// spread runs ask twice over each of some batches, round and round, until b has
// enough turns; near brings a batch's requests to where they are when it is
// asked, and is not timed.
func spread(b *testing.B, q *questions, items int, near func(from int), ask func(from int)) {
	b.Helper()
	var first, again, ratios []float64
	at := 0
	for b.Loop() {
		var took [2]time.Duration
		for done := 0; done < spreadTurn; done += items {
			near(at)
			for i := range took {
				began := time.Now()
				ask(at)
				took[i] += time.Since(began)
			}
			if at += items; at+items > len(q.requests) {
				at = 0
			}
		}
		each := func(d time.Duration) float64 { return float64(d) / spreadTurn }
		first, again, ratios = append(first, each(took[0])), append(again, each(took[1])), append(ratios, float64(took[0])/float64(took[1]))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(first), "first-ns/item")
	b.ReportMetric(median(again), "again-ns/item")
	b.ReportMetric(median(ratios), "ratio")
}

func spreadDecide(b *testing.B, s *index.Snapshot, q *questions, items int) {
	var sc index.Scratch
	sum := uint64(0)
	spread(b, q, items,
		func(from int) {
			for i := from; i < from+items; i++ {
				sum += floorHash(&q.requests[i])
			}
		},
		func(from int) {
			for i := from; i < from+items+index.AheadBy; i++ {
				if i < from+items {
					s.Ahead(&q.requests[i], &sc)
				} else {
					s.Ahead(nil, &sc)
				}
				if i := i - index.AheadBy; i >= from && s.Decide(&q.requests[i], &sc).Outcome != q.want[i] {
					b.Fatalf("%+v: not %v", q.requests[i], q.want[i])
				}
			}
		})
	if sum == 0 {
		b.Fatal("no request was read")
	}
}

func spreadHTTP(b *testing.B, s *index.Snapshot, q *questions, items int) {
	var current index.Current
	current.Store(s)
	server, err := sidecar.New(sidecar.Config{Current: &current, Status: func() *policy.Status { return &policy.Status{} }, MaxBody: 4 << 20})
	if err != nil {
		b.Fatal(err)
	}
	c, err := net.Dial("tcp", open(b, "tcp", server.Serve, func() { _ = server.Shutdown(context.Background()) }))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	answers := make([]policy.Decision, len(q.requests)) // beforehand, since asking the snapshot brings near what it reads
	var sc index.Scratch
	for i := range q.requests {
		answers[i] = s.Decide(&q.requests[i], &sc)
	}
	read := bufio.NewReaderSize(c, 1<<16)
	var sent, want []byte
	var answer fasthttp.Response
	spread(b, q, items,
		func(from int) {
			body := []byte(`{"evaluations":[`)
			want = append(want[:0], `{"evaluations":[`...)
			for i := from; i < from+items; i++ {
				if i > from {
					body, want = append(body, ','), append(want, ',')
				}
				body, want = append(body, evaluation(&q.requests[i])...), append(want, plainAnswer(answers[i])...)
			}
			sent, want = loadgen.Post("/access/v1/evaluations", string(append(body, "]}"...))), append(want, "]}"...)
		},
		func(int) {
			if _, err := c.Write(sent); err != nil {
				b.Fatal(err)
			}
			if err := answer.Read(read); err != nil {
				b.Fatal(err)
			}
			if !bytes.Equal(answer.Body(), want) {
				b.Fatalf("%d %.300s, want %.300s", answer.StatusCode(), answer.Body(), want)
			}
		})
}
