// Package explorer shows a person what is decided and why (specification 10): a
// page that is embedded here, and the answers that it asks for. It reads and
// changes nothing: it asks snapshots, shows policy files, and hands on figures
// that others count.
//
// guard.go decides who may ask at all. A file has one view: ask.go, matrix.go,
// policies.go, change.go and now.go. Whatever takes long is done one at a time
// and in slices (work.go), so that checks go on beside it.
package explorer
