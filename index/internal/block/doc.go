// Package block is the layout of frozen statements, and nothing else: what
// writes a block and what reads it stand side by side here, and no other package
// names an offset. Who reads has typed accessors, which inline; String prints a
// block for people.
//
// A block is a part of a unit's statements, written into an arena of words. It
// knows nothing of requests: what is compared with it is handed in as texts,
// hashes and numbers.
package block
