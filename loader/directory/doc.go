// Package directory brings policies from a directory of files (specification 4):
// it is the source.Source that loader uses unless it is given another.
//
//	scan      one look: names, links, folders, what of them is not as it was
//	set       a unit of several files: listed, judged, read, compiled
//	bucket    one bucket file, of which there may be millions
//	survey    a folder that is new, from outside, until it is at rest
//	gate      .hold and .held
//	routes    which path of an event is about which place
//	watcher   watches on folders, by real path
//	misplaced what is told of names without a place
//
// A look reads what the last one left (source.Last) and changes none of it; what
// it finds it gives as source.Found, with traces that say where folders lie.
// Took hands these back once they are in force. So what Source remembers is
// always that of the findings that were taken, and a look that was given up has
// left nothing.
//
// What may change under a look is looked at twice. A folder is held open while
// names in it are read, and compared with what it was at the end; ErrChanged has
// the unit, or everything, looked at again (specification 4, Removals and
// faults).
package directory
