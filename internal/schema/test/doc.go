// Package test holds the JSON Schemas of internal/schema to the parsers, by a
// validator that others wrote. It is a module of its own, so that the product's
// go.mod stays small.
package test
