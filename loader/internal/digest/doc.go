// Package digest keeps the digest of the files in force, which is the same
// wherever the same files are (specification 3.4, Digest), so that a file that
// changes costs its leaf of the digest and not the whole.
package digest
