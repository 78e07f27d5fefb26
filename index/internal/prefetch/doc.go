// Package prefetch asks the processor for memory that will be read soon, so that
// it comes while something else is done. A plain read would do too, but what
// stands behind it has to wait once the processor's window is full; a prefetch
// is done at once, and faults nowhere.
package prefetch
