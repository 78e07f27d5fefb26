package lint

import (
	"fmt"
	"testing"

	"postern/internal/policyjson"
	"postern/policy"
)

// What begins once all files are read says what it says at the end; a file that comes
// after that is among what it looks at all the same.
func TestAllRead(t *testing.T) {
	text := func(name string) []byte {
		return fmt.Appendf(nil, `{"version":"v1alpha1","name":%q,"statements":[{"name":"s","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["role/a"]}]}`, name)
	}
	for _, before := range []int{0, 1, 2, 3} { // files that are read when AllRead is called
		d := NewDirectory([]string{"o1"}, nil)
		for i, name := range []string{"a", "b", "c"} {
			if i == before {
				d.AllRead()
			}
			path := "o1/access-policies/" + name + ".json"
			f, ds := policyjson.Parse(path, text(name), policyjson.Limits{})
			if policy.HasErrors(ds) {
				t.Fatal(ds)
			}
			d.Warnings(path, "", text(name), f)
		}
		if before == 3 {
			d.AllRead()
			d.AllRead()
		}
		var dead []string
		for _, w := range d.Whole(func(string) []byte { return nil }, func(string) bool { return true }) {
			if w.Code == policy.CodeDeadStatement {
				dead = append(dead, w.Position.String())
			}
		}
		if want := "[o1/access-policies/b.json:1:48 o1/access-policies/c.json:1:48]"; fmt.Sprint(dead) != want {
			t.Errorf("AllRead after %d files: dead are %v, want %s", before, dead, want)
		}
	}
}
