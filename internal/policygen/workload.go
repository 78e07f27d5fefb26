package policygen

import (
	"math/rand/v2"
	"strconv"

	"postern/policy"
)

// Workload is a policy directory of one shape and requests that fit it. It is
// not changed by asking for requests, and is safe from many goroutines.
//
// Its documents share memory (lists of actions, lists of principals); nobody
// may change them.
type Workload struct {
	// Name is that of the shape: users, groups, orgwide, wildcards, buckets,
	// conditions, tenants, iam.
	Name string
	// Directory holds the policies.
	Directory *policy.Directory
	// Statements counts those of all documents; in the iam layer bindings.
	Statements int

	seed uint64
	// draw makes a request that a statement of the given effect is likely to
	// satisfy, or, for EffectNone, that none is.
	draw func(g generator, effect policy.Effect) *policy.Request
	// relevant lists the statements that can speak about a request: for each
	// layer that has to allow, in order.
	relevant func(r *policy.Request) [][]*policy.Statement
	// answer, if set, answers instead of a scan of the relevant statements.
	answer func(r *policy.Request) policy.Outcome
}

// Question is a request and its answer by construction.
type Question struct {
	Request policy.Request
	// Want is Allow, ExplicitDeny or ImplicitDeny.
	Want policy.Outcome
}

// Requests makes k distinct requests: half of them allowed, a quarter denied
// by a Deny, a quarter not matched, in random order; keys of 20 to 200 bytes.
// A longer list begins with other requests than a shorter one; the same k
// makes the same list. It panics if the workload is too small to have k.
func (w *Workload) Requests(k int) []Question {
	g := generator{rand.New(rand.NewPCG(w.seed, uint64(k)))}
	questions := make([]Question, 0, k)
	seen := make(map[uint64]struct{}, k)
	for i := range k {
		want := [...]policy.Outcome{policy.Allow, policy.ExplicitDeny, policy.Allow, policy.ImplicitDeny}[i%4]
		effect := [...]policy.Effect{policy.ImplicitDeny: policy.EffectNone, policy.ExplicitDeny: policy.EffectDeny, policy.Allow: policy.EffectAllow}[want]
		for attempt := 0; ; attempt++ {
			if attempt == 100_000 {
				panic("workload " + w.Name + " of " + strconv.Itoa(w.Statements) + " statements has no " + want.String() + " left")
			}
			r := w.draw(g, effect)
			if r == nil || w.outcome(r) != want {
				continue
			}
			// Two requests with one hash are taken for the same: one is drawn anew.
			id := hash(hash(hash(hashStart, r.Principal.IDs[0]), r.Action), r.Resource.ID)
			if _, twice := seen[id]; twice {
				continue
			}
			seen[id] = struct{}{}
			questions = append(questions, Question{Request: *r, Want: want})
			break
		}
	}
	g.Shuffle(k, func(i, j int) { questions[i], questions[j] = questions[j], questions[i] })
	return questions
}

// hash continues a hash (FNV-1a, 64 bits) by a text and its end.
func hash(h uint64, text string) uint64 {
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * hashFactor
	}
	return (h ^ 0xff) * hashFactor // no byte of UTF-8
}

const (
	hashStart  = 14695981039346656037
	hashFactor = 1099511628211
)

// outcome answers a request by a scan of the statements that can speak about
// it: in each layer a Deny denies, and nothing satisfied denies.
func (w *Workload) outcome(r *policy.Request) policy.Outcome {
	if w.answer != nil {
		return w.answer(r)
	}
	for _, layer := range w.relevant(r) {
		outcome := policy.ImplicitDeny
		for _, s := range layer {
			if !satisfied(s, r) {
				continue
			}
			if s.Effect == policy.EffectDeny {
				return policy.ExplicitDeny
			}
			outcome = policy.Allow
		}
		if outcome != policy.Allow {
			return outcome
		}
	}
	return policy.Allow
}

// objectActions are the actions that workloads are about. Each has one name only
// (specification 1.2), and is asked on an object.
var objectActions = []string{
	"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectAcl", "s3:PutObjectAcl", "s3:GetObjectTagging", "s3:PutObjectTagging",
	"s3:GetObjectVersion", "s3:DeleteObjectVersion", "s3:RestoreObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
}

// actionLists makes lists of 1 to 3 patterns for statements to share.
func actionLists(g generator, patterns []string) [][]string {
	out := make([][]string, 256)
	for i := range out {
		list := make([]string, 0, 3)
		for _, j := range g.Perm(len(patterns))[:g.between(1, 3)] {
			list = append(list, patterns[j])
		}
		out[i] = list
	}
	return out
}

// key continues a key's prefix to 20 to 200 bytes.
func (g generator) key(prefix string) string {
	n := len(prefix) + g.between(8, 40)
	if g.chance(4) {
		n = g.between(20, 200)
	}
	n = min(max(n, 20, len(prefix)+1), 200)
	out := make([]byte, 0, n)
	out = append(out, prefix...)
	for len(out) < n {
		if len(out)%11 == 10 && len(out) < n-1 {
			out = append(out, '/')
			continue
		}
		out = append(out, "abcdefghijklmnopqrstuvwxyz0123456789-_."[g.IntN(39)])
	}
	return string(out)
}

// numbered writes a number with at least four digits after a name.
func numbered(name string, n int) string {
	digits := strconv.Itoa(n)
	for len(digits) < 4 {
		digits = "0" + digits
	}
	return name + digits
}

// user and role name callers.
func user(n int) string { return numbered("coreweave/u-", n) }
func role(n int) string { return numbered("role/team-", n) }

// objectRequest asks for an object.
func objectRequest(org string, ids []string, action, bucket, key string) *policy.Request {
	return &policy.Request{
		Principal: policy.Principal{Org: org, IDs: ids},
		Action:    action,
		Resource:  policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: bucket + "/" + key},
		Now:       workloadNow,
	}
}

// The clock of every request.
const (
	workloadNow   = 1780272000
	workloadClock = "2026-06-01T00:00:00Z"
)

// statementsPerFile is how many statements go into one organization policy.
const statementsPerFile = 1000

// organizationDocuments cuts statements into documents and numbers their lines.
func organizationDocuments(org string, statements []policy.Statement) []*policy.Document {
	var out []*policy.Document
	for i := 0; i < len(statements); i += statementsPerFile {
		d := &policy.Document{
			Kind:       policy.KindOrganization,
			Name:       numbered("policy-", len(out)),
			NameLine:   1,
			NameColumn: 2,
			Statements: statements[i:min(i+statementsPerFile, len(statements)):min(i+statementsPerFile, len(statements))],
		}
		d.File = org + "/access-policies/" + d.Name + ".json"
		for j := range d.Statements {
			d.Statements[j].Line = j + 2
		}
		out = append(out, d)
	}
	return out
}

// arena hands out slices of larger ones: a million small lists would cost as
// many allocations.
type arena[T any] struct{ free []T }

// list returns a copy of values that nothing else is appended to.
func (a *arena[T]) list(values ...T) []T {
	if cap(a.free)-len(a.free) < len(values) {
		a.free = make([]T, 0, max(4096, len(values)))
	}
	from := len(a.free)
	a.free = append(a.free, values...)
	return a.free[from:len(a.free):len(a.free)]
}
