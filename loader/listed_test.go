package loader

import (
	"syscall"
	"testing"
)

// What a listing of buckets/ shows to be a regular file is opened without
// looking again; it is not trusted to be one still.
func TestChangedOnceListed(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(tr *testTree)
		units  []string // at fault
	}{
		{"FIFO", func(tr *testTree) {
			tr.remove("o1/buckets/c.json")
			if err := syscall.Mkfifo(tr.path("o1/buckets/c.json"), 0o644); err != nil {
				tr.t.Fatal(err)
			}
		}, []string{"o1/buckets/c.json"}},
		{"folder", func(tr *testTree) {
			tr.remove("o1/buckets/c.json")
			tr.mkdir("o1/buckets/c.json")
		}, []string{"o1/buckets/c.json"}},
		{"link", func(tr *testTree) {
			tr.write("..c", denyAll("c"))
			tr.link("../../..c", "o1/buckets/c.json")
		}, nil},
		{"link that leads out", func(tr *testTree) {
			tr.link("/etc/passwd", "o1/buckets/c.json")
		}, []string{"o1/buckets/c.json"}},
		{"other content", func(tr *testTree) { tr.write("o1/buckets/c.json", denyAll("c")+" ") }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := emptyTree(t)
			tr.config.Workers = 1
			tr.write("o1/access-policies/a.json", allowAll("a"))
			tr.write("o1/buckets/b.json", denyAll("b"))
			tr.write("o1/buckets/c.json", allowBucket("c"))
			tr.open()
			changed := false
			tr.onRead(func(p string) {
				if p == "b.json" && !changed {
					changed = true
					c.change(tr)
				}
			})
			tr.load()
			tr.wantUnits(c.units...)
			tr.want("o1", "b", bucketDeny)
			if got := tr.decide("o1", "c"); got == allowed || !changed {
				t.Errorf("the old content of c is in force: %v", got)
			}
		})
	}
}
