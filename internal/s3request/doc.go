// Package s3request reads an HTTP request of the S3 protocol as the questions
// that it stands for (specification 7.1): method, raw path, query and headers to
// an operation of S3's API, and that to the actions and resources that have to be
// allowed, with the condition keys that the request states. Proxies' and stores'
// doors share it; it knows no server and decides nothing.
//
// Whatever cannot be read for certain is refused with a Reason: a request that
// the store behind might read as another one must not be asked as the wrong one.
package s3request
