package benchmarks

import (
	"fmt"
	"testing"
	"time"

	"postern/internal/loadgen"
	"postern/internal/policygen"
)

// turn is how many answers one target gives before the other's turn, about a
// twentieth of a second: what else the machine does changes over seconds.
const turn = 5_000

// against holds the figures of one target, and its ratios to the constant
// server, which are medians over the turns.
type against struct {
	all, others         loadgen.Result // the target's, and the constant server's
	perSecond, p50, p99 float64
}

// duel puts a load of b.N answers on t, and by turns as much on the constant
// server. Clients run in this process: a server that is alone in its own idles
// between the requests of a single connection, and waking a core then takes
// three times as long as answering.
func duel(b *testing.B, l load, t, constant *target) (a against) {
	b.Helper()
	var perSecond, p50, p99 []float64
	for left := b.N; left > 0; {
		n := turn
		if left < 2*turn {
			n = left
		}
		left -= n
		var its, others *loadgen.Result
		if len(p50)%2 == 0 {
			its = l.run(b, t, n)
			others = l.run(b, constant, n)
		} else {
			others = l.run(b, constant, n)
			its = l.run(b, t, n)
		}
		a.all.Elapsed += its.Elapsed
		a.all.Latency.Merge(&its.Latency)
		a.others.Elapsed += others.Elapsed
		a.others.Latency.Merge(&others.Latency)
		quotient := func(q float64) float64 {
			return float64(its.Latency.Quantile(q)) / float64(others.Latency.Quantile(q))
		}
		perSecond = append(perSecond, its.PerSecond()/others.PerSecond())
		p50, p99 = append(p50, quotient(0.5)), append(p99, quotient(0.99))
	}
	a.perSecond, a.p50, a.p99 = median(perSecond), median(p50), median(p99)
	b.ReportMetric(float64(a.all.Elapsed)/float64(b.N), "ns/op")
	return a
}

// BenchmarkHTTP measures evaluations a second through the whole door. Names are
// network/connections/server. of-constant is the server's requests/s against
// those of the constant server in the same run, by turns; the constant server's
// own shows what of that is noise.
func BenchmarkHTTP(b *testing.B) { requestsPerSecond(b, policygen.Users(10_000, seed)) }

// BenchmarkHTTPField is BenchmarkHTTP on `field`, whose requests state 6 to 12
// context keys.
func BenchmarkHTTPField(b *testing.B) { requestsPerSecond(b, policygen.Field(10_000, seed)) }

func requestsPerSecond(b *testing.B, w *policygen.Workload) {
	for _, network := range []string{"tcp", "unix"} {
		b.Run(network, func(b *testing.B) {
			constant, postern, requests := pair(b, network, w)
			for _, connections := range []int{1, 32} {
				for _, t := range []*target{constant, postern} {
					b.Run(fmt.Sprintf("%d/%s", connections, t.name), func(b *testing.B) {
						a := duel(b, load{requests, connections}, t, constant)
						b.ReportMetric(a.all.PerSecond(), "requests/s")
						b.ReportMetric(a.perSecond, "of-constant")
					})
				}
			}
		})
	}
}

// BenchmarkHTTPLatency measures the percentiles of latency as BenchmarkHTTP
// does requests a second. With more connections than cores they are those of a
// queue; the marks are for one connection.
func BenchmarkHTTPLatency(b *testing.B) {
	for _, network := range []string{"tcp", "unix"} {
		b.Run(network, func(b *testing.B) {
			constant, postern, requests := pair(b, network, policygen.Users(10_000, seed))
			for connections := 1; connections <= 256; connections *= 2 {
				for _, t := range []*target{constant, postern} {
					b.Run(fmt.Sprintf("%d/%s", connections, t.name), func(b *testing.B) {
						a := duel(b, load{requests, connections}, t, constant)
						b.ReportMetric(float64(a.all.Latency.Quantile(0.5)/time.Nanosecond), "p50-ns")
						b.ReportMetric(float64(a.all.Latency.Quantile(0.99)/time.Nanosecond), "p99-ns")
						b.ReportMetric(a.p50, "p50-of-constant")
						b.ReportMetric(a.p99, "p99-of-constant")
					})
				}
			}
		})
	}
}
