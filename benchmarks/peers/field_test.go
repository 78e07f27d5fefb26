package peers

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	minio "github.com/minio/pkg/v3/policy"

	"postern/compile"
	"postern/index"
	"postern/internal/policygen"
	"postern/internal/policywrite"
	"postern/policy"
)

// MinIO's engine reads the bucket policies of the workload `field` as they are,
// but for those with what it does not know (NotPrincipal, ArnNotLike,
// cw:PrincipalOrgID, IfExists, a value twice in a list): it refuses the whole
// document, and its bucket is left out. The organization's statements are given
// to it as one more policy. A request is asked of both, as postern asks both
// layers; as it knows one account a caller, each is asked in the name of the
// one of the caller's identifiers that decides it.

// fieldWorld is `field` for both.
type fieldWorld struct {
	snapshot  *index.Snapshot
	wide      *minio.BucketPolicy // the organization's
	policies  map[string]*minio.BucketPolicy
	refused   int // documents
	questions []policygen.Question
	args      [][2]minio.BucketPolicyArgs // for the organization's policy, and for the bucket's
}

// newFieldWorld makes `field` of b buckets and at most so many requests. It
// fails the test where an answer of postern's is not the one by construction.
func newFieldWorld(tb testing.TB, b, requests int) *fieldWorld {
	tb.Helper()
	workload := policygen.Field(b, seed)
	compiled := func(d *policy.Directory) *index.Snapshot {
		s, faults := compile.Compiler{}.Directory(d, 1)
		if len(faults) > 0 {
			tb.Fatal(faults)
		}
		return s
	}
	w := &fieldWorld{snapshot: compiled(workload.Directory), wide: minioOrganization(workload), policies: map[string]*minio.BucketPolicy{}}
	// In each of these one layer allows everything, so that the other decides.
	byOrganization, byBucket := *workload.Directory, *workload.Directory
	byOrganization.Buckets = map[string]*policy.DirectoryBucket{}
	for name, bucket := range workload.Directory.Buckets {
		byOrganization.Buckets[name] = &policy.DirectoryBucket{Owner: bucket.Owner, Policy: allowAll(policy.KindBucket, bucket.Policy.File, name, name+"/*")}
		p := new(minio.BucketPolicy)
		if err := json.Unmarshal(policywrite.AppendVaried(nil, bucket.Policy), p); err != nil {
			w.refused++
			continue
		}
		w.policies[name] = p
	}
	byBucket.Organizations = map[string]*policy.DirectoryOrganization{}
	for name := range workload.Directory.Organizations {
		byBucket.Organizations[name] = &policy.DirectoryOrganization{Policies: []*policy.Document{allowAll(policy.KindOrganization, name+"/access-policies/all.json", "*")}}
	}
	layers := []*index.Snapshot{compiled(&byOrganization), compiled(&byBucket)}
	var scratch index.Scratch
	for _, q := range workload.Requests(requests * 3 / 2) {
		if got := w.snapshot.Decide(&q.Request, &scratch).Outcome; got != q.Want {
			tb.Fatalf("%+v: postern says %v, by construction it is %v", q.Request, got, q.Want)
		}
		if w.policies[bucketOf(q.Request.Resource.ID)] == nil || len(w.questions) == requests {
			continue
		}
		var args [2]minio.BucketPolicyArgs
		found := 0
		for i, layer := range layers {
			want := layer.Decide(&q.Request, &scratch).Outcome
			for _, id := range q.Request.Principal.IDs {
				one := q.Request
				one.Principal.IDs = []string{id}
				if layer.Decide(&one, &scratch).Outcome == want {
					args[i] = minioFieldArgs(&one)
					found++
					break
				}
			}
		}
		if found == len(layers) {
			w.questions = append(w.questions, q)
			w.args = append(w.args, args)
		}
	}
	return w
}

// minioOrganization is the organization's statements as a policy of MinIO's,
// but for those about what is no object store's.
func minioOrganization(workload *policygen.Workload) *minio.BucketPolicy {
	p := &minio.BucketPolicy{Version: minio.DefaultVersion}
	for org, o := range workload.Directory.Organizations {
		for _, s := range o.Policies[0].Statements {
			actions, resources, principals := minio.NewActionSet(), minio.NewResourceSet(), []string(nil)
			for _, a := range s.Actions {
				if strings.HasPrefix(a, "s3:") {
					actions.Add(minio.Action(a))
				}
			}
			for _, r := range s.Resources {
				resources.Add(minio.NewResource(r))
			}
			for _, one := range s.Principals {
				switch one.Kind {
				case policy.PrincipalEveryone:
					principals = append(principals, "*")
				case policy.PrincipalPrefix:
					principals = append(principals, minioAccount(org, one.Name+"*"))
				default:
					principals = append(principals, minioAccount(org, one.Name))
				}
			}
			effect := minio.Effect(minio.Allow)
			if s.Effect == policy.EffectDeny {
				effect = minio.Deny
			}
			if len(actions) > 0 {
				p.Statements = append(p.Statements, minio.NewBPStatement("", effect, minio.NewPrincipal(principals...), actions, resources, nil))
			}
		}
	}
	return p
}

// minioAccount names an identifier as the documents do.
func minioAccount(org, id string) string { return "arn:aws:iam::" + org + ":" + id }

// allowAll is a document that allows everything on its resources.
func allowAll(kind policy.Kind, file string, resources ...string) *policy.Document {
	return &policy.Document{Kind: kind, Name: "all", NameLine: 1, NameColumn: 2, File: file, Statements: []policy.Statement{{
		Name: "all", Effect: policy.EffectAllow, Principals: []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}, Actions: []string{"s3:*"}, Resources: resources, Line: 2,
	}}}
}

// minioFieldArgs is a request of one identifier as MinIO's server would state
// it, with keys without their prefix.
func minioFieldArgs(r *policy.Request) minio.BucketPolicyArgs {
	bucket, key, _ := strings.Cut(r.Resource.ID, "/")
	a := minio.BucketPolicyArgs{
		AccountName: minioAccount(r.Principal.Org, r.Principal.IDs[0]), Action: minio.Action(r.Action), BucketName: bucket, ObjectName: key,
		ConditionValues: map[string][]string{},
	}
	for _, c := range r.Context {
		_, name, _ := strings.Cut(c.Key, ":")
		a.ConditionValues[name] = []string{c.Values[0].Text}
	}
	if provider, name, _ := strings.Cut(r.Principal.IDs[0], "/"); provider != "role" {
		a.ConditionValues["username"] = []string{name}
	}
	return a
}

// postern decides the i-th request.
func (w *fieldWorld) postern() decider {
	var scratch index.Scratch
	return func(i int) policy.Outcome { return w.snapshot.Decide(&w.questions[i].Request, &scratch).Outcome }
}

// minio asks the organization's policy and, if that allows, the bucket's, which
// a map finds.
func (w *fieldWorld) minio() decider {
	return func(i int) policy.Outcome {
		a := &w.args[i]
		if !w.wide.IsAllowed(a[0]) {
			return policy.ImplicitDeny
		}
		p := w.policies[a[1].BucketName]
		return allow(p != nil && p.IsAllowed(a[1]))
	}
}

// disagree returns how many answers of MinIO's differ from postern's, and the
// policy of the first bucket of them.
func (w *fieldWorld) disagree() (wrong int, first string) {
	decide := w.minio()
	for i := range w.questions {
		if (decide(i) == policy.Allow) != (w.questions[i].Want == policy.Allow) {
			if wrong++; wrong == 1 {
				text, _ := json.Marshal(w.policies[w.args[i][1].BucketName])
				first = fmt.Sprintf("%+v: %s", w.questions[i].Request, text)
			}
		}
	}
	return wrong, first
}

// TestFieldAgrees holds MinIO's answers on `field` against postern's.
func TestFieldAgrees(t *testing.T) {
	w := newFieldWorld(t, 1000, 3000)
	t.Logf("%d policies, %d refused, %d questions", len(w.policies), w.refused, len(w.questions))
	if len(w.policies) < 500 || len(w.questions) < 2000 {
		t.Errorf("%d policies and %d questions are left", len(w.policies), len(w.questions))
	}
	outcomes := map[policy.Outcome]int{}
	for i := range w.questions {
		outcomes[w.questions[i].Want]++
	}
	if len(outcomes) != 3 || outcomes[policy.Allow] < len(w.questions)/4 {
		t.Errorf("outcomes %v", outcomes)
	}
	if wrong, first := w.disagree(); wrong > 0 {
		t.Errorf("%d of %d answers differ; the first: %s", wrong, len(w.questions), first)
	}
	if q := &w.questions[7]; q.Want == policy.Allow {
		q.Want = policy.ImplicitDeny
	} else {
		q.Want = policy.Allow
	}
	if wrong, _ := w.disagree(); wrong != 1 {
		t.Errorf("of one wrong answer %d are seen", wrong)
	}
}

// BenchmarkField measures one decision of postern and of MinIO's engine on
// `field` of some numbers of buckets, by turns of a few milliseconds:
// Field/BUCKETS/turns. times is the median over the turns of MinIO's time by
// postern's.
func BenchmarkField(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			w := newFieldWorld(b, n, hot)
			if wrong, first := w.disagree(); wrong > 0 {
				b.Fatalf("%d answers differ; the first: %s", wrong, first)
			}
			runtime.GC()
			b.Run("turns", func(b *testing.B) {
				ours, theirs := w.asking(w.postern()), w.asking(w.minio())
				ours() // the first turn loads what it needs, and is not counted
				theirs()
				var postern, minio, times []float64
				for b.Loop() {
					x, y := ours(), theirs()
					postern, minio, times = append(postern, x), append(minio, y), append(times, y/x)
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(median(postern), "postern-ns")
				b.ReportMetric(median(minio), "minio-ns")
				b.ReportMetric(median(times), "times")
				b.ReportMetric(float64(w.refused)/float64(n), "refused")
			})
		})
	}
}

// asking makes turns of asking all questions once; a turn returns the time of
// one decision, in ns.
func (w *fieldWorld) asking(decide decider) (turn func() float64) {
	return func() float64 {
		allowed := 0
		began := time.Now()
		for i := range w.questions {
			if decide(i) == policy.Allow {
				allowed++
			}
		}
		took := time.Since(began)
		if allowed == 0 {
			panic("nothing is allowed")
		}
		return float64(took) / float64(len(w.questions))
	}
}

func median(values []float64) float64 {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}
