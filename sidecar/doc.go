// Package sidecar is postern's HTTP door (specification 3): bytes of an AuthZEN
// request in, a decision's bytes out. It decides nothing itself: internal/request
// checks and builds the request, the snapshot of index.Current decides it.
//
// The plain path, an evaluation that is well formed, takes no lock and
// allocates nothing; where a connection sends the same head again and again, it
// does not pass through fasthttp (repeat.go). Everything that goes wrong on the
// way ends in a status other than 200 and a body without `decision`, which the
// caller has to read as a deny (specification 3.3).
package sidecar
