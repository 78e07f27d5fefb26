package pattern

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	lit := func(s string) Part { return Part{Kind: Literal, Text: s} }
	run, one := Part{Kind: AnyRun}, Part{Kind: AnyOne}
	for _, c := range []struct {
		text      string
		variables bool
		want      []Part
	}{
		{"", true, nil},
		{"b/k", true, []Part{lit("b/k")}},
		{"a**b?", true, []Part{lit("a"), run, run, lit("b"), one}},
		{"a${*}b${?}${$}*", true, []Part{lit("a*b?$"), run}},
		{"$x${aws:username}y", true, []Part{lit("$x"), {Kind: Variable, Text: "aws:username"}, lit("y")}},
		{"${k, 'd*'}", true, []Part{{Kind: Variable, Text: "k", Default: "d*", HasDefault: true}}},
		{"${k, ''}", true, []Part{{Kind: Variable, Text: "k", HasDefault: true}}},
		{"${k}*", false, []Part{lit("${k}"), run}},
		{"home/$", true, []Part{lit("home/$")}},
		{"${k, 'a, b'}", true, []Part{{Kind: Variable, Text: "k", Default: "a, b", HasDefault: true}}},
	} {
		got, err := Parse(c.text, c.variables)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("Parse(%q, %v) = %v, %v, want %v", c.text, c.variables, got, err, c.want)
		}
	}
	for _, text := range []string{"${", "${}", "${a b}", "${a,'d'}", "${a,  'd'}", "${a, d}", "${a, 'd''}", "${a{b}", "${, 'd'}", "${ a}", "${a, 'x', 'y'}", "${a'}"} {
		if got, err := Parse(text, true); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", text, got)
		}
	}
}

// TestParseIsLinear: a text of a quarter of a million characters that each end a literal
// parses at once; quadratic time would take minutes.
func TestParseIsLinear(t *testing.T) {
	for _, text := range []string{strings.Repeat("$", 256<<10), strings.Repeat("${$}", 64<<10), strings.Repeat("a*", 128<<10)} {
		if _, err := Parse(text, true); err != nil {
			t.Error(err)
		}
	}
	if _, err := Parse("${"+strings.Repeat(" ", 1<<20)+"}", true); err == nil || len(err.Error()) > 500 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
}
