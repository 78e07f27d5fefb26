// Package match asks whether one statement holds of one request: its actions,
// principals, resources and conditions, and the variables in them. View is the
// request as the index looks at it, with what is worked out once for all
// statements; Variables are those that some statements' programs refer to, and
// what is asked of such a statement is asked through them.
//
// It knows nothing of which statements to ask, in which order, or what their
// answers come to: a part's narrowing, grants and snapshots are above it.
package match
