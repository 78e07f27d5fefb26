// Package directory is the source of policies that is a directory of files
// (specification 4). The loader uses it unless it is given another source.
//
//	scan          one look: which folders and files there are, and what changed
//	organization  the names in the root and in an organization's folder
//	buckets       a buckets/ folder: listed, and handed out in chunks
//	bucket        one bucket file, of which there may be millions
//	set           the files of another unit: listed and judged
//	set_files     the same files: read, parsed and compiled
//	survey        the folder of a new organization, without its content
//	trace         what is kept of a look
//	gate          .hold and .held
//	routes        which places an event is about
//	watcher       the watches on folders
//	misplaced     the messages for names that have no place in the layout
//
// A look reads what the last looks left (source.Last) and does not modify it. What it
// finds it returns as source.Found, with traces that say where the folders are. The
// source keeps a trace only when Took gives it back, so what it keeps always belongs
// to findings that the loader has committed, and a look that failed leaves nothing.
//
// Whatever may change during a look is looked at twice. A folder is held open while
// names in it are read, and is compared at the end with what it was at the beginning.
// After tree.ErrChanged the unit, or everything, is looked at again (specification 4,
// Removals and faults).
package directory
