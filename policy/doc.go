// Package policy is the vocabulary of postern as plain data: documents and
// their statements (what policy files say), requests (what callers ask) and
// decisions (what postern answers).
//
// Nothing here decides anything. The words are those of
// docs/specification/1-policy-semantics.md, section 1.1: an Effect belongs to
// a statement, an Outcome to a request.
package policy
