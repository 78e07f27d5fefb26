// Package source is the interface between the loader and a source of policies.
//
// In a look, a Source examines what a Scope names and reports what it Found: the
// organizations, units and bucket files that differ from what earlier looks left,
// with their Content or with what is wrong with them. The loader decides which of
// that takes effect.
//
// A source knows where its policies lie, tells one version of a file from another
// (Version) and reports changes (Events). It does not know which content is in
// force, what is held, missed or mirrored, or which organizations claim a bucket.
// It parses and compiles bytes with the Maker of the Query, in any number of
// goroutines.
package source
