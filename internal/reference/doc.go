// Package reference is page 1 of docs/specification in code: the reference
// evaluator, against which the compiled index is held.
//
// It is naive on purpose: it looks at every statement for every request, and
// shares no matcher, no reader of values and no folding of keys with the
// index. The one thing that both read is the table of actions, which is data.
// Its files follow the page, so that a reader can hold one against the other:
//
//	decide.go     1.3 which layers decide, 1.8 the order of reasons
//	statement.go  1.1 satisfied and determining statements
//	action.go     1.2, 1.6 names of an action
//	principal.go  1.4, 1.5 principals
//	pattern.go    1.6 patterns, 1.7 policy variables
//	condition.go  1.7 evaluation of conditions
//	value.go      1.7 values: numbers, dates, IPs, ARNs
//	key.go        1.7 keys, folded, and those that the server sets
//
// Only tests, fuzz targets and benchmarks import it.
package reference
