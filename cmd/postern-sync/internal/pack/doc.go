// Package pack puts changes and their content into blobs, and reads them back
// (specification 9.2): a content stream, cut into chunks of at most 512 KiB, and an index
// that names the chunks and lists the changes in the order of their content. Both are
// compressed, and each blob is named by the SHA-256 of its stored bytes. An index can be
// read without the content, and content in part.
package pack
