// Package digest keeps the digest of the files in force (specification 3.4, Digest). It
// keeps the hash of each leaf, so that a change of one file costs one leaf.
package digest
