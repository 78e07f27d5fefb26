// Package fuzz holds the fuzz targets and properties that cross packages. It
// has no code of its own.
package fuzz
