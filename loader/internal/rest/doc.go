// Package rest has removals, and organizations that appeared, wait until their folder
// is at rest (specification 4, Removals and faults). What vanished from a folder stays
// in force until no name comes to or goes from that folder any more. An organization
// is taken, whole, when nothing in its folder changes any more. A file that changed
// and is there does not wait.
package rest
