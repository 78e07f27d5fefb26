package peers

import (
	"encoding/json"
	"testing"

	minio "github.com/minio/pkg/v3/policy"

	"postern/policy"
)

// minioStatement is a statement as MinIO's policy files spell it.
type minioStatement struct {
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string][]string `json:",omitempty"`
}

func newMinioStatement(s *statement) minioStatement {
	out := minioStatement{Effect: "Allow", Action: s.patterns, Resource: []string{"arn:aws:s3:::" + s.prefix + "*"}}
	if s.deny {
		out.Effect = "Deny"
	}
	return out
}

// minioPolicy parses statements as MinIO does when a policy is set.
func minioPolicy(tb testing.TB, statements []minioStatement) *minio.Policy {
	tb.Helper()
	text, err := json.Marshal(map[string]any{"Version": minio.DefaultVersion, "Statement": statements})
	if err != nil {
		tb.Fatal(err)
	}
	p := new(minio.Policy)
	if err := json.Unmarshal(text, p); err != nil {
		tb.Fatal(err)
	}
	return p
}

// minioArgs are the requests as MinIO's server states them.
func minioArgs(w *world) []minio.Args {
	out := make([]minio.Args, len(w.questions))
	for i := range w.questions {
		r := &w.questions[i].Request
		bucket, key := split(r.Resource.ID)
		out[i] = minio.Args{
			AccountName:     r.Principal.IDs[0],
			Action:          minio.Action(r.Action),
			BucketName:      bucket,
			ObjectName:      key,
			ConditionValues: map[string][]string{"username": {r.Principal.IDs[0]}},
		}
	}
	return out
}

var minioOutcomes = [...]policy.Outcome{minio.NoDecision: policy.ImplicitDeny, minio.AllowDecision: policy.Allow, minio.DenyDecision: policy.ExplicitDeny}

// minioByUser is how MinIO's server uses its engine: policies are attached to
// users, and a request is decided by the policy of its user, with nothing in it
// about who asks (minio/minio, cmd/iam.go, IAMSys.IsAllowed: PolicyDBGet by
// account, then GetCombinedPolicy(...).IsAllowed). Each user has one policy
// here, of the statements that name it, so that nothing need be combined. The
// split of the statements by user is the application's.
func minioByUser(tb testing.TB, w *world) decider {
	lists := map[string][]minioStatement{}
	for i := range w.statements {
		s := newMinioStatement(&w.statements[i])
		for _, id := range w.statements[i].ids {
			lists[id] = append(lists[id], s)
		}
	}
	policies := make(map[string]*minio.Policy, len(lists))
	for id, list := range lists {
		policies[id] = minioPolicy(tb, list)
	}
	args := minioArgs(w)
	return func(i int) policy.Outcome {
		p := policies[args[i].AccountName]
		if p == nil {
			return policy.ImplicitDeny
		}
		return minioOutcomes[p.Decide(&args[i])]
	}
}

// minioWhole is one policy of all statements; who asks is a condition on
// aws:username.
func minioWhole(tb testing.TB, w *world) decider {
	list := make([]minioStatement, len(w.statements))
	for i := range w.statements {
		s := &w.statements[i]
		list[i] = newMinioStatement(s)
		list[i].Condition = map[string]map[string][]string{"StringEquals": {"aws:username": s.ids}}
	}
	p := minioPolicy(tb, list)
	args := minioArgs(w)
	return func(i int) policy.Outcome { return minioOutcomes[p.Decide(&args[i])] }
}
