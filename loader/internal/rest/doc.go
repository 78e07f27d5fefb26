// Package rest lets what goes and what comes wait until its folder is at rest
// (specification 4, Removals and faults): what vanished from a folder stays in
// force until nothing else comes to or goes from it, and an organization that
// appeared is taken, whole, when nothing in its folder changes any more. What
// changed and is there does not wait.
package rest
