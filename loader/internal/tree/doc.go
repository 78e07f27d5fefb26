// Package tree is the file system as the loader sees it: what a name leads to
// when links are followed and everything has to lie inside one root (Look,
// Find), which state a file is in (Stamp), which names a folder holds (Dir),
// and a file's bytes, read so that whatever changes meanwhile is found
// (Reader). It knows nothing of policies, and of names only which are ignored
// (specification 4, Names and Links).
//
// Nothing here trusts a path for longer than one call: folders are opened
// below an os.Root, which cannot be led out, and held to the Stamp that they
// were found with. ErrChanged says that they were not the same; whoever gets it
// looks again.
package tree
