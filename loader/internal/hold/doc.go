// Package hold is what POLICIES/.hold does: while it stands nothing new is
// published, and a look counts only if none stood before and after it
// (specification 4, One generation).
package hold
