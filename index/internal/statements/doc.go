// Package statements holds the statements of one unit frozen: all policies of
// an organization, or one bucket's policy. Policies narrows them to those that
// may be satisfied by a request, the candidates, and has match look at each:
// Deny first, then Allow, so that the first that is satisfied decides.
//
// How a part narrows is chosen when it is frozen, by the number of its
// statements: words of bits (part.go), a part for each name that statements list
// (named.go), Roaring postings (roaring.go). It may name too many candidates,
// never too few.
//
// Policies also explains what it said, and tells a search what it admits.
package statements
