// Package stream keeps revisions, blobs and reports in NATS JetStream (specification 9.2):
// what is stored where, and how a client connects. It knows neither what a revision says
// nor whether it is to be trusted.
//
//	P.rev            stream P_REV: the last 1,000 revisions; one message is one revision
//	P.live           the same messages, republished to plain subscriptions once stored
//	P.blob.SHA256    stream P_BLOB: blobs by the sum of their bytes
//	P.unnamed        stream P_BLOB: since when nothing names which blobs
//	P.status.NODE    stream P_STATUS: the last report of each puller, for a day
package stream
