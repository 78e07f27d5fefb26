package compile

import (
	"testing"

	"postern/index/lowered"
)

// TestReadersAreWhole: every kind of value has a reader, and nothing else has: what
// is unknown is never read as something known.
func TestReadersAreWhole(t *testing.T) {
	for kind := range lowered.ValueKind(lowered.ValueKindCount) {
		if (readers[kind] != nil) != (kind != lowered.ValueNone) {
			t.Errorf("kind of value %d: a reader is there: %v", kind, readers[kind] != nil)
		}
	}
}
