// Package open holds statements against a request of which a search leaves one
// side open: whom, what or which action. Chance is what can be said of a
// statement then, Candidates are the names that a search has to decide, and
// Patterns finds what it cannot list, of which Admitted is one.
//
// What it says may be too much, and never too little: a search decides what it
// lists, and says of the rest that it may be.
package open
