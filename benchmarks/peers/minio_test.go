package peers

import (
	"encoding/json"
	"strings"
	"testing"

	minio "github.com/minio/pkg/v3/policy"

	"postern/policy"
)

// MinIO keeps two engines, and its server uses both by a look-up first:
// policies of buckets, whose statements name accounts, by bucket
// (minio/minio, cmd/bucket-policy.go, PolicySys.IsAllowed), and policies of
// users and groups, which do not say who asks, by user (cmd/iam.go,
// IAMSys.IsAllowed).
//
// Two things that MinIO does when it reads a policy are left out, for they
// change no decision: it refuses actions that it does not know
// (s3:GetObjectAcl, s3:PutObjectAcl), and it compares every statement of a
// bucket policy with every other to drop doubles, which takes hours at 100,000.

// minioBucketPolicy is a bucket policy. Its statements have to name accounts.
func minioBucketPolicy(statements []*statement) *minio.BucketPolicy {
	p := &minio.BucketPolicy{Version: minio.DefaultVersion}
	for _, s := range statements {
		effect := minio.Effect(minio.Allow)
		if s.deny {
			effect = minio.Deny
		}
		actions := minio.NewActionSet()
		for _, a := range s.patterns {
			actions.Add(minio.Action(a))
		}
		p.Statements = append(p.Statements, minio.NewBPStatement("", effect, minio.NewPrincipal(s.ids...), actions,
			minio.NewResourceSet(minio.NewResource(s.prefix+"*")), nil))
	}
	return p
}

// minioPolicy is a policy of users and groups. With who, each statement has a
// condition on the caller's groups, which stand for its identifiers. It is
// parsed, because nothing else makes its index of actions.
func minioPolicy(tb testing.TB, statements []*statement, who bool) *minio.Policy {
	tb.Helper()
	type written struct {
		Effect    string
		Action    []string
		Resource  string
		Condition any `json:",omitempty"`
	}
	list := make([]written, len(statements))
	for i, s := range statements {
		list[i] = written{Effect: "Allow", Action: s.patterns, Resource: "arn:aws:s3:::" + s.prefix + "*"}
		if s.deny {
			list[i].Effect = "Deny"
		}
		if who && len(s.ids) > 0 {
			list[i].Condition = map[string]map[string][]string{"ForAnyValue:StringEquals": {"aws:groups": s.ids}}
		}
	}
	text, err := json.Marshal(map[string]any{"Version": minio.DefaultVersion, "Statement": list})
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
		bucket, key, _ := strings.Cut(r.Resource.ID, "/")
		out[i] = minio.Args{
			AccountName:     r.Principal.IDs[0],
			Groups:          r.Principal.IDs[1:],
			Action:          minio.Action(r.Action),
			BucketName:      bucket,
			ObjectName:      key,
			ConditionValues: map[string][]string{"groups": r.Principal.IDs},
		}
	}
	return out
}

// minioBucketArgs are the same for bucket policies.
func minioBucketArgs(w *world) []minio.BucketPolicyArgs {
	out := make([]minio.BucketPolicyArgs, len(w.questions))
	for i, a := range minioArgs(w) {
		out[i] = minio.BucketPolicyArgs{AccountName: a.AccountName, Action: a.Action, BucketName: a.BucketName, ObjectName: a.ObjectName}
	}
	return out
}

// allow is the outcome of an engine that says yes or no.
func allow(yes bool) policy.Outcome {
	if yes {
		return policy.Allow
	}
	return policy.ImplicitDeny
}

// minioByBucket is a policy a bucket. Bucket policies know one account a
// caller: where callers have more identifiers, it is the other engine, with
// conditions.
func minioByBucket(tb testing.TB, w *world) decider {
	if w.single {
		policies := map[string]*minio.BucketPolicy{}
		for bucket, statements := range byBucket(w) {
			policies[bucket] = minioBucketPolicy(statements)
		}
		args := minioBucketArgs(w)
		return func(i int) policy.Outcome {
			p := policies[args[i].BucketName]
			return allow(p != nil && p.IsAllowed(args[i]))
		}
	}
	policies := map[string]*minio.Policy{}
	for bucket, statements := range byBucket(w) {
		policies[bucket] = minioPolicy(tb, statements, true)
	}
	args := minioArgs(w)
	return func(i int) policy.Outcome {
		p := policies[args[i].BucketName]
		return allow(p != nil && p.Decide(&args[i]) == minio.AllowDecision)
	}
}

// minioWhole is one policy of all statements.
func minioWhole(tb testing.TB, w *world) decider {
	all := make([]*statement, len(w.statements))
	for i := range all {
		all[i] = &w.statements[i]
	}
	if w.single {
		p := minioBucketPolicy(all)
		args := minioBucketArgs(w)
		return func(i int) policy.Outcome { return allow(p.IsAllowed(args[i])) }
	}
	p := minioPolicy(tb, all, true)
	args := minioArgs(w)
	return func(i int) policy.Outcome { return allow(p.Decide(&args[i]) == minio.AllowDecision) }
}

// minioShares: statements for every caller are in one policy, which is a share
// of all that every decision looks at.
func minioShares(w *world) bool { return !w.single }

// minioByUser is a policy an identifier, of the statements that name it, and
// one of those for every caller. A request is decided by those of its caller's
// identifiers one after the other, as minio.IsAllowedSerial does ("currently
// the fastest implementation for our basic benchmark").
func minioByUser(tb testing.TB, w *world) decider {
	lists := map[string][]*statement{}
	for i := range w.statements {
		s := &w.statements[i]
		for _, id := range s.ids {
			lists[id] = append(lists[id], s)
		}
		if len(s.ids) == 0 {
			lists[everyone] = append(lists[everyone], s)
		}
	}
	policies := make(map[string]*minio.Policy, len(lists))
	for id, list := range lists {
		policies[id] = minioPolicy(tb, list, false)
	}
	args, callers := minioArgs(w), w.callers()
	return func(i int) policy.Outcome {
		outcome := policy.ImplicitDeny
		for _, id := range callers[i] {
			p := policies[id]
			if p == nil {
				continue
			}
			switch p.Decide(&args[i]) {
			case minio.DenyDecision:
				return policy.ExplicitDeny
			case minio.AllowDecision:
				outcome = policy.Allow
			}
		}
		return outcome
	}
}
