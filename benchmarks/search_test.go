package benchmarks

import (
	"strings"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/policygen"
	"postern/policy"
)

// BenchmarkSearch measures searches over 100,000 buckets with policies of
// their own: who may do what an allowed request asks for, on its bucket; which
// buckets its caller reaches, one page and all of them; what its caller may do
// there. first is the first search for buckets after a load, which lists them.
// Every result is decided again before anything is timed.
func BenchmarkSearch(b *testing.B) {
	// Bucket policies of this workload speak of keys only, so that what is
	// reached on buckets themselves is what organization policies decide alone.
	searches(b, policygen.Buckets(100_000, seed), "role/team-1", "role/admin")
}

// BenchmarkSearchField is BenchmarkSearch on `field`.
func BenchmarkSearchField(b *testing.B) {
	searches(b, policygen.Field(100_000, seed), "role/Admin")
}

// searches measures the searches over a workload; callers are those of whom it
// is asked which buckets they reach.
func searches(b *testing.B, w *policygen.Workload, callers ...string) {
	s, ds := compile.Compiler{}.Directory(w.Directory, 1)
	if len(ds) > 0 {
		b.Fatal(ds)
	}
	var subjects, onBuckets, actions []policy.Request
	for _, q := range w.Requests(4096) {
		if q.Want != policy.Allow {
			continue
		}
		r := q.Request
		for _, id := range q.Request.Principal.IDs {
			r.Principal.IDs = []string{id}
			if s.Decide(&r, new(index.Scratch)).Outcome == policy.Allow {
				break
			}
		}
		if s.Decide(&r, new(index.Scratch)).Outcome != policy.Allow {
			continue // it takes more than one of the caller's identifiers
		}
		actions = append(actions, r)
		r.Principal.IDs = []string{r.Principal.IDs[0][:strings.IndexByte(r.Principal.IDs[0], '/')+1]}
		subjects = append(subjects, r)
	}
	if len(subjects) < 10 {
		b.Fatal("too few requests are allowed")
	}
	for _, id := range callers {
		onBuckets = append(onBuckets, policy.Request{
			Principal: policy.Principal{Org: subjects[0].Principal.Org, IDs: []string{id}},
			Action:    "s3:PutBucketPolicy", Resource: policy.Resource{Type: "bucket"}, Now: subjects[0].Now,
		})
	}

	search := func(b *testing.B, requests []policy.Request, all bool, ask func(*policy.Request, index.Page) (index.Found, error), put func(*policy.Request, string)) {
		one := func(r *policy.Request) (ids []string) {
			for page := (index.Page{}); ; {
				found, err := ask(r, page)
				if err != nil {
					b.Fatal(err)
				}
				ids = append(ids, found.IDs...)
				if page.Token = found.Next; page.Token == "" || !all {
					return ids
				}
			}
		}
		results := 0
		var sc index.Scratch
		for i := range requests[:min(len(requests), 20)] {
			ids := one(&requests[i])
			results += len(ids)
			for _, id := range ids {
				r := requests[i]
				put(&r, id)
				if d := s.Decide(&r, &sc); d.Outcome != policy.Allow {
					b.Fatalf("%q was found and is %v for %+v", id, d, r)
				}
			}
		}
		if results == 0 {
			b.Fatal("nothing was found")
		}
		b.ReportAllocs()
		i, n := 0, 0
		for b.Loop() {
			n += len(one(&requests[i]))
			if i++; i == len(requests) {
				i = 0
			}
		}
		b.ReportMetric(float64(n)/float64(b.N), "results/op")
	}
	subject := func(r *policy.Request, id string) { r.Principal.IDs = []string{r.Principal.IDs[0] + id} }
	bucket := func(r *policy.Request, id string) {
		r.Resource.ID, r.Resource.Kind = id, policy.ResourceBucket
	}
	action := func(r *policy.Request, name string) { r.Action = name }

	b.Run("subjects", func(b *testing.B) { search(b, subjects, false, s.SearchSubjects, subject) })
	b.Run("resources/page", func(b *testing.B) { search(b, onBuckets, false, s.SearchResources, bucket) })
	b.Run("resources/all", func(b *testing.B) { search(b, onBuckets, true, s.SearchResources, bucket) })
	b.Run("actions", func(b *testing.B) { search(b, actions, false, s.SearchActions, action) })
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			again, _ := compile.Compiler{}.Directory(w.Directory, 2)
			b.StartTimer()
			r := onBuckets[0]
			if _, err := again.SearchResources(&r, index.Page{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
