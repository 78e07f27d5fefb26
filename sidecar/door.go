package sidecar

// A door speaks one protocol at one endpoint: it turns the bytes of a request
// into policy.Requests (through internal/request, which checks them as it checks
// those of every other door) and what they come to into its caller's form, and
// does nothing else. It is handed an exchange of which the head was judged, the
// body is there and the snapshot is loaded: whatever it decides there, it decides
// from that one snapshot at that one time.
//
// A door keeps nothing between requests, and is asked by many goroutines at once.
// What it needs of its own between the bytes and the answer stands in the
// exchange. Adding one is a file, and a row of table.
type door interface {
	// ask answers a request. Each policy.Request is decided by exchange.decide or
	// exchange.explain, which count it; a door that asks several allows only if
	// each of them is allowed.
	ask(x *exchange) reply
	// refuse returns the answer to a request that ask did not see, or could not
	// answer: one that breaks a rule of HTTP or passes a bound, that comes before
	// the first snapshot, or at which ask panicked. status and message are what the
	// HTTP API says of it (specification 3.2, Errors); a door whose callers
	// understand less answers in its own form. It must never read as an allow.
	refuse(status int, message string) reply
}

// A page is what an endpoint shows that decides nothing. It is refused as
// failure says.
type page interface {
	show(x *exchange) reply
}
