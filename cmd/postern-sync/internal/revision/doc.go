// Package revision is the message that a revision of a fleet's policies is: its form,
// its signature, and the files that it comes to (specification 9.2).
package revision
