// Package compare answers questions about policies that no single request
// answers: which statements can change no decision (Dead), whether a bucket is
// open to strangers (specification 8.1).
//
// It computes with sets of requests, a dimension at a time: identifiers of
// callers, actions, resources and the values of condition keys. A set of texts
// is a demand (demand.go): that a text matches one of some patterns, or none of
// them. A text that meets several demands is found, or told not to exist, by
// going through the product of the patterns' automata (product.go), within a
// limit. What passes a limit is never taken for nothing.
package compare
