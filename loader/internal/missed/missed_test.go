package missed

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"postern/loader/source"
	"postern/policy"
)

// model is what is in force: the bucket files of organizations, of those that are
// missed with a question mark.
type model map[string]string

func (m model) Org(name string) *source.Last {
	names, ok := m[name]
	if !ok {
		return nil
	}
	o := &source.Last{Buckets: map[string]*source.Bucket{}}
	for _, file := range strings.Fields(names) {
		o.Buckets[strings.TrimSuffix(file, "?")] = &source.Bucket{}
	}
	return o
}

func (m model) Missed(org string) (missed map[string]struct{}) {
	for _, file := range strings.Fields(m[org]) {
		if name, is := strings.CutSuffix(file, "?"); is {
			missed = source.With(missed, name)
		}
	}
	return missed
}

func (m model) Having(file string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for org, names := range m {
			if slices.Contains(strings.Fields(names), file) && !yield(org) {
				return
			}
		}
	}
}

// found are the findings of a look, by organization: bucket files that are there
// and were not as they are, and with a minus those that are gone; "absent" if
// buckets/ is gone, "gone" if the organization is, "fault" if buckets/ cannot be
// listed.
func found(orgs map[string]string) *source.Found {
	f := &source.Found{}
	for name, text := range orgs {
		of := &source.OrgFinding{Name: name, Buckets: &source.BucketsFinding{}}
		f.Orgs = append(f.Orgs, of)
		switch b := of.Buckets; text {
		case "absent":
			b.Absent = true
		case "gone":
			of.Gone, of.Buckets = true, nil
		case "fault":
			b.Fault = []policy.Diagnostic{{}}
		default:
			for _, file := range strings.Fields(text) {
				file, gone := strings.CutPrefix(file, "-")
				b.Found = append(b.Found, source.BucketFinding{Name: file, Gone: gone})
			}
		}
	}
	return f
}

// "buckets/ that holds none of the policies that it held at the last look (new
// ones do not count) ... is the removal of its policy if it held one, and a fault
// if it held more. That fault ends for each policy when its file is back."
func TestMissed(t *testing.T) {
	for _, x := range []struct {
		why    string
		m      model
		found  map[string]string
		missed string // of o1, then
		left   string // of what was found of o1
	}{
		{"one of several is a removal", model{"o1": "a b c"}, map[string]string{"o1": "-a"}, "", "-a"},
		{"all but one are removals", model{"o1": "a b c"}, map[string]string{"o1": "-a -b"}, "", "-a -b"},
		{"all that it held", model{"o1": "a b"}, map[string]string{"o1": "-a -b"}, "a b", ""},
		{"new ones do not count", model{"o1": "a b"}, map[string]string{"o1": "-a -b c"}, "a b", "c"},
		{"the folder is gone", model{"o1": "a b"}, map[string]string{"o1": "absent"}, "a b", ""},
		{"the only one is a removal", model{"o1": "a"}, map[string]string{"o1": "absent"}, "", ""},
		{"a folder that held none", model{"o1": ""}, map[string]string{"o1": "absent"}, "", ""},
		{"one that is as it was", model{"o1": "a b"}, map[string]string{"o1": ""}, "", ""},
		{"a folder that cannot be listed has a fault of its own", model{"o1": "a b?"}, map[string]string{"o1": "fault"}, "", ""},

		{"each has a file in another organization now", model{"o1": "a b", "o2": ""}, map[string]string{"o1": "absent", "o2": "a b"}, "", ""},
		{"and in the model, where no look was", model{"o1": "a b", "o2": "a b"}, map[string]string{"o1": "absent"}, "", ""},
		{"one is nowhere", model{"o1": "a b c", "o2": "b"}, map[string]string{"o1": "absent", "o2": "a"}, "a b c", ""},
		{"the other has it no more", model{"o1": "a b", "o2": "a b"}, map[string]string{"o1": "absent", "o2": "-b"}, "a b", ""},
		{"the other's folder went too", model{"o1": "a b", "o2": "a b"}, map[string]string{"o1": "absent", "o2": "absent"}, "a b", ""},
		{"the other went too", model{"o1": "a b", "o2": "a b"}, map[string]string{"o1": "absent", "o2": "gone"}, "a b", ""},
		{"the other misses one", model{"o1": "a b", "o2": "a b?"}, map[string]string{"o1": "absent"}, "a b", ""},

		{"it stays missed", model{"o1": "a? b?"}, map[string]string{"o1": "absent"}, "a b", ""},
		{"one that is back says nothing about the others", model{"o1": "a? b?"}, map[string]string{"o1": "a -b"}, "b", "a"},
		{"both are back", model{"o1": "a? b?"}, map[string]string{"o1": "a b"}, "", "a b"},
		{"what came meanwhile goes: it held one", model{"o1": "a? b? c"}, map[string]string{"o1": "-a -b -c"}, "a b", "-c"},
		{"what came meanwhile goes: it held more", model{"o1": "a? b? c d"}, map[string]string{"o1": "-a -b -c -d"}, "a b c d", ""},
	} {
		f := found(x.found)
		New(x.m, f).Take()
		for _, of := range f.Orgs {
			if of.Name != "o1" {
				continue
			}
			if got := strings.Join(slices.Sorted(maps.Keys(of.Buckets.Missed)), " "); got != x.missed {
				t.Errorf("%s: missed %q, want %q", x.why, got, x.missed)
			}
			var left []string
			for _, b := range of.Buckets.Found {
				name := b.Name
				if b.Gone {
					name = "-" + name
				}
				left = append(left, name)
			}
			if got := strings.Join(left, " "); got != x.left {
				t.Errorf("%s: left in the findings: %q, want %q", x.why, got, x.left)
			}
		}
	}
}

// A fault names what is missed, within a bound, and says how many more there are.
func TestDiagnostics(t *testing.T) {
	missed := map[string]struct{}{}
	for i := range mostNamed + 5 {
		missed[fmt.Sprintf("b%05d.json", i)] = struct{}{}
	}
	ds := Diagnostics("o1", missed)
	if len(ds) != mostNamed+1 || ds[0].Position.File != "o1/buckets" || ds[1].Position.File != "o1/buckets/b00000.json" {
		t.Fatalf("%d diagnostics: %v", len(ds), ds[:2])
	}
	for _, want := range []string{"1005 stay in force", "(5 of them are not named here)", "SIGHUP"} {
		if !strings.Contains(ds[0].Message, want) {
			t.Errorf("%q does not say %q", ds[0].Message, want)
		}
	}
	if ds = Diagnostics("o1", map[string]struct{}{"a.json": {}, "b.json": {}}); len(ds) != 3 || strings.Contains(ds[0].Message, "not named") {
		t.Errorf("%v", ds)
	}
}
