// Package tree is the file system as the loader sees it (specification 4, Names
// and Links). It knows nothing of policies.
//
// Look and Find tell what a name leads to when links are followed and everything
// has to lie inside one root. A Stamp identifies one state of a file. A Dir lists
// the names in a folder, without those that are ignored. A Reader reads a file so
// that a change during the read is noticed.
//
// No path is trusted for longer than one call. Folders are opened below an
// os.Root, out of which no link leads, and compared with the Stamp of the look
// that found them. ErrChanged says that they differ; the caller then looks again.
package tree
