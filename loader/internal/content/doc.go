// Package content makes content of bytes: it parses the files of a unit and
// compiles them to what a snapshot is frozen from, or says what is wrong with
// them, all errors of all files at once (specification 4, Units and Strict JSON).
package content
