// Package builtin has the definitions that need no file (specification 2, Built in):
// builtin.json, an AccessPolicy document with CoreWeave's roles and Pulumi's permission
// sets and roles, and scopes.txt, Pulumi's catalogue of scopes. It is data;
// policyjson.BuiltIn parses it.
package builtin

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// File is the name under which diagnostics and statements show the document.
const File = "built-in"

//go:embed builtin.json
var document string

//go:embed scopes.txt
var catalogue string

// JSON returns the document of built-in permission sets, roles and bindings.
// The bindings are those of CoreWeave's legacy groups, which hold only where a
// file says `"legacyGroups": true`.
func JSON() []byte { return []byte(document) }

// Scope is one name of Pulumi's catalogue.
type Scope struct {
	// Name is `object:action`, in lower case.
	Name string
	// Types are the types of resource that the scope is asked on, at least
	// one: `stack`, `environment`, `insights-account`, `global` (the
	// organization).
	Types []string
}

// On reports whether the scope is asked on resources of a type.
func (s Scope) On(resourceType string) bool { return slices.Contains(s.Types, resourceType) }

// Scopes returns the catalogue in byte order of the names. The caller must not
// change it.
func Scopes() []Scope { return scopes() }

var scopes = sync.OnceValue(func() (out []Scope) {
	for line := range strings.Lines(catalogue) {
		if f := strings.Fields(line); len(f) > 0 && f[0] != "#" {
			out = append(out, Scope{f[0], f[1:]})
		}
	}
	return out
})
