// Package lowered is what the compiler hands to the index: statements, grants,
// members and facts as plain data, with names resolved, patterns as programs and
// values read. It knows nothing of how the index lays them out.
package lowered
