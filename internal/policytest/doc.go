// Package policytest reads files of expected decisions and asks a snapshot
// whether they hold (specification 8.2). A request in a test is an AuthZEN
// evaluation, read by the same decoder as the HTTP door's, so that what a test
// says is what the sidecar does.
//
// Nothing here reads the disk or prints: the command hands in the bytes of a
// file and the snapshot of the policies that it names.
package policytest
