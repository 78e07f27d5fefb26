package block

import (
	"math/rand/v2"
	"slices"
	"testing"

	"postern/index/internal/glob"
	"postern/index/lowered"
)

// TestTraits: a text that a program matches has every trait of the program's.
func TestTraits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 7))
	text := func(letters string, n int) string {
		out := make([]byte, n)
		for i := range out {
			out[i] = letters[r.IntN(len(letters))]
		}
		return string(out)
	}
	segments, prefixes := 0, 0
	for range 20_000 {
		var x TextTraits
		of := text("ab/", r.IntN(40))
		pattern := of
		for range r.IntN(3) { // a run in place of a piece
			from := r.IntN(len(pattern) + 1)
			to := from + r.IntN(min(len(pattern)-from, 12)+1)
			pattern = pattern[:from] + "*" + pattern[to:]
		}
		if len(pattern) > 0 && r.IntN(3) == 0 {
			at := r.IntN(len(pattern))
			pattern = pattern[:at] + "?" + pattern[at+1:]
		}
		program := programOf(pattern)
		if !glob.Match(program, of) { // a `?` in place of a `*`
			continue
		}
		lengths := uint64(1)<<(1+r.IntN(20)) | 1<<(1+r.IntN(20)) | 1<<maxLength
		has := x.WithPrefixes(of, lengths)
		for _, trait := range traitsOf(program, lengths) {
			if !slices.Contains(has, trait) {
				t.Fatalf("%q matches %q, which lacks a trait", pattern, of)
			}
			prefixes++
		}
		for _, trait := range traitsOf(program, 0) {
			if !x.MayHave(of, trait) {
				t.Fatalf("%q matches %q, whose segments lack a trait", pattern, of)
			}
			segments++
			prefixes--
		}
	}
	if segments < 1000 || prefixes < 1000 {
		t.Errorf("only %d traits of segments and %d of prefixes were looked at", segments, prefixes)
	}
}

// TestTraitsTell: what differs has other traits, and what a variable stands for
// has none.
func TestTraitsTell(t *testing.T) {
	seen := map[uint32]string{}
	for _, text := range []string{"", "x", "y", "x1", "x2", "x0001", "x0002", "of-eight", "of-eighu", "of-nine-b", "pf-nine-b", "of-nine-c", "team-1-production", "team-2-production"} {
		for kind, trait := range map[string]uint32{"segment ": segmentTrait(text, 0, len(text)), "beginning ": prefixTrait(text, len(text))} {
			if other, ok := seen[trait]; ok {
				t.Errorf("%s and %s have one trait", kind+text, other)
			}
			seen[trait] = kind + text
		}
	}
	var p lowered.Program
	p.AnyRun()
	p.Variable('/'<<7 | '/')
	p.Literal("x/y/")
	p.AnyRun()
	if got, want := traitsOf(p.String(), 0), []uint32{segmentTrait("y", 0, 1)}; !slices.Equal(got, want) {
		t.Errorf("%q has traits %x, want %x", p.String(), got, want)
	}
}
