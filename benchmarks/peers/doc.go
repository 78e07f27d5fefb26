// Package peers runs other policy engines on the statements and requests of
// this project's own benchmarks, and holds their answers against postern's. It
// has tests and benchmarks only. It is a module of its own, so that the
// product's go.mod names none of the engines; README.md says how each is used,
// and why so.
package peers
