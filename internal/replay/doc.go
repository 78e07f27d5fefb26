// Package replay asks the lines of decision logs (specification 8.5) of a snapshot,
// each at its own time with its effective organizations, and tells which would be
// decided otherwise than they were (specification 8.6).
//
// A Replay reads logs in pieces of whole lines, which several goroutines take apart
// (line.go) and ask (ask.go); what they come to is added up in the order of the
// pieces. A value that the log masks is taken for one that no operator can read, and
// the answer counts only where that decides nothing (masked.go).
//
// It knows no files and prints nothing.
package replay
