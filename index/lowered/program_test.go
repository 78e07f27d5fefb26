package lowered

import (
	"testing"
	"unicode/utf8"

	"postern/index/internal/glob"
)

func TestProgramKeepsVariablesApart(t *testing.T) {
	// A variable's number must not be taken for an operation by what follows.
	for _, n := range []int{0, 127, 128, 255, 16383, MaxVariables - 1} {
		var p Program
		p.Variable(n)
		p.AnyRun()
		if got := p.String(); len(got) != 5 || got[4] != glob.OpRun {
			t.Errorf("variable %d and a run give %x", n, got)
		}
		for _, c := range []byte(p.String()[1:4]) {
			if c >= utf8.RuneSelf {
				t.Errorf("variable %d gives %x", n, p.String())
			}
		}
	}
}
