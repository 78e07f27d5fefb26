// Package index holds compiled policies and decides requests over them.
//
// A Snapshot never changes after it is frozen, so any number of goroutines may
// ask it without a lock. It is partitioned as the domain is: organizations by
// name, buckets by name, each with its own frozen Policies, which snapshots
// share; inside an organization's Policies, the statements whose resources all
// name one bucket form that bucket's part, the rest the organization-wide one.
// The iam layer of an organization is an IAM.
//
// This package is the face, and decides: decide.go is specification 1.3 in its
// order, and asks the floors below, which know nothing of it. Lowest first:
//
//   - lowered is what the compiler hands in, internal/glob matches patterns within
//     a budget, internal/block is the layout in which statements are frozen;
//   - internal/match asks whether one statement holds of one request;
//   - internal/open holds statements against a request of which a search leaves a
//     side open;
//   - internal/statements narrows the statements of one unit to candidates, and
//     internal/iam does the same for the iam layer of one organization;
//   - internal/store finds organizations and buckets by name;
//   - internal/search goes through what is known, and has it decided.
package index
