// Package source is what a source of policies and the generations say to one
// another. A Source looks at what a Scope names and gives what it Found: which
// organizations, units and bucket files are not as the last looks left them, with
// their Content or what is wrong with them. Whoever publishes decides what of
// that counts.
//
// A source knows where its policies lie, which state they are in (Version) and
// what of them changed (Events). It does not know which content is in force, what
// is held, missed or mirrored, nor how many claim a bucket. To read and compile
// bytes it uses the Maker of the Query, in as many goroutines as it likes.
package source
