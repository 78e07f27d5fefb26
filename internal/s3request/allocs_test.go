//go:build !race

package s3request

import (
	"strings"
	"testing"
)

// TestReadAllocatesNothing: neither a request that is asked nor one that is
// refused, once the reader has grown. (What net/netip says of an address in
// brackets that is none is left out.)
func TestReadAllocatesNothing(t *testing.T) {
	var r Reader
	for _, c := range corpus(t) {
		if strings.HasPrefix(c.request.Host, "[") {
			continue
		}
		n := testing.AllocsPerRun(3, func() {
			r.Read(&c.request)
			for i := range r.Questions {
				r.Keys(&r.Questions[i])
			}
		})
		if n != 0 {
			t.Errorf("%s: %s %s: %v allocations", c.where, c.request.Method, c.request.Target, n)
		}
	}
}
