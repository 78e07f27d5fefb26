// Package iam holds the iam layer of one organization frozen (specification 2):
// Grants are its bindings and the rules that they bring, Membership who is in
// which group and what is held without a binding, and a Layer is both with the
// facts of entities. A new member or token makes a new Membership and leaves the
// Grants alone.
//
// A request goes through it in this order: an Inquiry enters the layer
// (inquiry.go), its caller is expanded to all the principals that it is
// (caller.go), marks pass over what cannot be about the request (marks.go), and
// the rules of what is left are evaluated (decide.go, scope.go, rows.go, tree.go).
//
// The Layer also explains what it said, and tells a search what it admits.
package iam
