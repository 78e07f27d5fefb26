// Package compare answers questions about policies that no single request
// answers: which statements can change no decision (Checker.DeadInBucket),
// whether a bucket is open to strangers (Checker.Public; specification 8.1), and
// which decisions change from one policy directory to another (Compare;
// specification 8.3).
//
// It computes with sets of requests, a dimension at a time. A set of texts is a
// demand (demand.go): that a text matches one of some patterns, or none of them.
// A text that meets several demands is found, or told not to exist, by going
// through the product of the patterns' automata (product.go), within a limit.
//
// A request is looked for in a scenario (scenario.go), which settles who asks,
// of which bucket, which action. What is left are slots (slot.go) with content
// of their own: the identifiers, the resource, each condition key. Each test of
// a statement is an atom of one slot. The solver (solve.go) chooses which of its
// tests makes a statement fail, and goes back where a slot cannot have it all.
// What it finds becomes a request (witness.go), which the index decides.
//
// Whatever is not understood is taken for possible, so that where nothing is
// found there is nothing; and what is found counts only if the index agrees.
// What passes a limit is told as unknown, never as nothing.
package compare
