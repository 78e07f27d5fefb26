package loadgen

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestBuckets: every duration lies in the bucket that its place says, buckets
// follow each other without a gap, and none is wider than 1/128.
func TestBuckets(t *testing.T) {
	for i := range buckets {
		d := highest(i)
		if got := bucket(d); got != i {
			t.Fatalf("the highest of bucket %d, %d, is in bucket %d", i, d, got)
		}
		if i == 0 {
			continue
		}
		lowest := highest(i-1) + 1
		if got := bucket(lowest); got != i {
			t.Fatalf("%d, which follows bucket %d, is in bucket %d", lowest, i-1, got)
		}
		if width := d - lowest; width*128 > lowest {
			t.Errorf("bucket %d is %d wide at %d", i, width+1, lowest)
		}
	}
	if got := bucket(time.Hour); got != buckets-1 {
		t.Errorf("an hour is in bucket %d", got)
	}
	if got := bucket(-1); got != 0 {
		t.Errorf("a negative duration is in bucket %d", got)
	}
}

// TestQuantiles holds quantiles to those of a sorted list, also of two
// histograms that were merged.
func TestQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h, other Histogram
	if h.Quantile(0.5) != 0 || h.Max() != 0 || h.Mean() != 0 {
		t.Error("an empty histogram has no durations")
	}
	var all []time.Duration
	sum := time.Duration(0)
	for i := range 100_000 {
		d := time.Duration(1) << r.IntN(30)
		d += time.Duration(r.Int64N(int64(d)))
		all, sum = append(all, d), sum+d
		if i%3 == 0 {
			other.Add(d)
		} else {
			h.Add(d)
		}
	}
	h.Merge(&other)
	slices.Sort(all)
	for _, q := range []float64{0, 0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[max(int(q*float64(len(all))), 1)-1]
		if got := h.Quantile(q); got < want || float64(got) > float64(want)*1.008 {
			t.Errorf("quantile %v is %d, want %d", q, got, want)
		}
	}
	if got := h.Quantile(1); got != h.Max() {
		t.Errorf("quantile 1 is %d, the maximum %d", got, h.Max())
	}
	if h.Count() != 100_000 || h.Max() != all[len(all)-1] || h.Mean() != sum/100_000 {
		t.Errorf("count %d, maximum %d, mean %d", h.Count(), h.Max(), h.Mean())
	}
}
