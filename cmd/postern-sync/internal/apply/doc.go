// Package apply keeps a policy directory at a revision (specification 9.2, steps 6 and
// 7). Whenever no .hold stands, the directory is exactly one revision, whatever moment
// the process is killed at; it knows nothing of where revisions come from.
//
// Its own files lie in DIR/.sync, which the sidecar does not read:
//
//	stage/N    the content of new files, whole before anything is changed
//	journal    what is to be renamed and removed; from here the new revision wins
//	index      the files that the directory has, by revision
//	applied    the revision that the directory has
//	lock       locked by the process that keeps the directory
package apply
