// Package decisionlog writes what was decided, one JSON object a line
// (specification 8.5), and has a candidate decide it too (8.4).
//
// Whoever answers makes a note of each decision in memory of its own (Log.Note),
// and commits the notes with the answer (Log.Commit): they are copied into a ring,
// of which there are several, claimed by one compare-and-swap. One goroutine, the
// writer, takes records out of the rings, encodes them as lines and appends these
// to a file, a socket or the standard output. So nobody who answers waits for a
// disk, allocates or takes a lock; what does not fit is dropped, and counted.
//
// The package knows requests and decisions, and neither HTTP nor where policies
// come from.
package decisionlog
