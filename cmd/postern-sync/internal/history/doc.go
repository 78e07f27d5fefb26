// Package history works out what files a revision comes to, from what a reader has and
// what is stored: the revisions between, else a snapshot (specification 9.2, steps 4 and
// 5). Nothing that it returns is unsigned: the newest message is signed, and it names by
// their sums the message before it, and its blobs.
package history
