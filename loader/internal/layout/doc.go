// Package layout names what policies are made of, wherever they come from: the
// parts of an organization and what belongs to each, which names each may have
// (specification 4), the place of each unit, and what identifies its content. A
// place has a path, `o1/buckets/b.json`, by which messages, the digest and the
// mirror call it; on a disk it lies there, elsewhere it is a name.
package layout
