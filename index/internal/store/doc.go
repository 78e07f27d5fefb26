// Package store holds the organizations and buckets of a snapshot by name: what
// is in force of each, and whose a bucket is. A Store never changes; a Builder
// makes the next one from the last and what changed, and they share the rest.
//
// A Slot is what deciding has to know of a bucket, on one cache line. Shards also
// tell a search which buckets, and names in their policies, are known.
package store
