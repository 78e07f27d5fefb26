package loadgen

import (
	"math/bits"
	"time"
)

// A bucket is as wide as 1/128 of the power of two that it lies above, so a
// quantile is high by less than 0.8 %. Below 256 ns buckets are 1 ns wide.
const (
	fineBits = 7
	fine     = 1 << fineBits
	top      = 38 // what is longer than 2^38 ns (4.6 minutes) is counted as that
	buckets  = (top - fineBits + 1) * fine
)

// Histogram counts durations in a fixed memory of 32 KB. The zero value is
// empty and ready. One goroutine at a time; give each its own, and Merge them.
type Histogram struct {
	counts [buckets]uint64
	n, sum uint64
	max    time.Duration
}

// bucket is the place of a duration.
func bucket(d time.Duration) int {
	v := min(uint64(max(d, 0)), 1<<top-1)
	if v < 2*fine {
		return int(v)
	}
	shift := bits.Len64(v) - fineBits - 1
	return shift<<fineBits + int(v>>shift)
}

// highest is the longest duration of a bucket.
func highest(i int) time.Duration {
	if i < 2*fine {
		return time.Duration(i)
	}
	shift := i>>fineBits - 1
	return time.Duration((i&(fine-1)+fine+1)<<shift - 1)
}

// Add counts one duration; a negative one counts as 0.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucket(d)]++
	h.n++
	h.sum += uint64(max(d, 0))
	h.max = max(h.max, d)
}

// Merge adds what other counted.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.n += other.n
	h.sum += other.sum
	h.max = max(h.max, other.max)
}

// Count is the number of durations.
func (h *Histogram) Count() uint64 { return h.n }

// Max is the longest duration, exactly; 0 if there is none.
func (h *Histogram) Max() time.Duration { return h.max }

// Mean is the mean duration, exactly; 0 if there is none.
func (h *Histogram) Mean() time.Duration { return time.Duration(h.sum / max(h.n, 1)) }

// Quantile returns the least duration that at least q of all do not pass, high
// by less than 0.8 %: 0.99 gives p99. q is from 0 to 1; 0 if there is none.
func (h *Histogram) Quantile(q float64) time.Duration {
	want := uint64(q * float64(h.n))
	if float64(want) < q*float64(h.n) {
		want++
	}
	seen := uint64(0)
	for i, n := range h.counts {
		if seen += n; n > 0 && seen >= want {
			return min(highest(i), h.max)
		}
	}
	return 0
}
