// Package content turns bytes into content. It parses and compiles the files of a unit
// to what a snapshot is frozen from, or returns what is wrong with them, all errors of
// all files at once (specification 4, Units and Strict JSON).
package content
