// Package missed is the rule that what is missed holds (specification 4, Removals
// and faults).
//
// A bucket policy is missed while its file is gone and it is in force all the
// same: buckets/ held several policies, and at the next look none of them,
// whether the folder vanished, was emptied, was covered by a mount or came back
// with other files. That is what a failed mount or an unfinished copy looks like,
// and not what somebody who removes a policy does.
//
// A policy is missed no longer once its own file is back, or once SIGHUP confirms
// or POLICIES is re-pointed, or once each of those that its organization still
// misses has a file in another organization. This package finds what is missed by
// what a look found; who keeps what is in force keeps it in force.
package missed
