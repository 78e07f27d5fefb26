// Package search answers whom a request is allowed for, on which resources, or
// for which actions (specification 3.2). Candidates are the known names that may
// be allowed: the layers narrow them (narrow.go), and each is decided in byte
// order (search.go, names.go), a page at a time (token.go). The last page says
// what no list can hold: the patterns of the Allows that could hold for others
// (patterns.go, unlisted.go).
//
// It asks a Snapshot how it decides, and knows no step of a decision itself.
package search
