// Package report is what a puller tells of itself: on its subject, to probes and to
// Prometheus, and the table of a whole fleet (specification 9.2, step 8).
package report
