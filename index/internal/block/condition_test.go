package block

import (
	"testing"

	"postern/index/lowered"
)

// TestLayoutsAreWhole: there is a layout of every kind of value, and it prints.
func TestLayoutsAreWhole(t *testing.T) {
	for kind := lowered.ValueNone + 1; kind < lowered.ValueKindCount; kind++ {
		if l := &layouts[kind]; l.words == 0 || l.text == (l.print != nil) || l.text && l.words != textWords {
			t.Errorf("kind of value %d has the layout %+v", kind, l)
		}
	}
}
