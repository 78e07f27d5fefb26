// Package awskeys is the table of the condition keys that AWS knows: those that
// any request may have, and those of S3 with the actions that have them. What a
// policy asks for beside these, and beside what postern sets itself, no request is
// known to have (specification 8.1). The data stand in names.go, with their
// sources and dates.
package awskeys

import (
	"slices"
	"strings"

	"postern/internal/action"
	"postern/internal/spelling"
	"postern/internal/value"
)

// entry is a known key.
type entry struct {
	name    string             // as AWS writes it; with `/` at its end a tag's key follows
	actions map[action.ID]bool // that have it; nil: all have
}

// table has the known keys by their names in lower case, names the names in the
// order of the data.
var (
	table = map[string]entry{}
	names []string
)

func init() {
	add := func(service, list string, actions map[action.ID]bool) {
		for _, n := range strings.Fields(list) {
			n = service + n
			table[value.FoldASCII(n)] = entry{n, actions}
			names = append(names, n)
		}
	}
	add("aws:", globalKeys, nil)
	add("", crossServiceKeys, nil)
	add("cw:", coreWeaveKeys, nil)
	add("s3:", everyAction, nil)
	for _, row := range someActions {
		have := map[action.ID]bool{}
		for _, n := range strings.Fields(row[1]) {
			id, ok := action.Lookup("s3:" + n)
			if !ok {
				panic("awskeys: " + n + " is no known action")
			}
			have[id] = true
		}
		add("s3:", row[0], have)
	}
}

// find returns the entry of a key, whose name is compared without regard to ASCII
// case. The key of a tag must not be empty.
func find(key string) (entry, bool) {
	key = value.FoldASCII(key)
	if i := strings.IndexByte(key, '/'); i >= 0 && i < len(key)-1 {
		key = key[:i+1]
	} else if i >= 0 {
		return entry{}, false
	}
	e, ok := table[key]
	return e, ok
}

// Names returns the names of all keys as AWS writes them, in the order of the data; a
// name with `/` at its end is followed by the key of a tag. It allocates.
func Names() []string { return slices.Clone(names) }

// Known reports whether a key is in the table.
func Known(key string) bool {
	_, ok := find(key)
	return ok
}

// Fits reports whether requests for an action may have a key, as far as the table
// knows: a key that it lacks fits every action.
func Fits(key string, id action.ID) bool {
	e, ok := find(key)
	return !ok || e.actions == nil || e.actions[action.Needed(id)]
}

// Actions returns the names of the actions that have a key, in the order of the
// table of actions; nil if all have, or if the key is not known.
func Actions(key string) (out []string) {
	e, _ := find(key)
	for id := range action.Count() {
		if e.actions[action.ID(id)] {
			out = append(out, action.Name(action.ID(id)))
		}
	}
	return out
}

// Nearest returns the known key that is spelled most like one that is not known, a
// tag's key left as it is; false if none is near. Only keys of the same service
// count, if it is the service of any.
func Nearest(key string) (string, bool) {
	service, _, _ := strings.Cut(value.FoldASCII(key), ":")
	head, tag, tagged := strings.Cut(key, "/")
	if tagged {
		head += "/"
	}
	var list []string
	for _, n := range names {
		if strings.HasPrefix(value.FoldASCII(n), service+":") {
			list = append(list, n)
		}
	}
	if list == nil {
		list = names
	}
	i := spelling.Nearest(value.FoldASCII(head), len(list), func(i int) string { return value.FoldASCII(list[i]) })
	if i < 0 {
		return "", false
	}
	near := list[i]
	switch {
	case !strings.HasSuffix(near, "/"):
		return near, true
	case tag == "":
		return near + "KEY", true
	}
	return near + tag, true
}
