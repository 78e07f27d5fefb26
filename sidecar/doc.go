// Package sidecar is postern's HTTP server (specification 3): bytes of a request
// in, a decision's bytes out. It decides nothing itself: a door turns the bytes
// into policy.Requests through internal/request, and the snapshot of
// index.Current decides them.
//
// A request comes from a connection (conn.go, places.go, timeouts.go), has its
// head judged (judge.go) and its body received (body.go), and becomes an exchange
// (exchange.go). A table says which door or page answers it (endpoints.go,
// door.go), and one file writes the answer (response.go). AuthZEN's doors are the
// files authzen*.go; those for proxies and stores (specification 7) are forward*.go,
// ceph.go and minio*.go, with what all of them share in doors.go, and the two of
// stores in store.go.
//
// The plain path, an evaluation that is well formed, takes no lock and
// allocates nothing; where a connection sends the same head again and again, it
// does not pass through fasthttp (repeat.go). Everything that goes wrong on the
// way ends, at AuthZEN's doors, in a status other than 200 and a body without
// `decision`, which the caller has to read as a deny (specification 3.3), and at
// any other door in what its caller takes for a deny.
package sidecar
