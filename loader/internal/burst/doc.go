// Package burst gathers the changes that a source reports until a look is due: when
// none was reported for a while, or the first has waited for long enough
// (specification 4, One generation).
package burst
