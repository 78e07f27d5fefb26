// Package glob compiles patterns to programs, and matches them within the
// budget of a decision (specification 1.6). It knows nothing of statements or
// requests.
package glob
