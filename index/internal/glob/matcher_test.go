package glob

import (
	"math/rand/v2"
	"strings"
	"testing"

	"postern/internal/reference"
)

// TestLongCores: cores of several words, in texts that make the matcher look for
// them bit by bit, are found where the reference finds them. What leads from one
// word of the state to the next does so a byte later.
func TestLongCores(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	units := []string{"a", "é", "aé", "ab", "€a", "b"}
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	matched := 0
	for range 4000 {
		pattern := "*a" + strings.Repeat("?", 1+r.IntN(300)) + pick("b", "é", "a", "aé") + "*" + pick("", "?")
		text := strings.Repeat(pick(units...), 1+r.IntN(400)) + strings.Repeat(pick(units...), r.IntN(200))
		got := Match(programOf(pattern), text)
		if want := reference.Match(pattern, text); got != want {
			t.Fatalf("glob(%q, %q) = %v, want %v", pattern, text, got, want)
		}
		if got {
			matched++
		}
	}
	if matched < 500 || matched > 3500 {
		t.Errorf("%d of 4000 matched: the texts say little", matched)
	}
}
