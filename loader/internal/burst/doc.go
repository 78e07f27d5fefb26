// Package burst gathers what a source tells of changes until a look is due: when
// nothing was told for a while, or the first of it has waited for long enough
// (specification 4, One generation).
package burst
