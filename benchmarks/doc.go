// Package benchmarks holds the benchmarks that cross packages: deciding at
// scale, and end to end over HTTP. It has no code of its own. RESULTS.md says
// what they gave, where, and with which commands.
package benchmarks
