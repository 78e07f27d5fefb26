// Package loadgen puts a load on an HTTP/1.1 server over TCP or a Unix socket,
// checks every answer, and times each: what benchmarks and soak tests need to
// compare servers and to see that none of their answers is wrong (specification
// 5). Requests are rendered before, and answers read with as little work as
// checking them in full allows, so that a client costs little beside a server
// and the same whatever the server.
//
// The loop is closed: a connection sends its next request when the last one is
// answered. So latencies under a full load are those of a queue as long as
// there are connections, and a server that stalls is asked less meanwhile: one
// stall shows once on each connection, not once a request that would have come.
package loadgen
