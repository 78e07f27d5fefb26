// Package index holds compiled policies and decides requests over them.
//
// A Snapshot never changes after it is frozen, so any number of goroutines may
// ask it without a lock. It is partitioned as the domain is: organizations by
// name, buckets by name, each with its own frozen Policies, which snapshots
// share; inside an organization's Policies, the statements whose resources all
// name one bucket form that bucket's part, the rest the organization-wide one.
//
// A part narrows a request to candidates, in the order of their ids (Deny
// statements first), and each candidate is then verified in full: the index
// may name too many statements, never too few. A part of at most 256 statements
// narrows by words of candidates, a bit a statement, and by a sieve (part.go). A
// larger one has a part for every name that its statements list, where what
// resources have in common finds the few that can hold (named.go), and Roaring
// bitmaps over principals, actions and resource prefixes for what no name
// narrows (roaring.go).
//
// The floors below know nothing of decisions: lowered is what the compiler hands
// in, internal/block the layout in which it is frozen, internal/glob matches
// patterns, internal/match asks whether one statement holds of one request.
//
// The iam layer of an organization is an IAM. Its Grants are roles' rules and
// the bindings that bring them: a binding refers to spans of rules, so that
// nothing is written out roles x bindings times, and a row of an action, a bit
// a rule, narrows a span (rows.go). Its Membership tells a caller's principals:
// groups, tokens, issuers, defaults. A member or token more makes another
// Membership of the same Grants.
package index
