package compare

import (
	"maps"
	"slices"
	"testing"

	"postern/internal/policygen"
	"postern/policy"
)

// BenchmarkCompare is the comparison of specification 8.3 after the load, over
// 100,000 bucket files: one changed bucket policy, and a changed organization
// policy of 100 statements above them.
func BenchmarkCompare(b *testing.B) {
	old := policygen.Buckets(100_000, 1).Directory
	names := slices.Sorted(maps.Keys(old.Buckets))
	bucket := edited(old, func(*policy.Document) {})
	changed := bucket.Buckets[names[777]].Policy
	for i := range changed.Statements {
		s := &changed.Statements[i]
		s.Resources = append(s.Resources, names[777]+"/more/*")
	}
	organization := edited(old, func(doc *policy.Document) {
		if doc.Kind != policy.KindOrganization {
			return
		}
		for len(doc.Statements) < 100 {
			doc.Statements = append(doc.Statements, doc.Statements[len(doc.Statements)%10])
		}
		for i := range doc.Statements {
			s := &doc.Statements[i]
			s.Resources = append(s.Resources, names[i*100]+"/more/*")
		}
	})
	before, _ := sideOf(old)
	for _, c := range []struct {
		name string
		d    *policy.Directory
	}{{"bucket", bucket}, {"organization", organization}} {
		after, _ := sideOf(c.d)
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if d := Compare(before, after, 1_767_225_600); len(d.Gained)+len(d.Lost) == 0 || len(d.Unknown) > 0 {
					b.Fatalf("%d gained, %d lost, %d unknown", len(d.Gained), len(d.Lost), len(d.Unknown))
				}
			}
		})
	}
}
