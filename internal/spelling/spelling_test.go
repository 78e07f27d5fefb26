package spelling

import "testing"

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "acb", 1}, {"abc", "ab", 1}, {"actoins", "actions", 1}, {"kitten", "sitting", 3}, {"a", "xyz", 3}} {
		if got := Distance(c.a, c.b, 9); got != c.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"corp", "partner", "globex"}
	for text, want := range map[string]int{"crp": 0, "corp": 0, "parnter": 1, "initech": -1, "": -1} {
		if got := Nearest(text, len(names), func(i int) string { return names[i] }); got != want {
			t.Errorf("Nearest(%q) = %d, want %d", text, got, want)
		}
	}
}
