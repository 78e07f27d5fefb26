package compare

import (
	"sync"
	"testing"
)

// TestWordTreeOfSeveral: several goroutines may ask one tree from the first moment, as
// those do that look at the organizations of a directory.
func TestWordTreeOfSeveral(t *testing.T) {
	for range 100 {
		tree := newWordTree("s3:getobject", "s3:putobject")
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				if !tree.has('g') || tree.has('z') {
					t.Error("has tells otherwise")
				}
			})
		}
		wait.Wait()
	}
}
