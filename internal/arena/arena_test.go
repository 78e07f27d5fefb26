package arena

import (
	"fmt"
	"strings"
	"testing"
)

// What is kept stays as it is, whatever is kept after it and whatever becomes of
// the bytes.
func TestKeep(t *testing.T) {
	for _, x := range []*Texts{{}, {Size: 64, Most: 16}, {Size: 8, Most: 16}} {
		var got, want []string
		for i := range 200 {
			text := []byte(strings.Repeat(fmt.Sprint(i), i%9))
			got, want = append(got, x.Keep(text)), append(want, string(text))
			clear(text)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%+v: text %d is %q, want %q", x.Size, i, got[i], want[i])
			}
		}
	}
}

// Short texts cost a block together, and long ones do not fill it.
func TestBlocks(t *testing.T) {
	x := &Texts{Size: 1 << 10, Most: 64}
	short, long := []byte("short"), make([]byte, 65)
	if n := testing.AllocsPerRun(100, func() { x.Keep(short) }); n != 0 {
		t.Errorf("a short text costs %v allocations", n)
	}
	before := x.block.Len()
	if x.Keep(long); x.block.Len() != before {
		t.Error("a long text stands in a block")
	}
}
