package fuzz

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"postern/compile"
	"postern/internal/policyjson"
	"postern/policy"
)

type content struct {
	sum    string // names and bytes
	docs   []*policy.Document
	access []*policy.AccessDocument
	list   []string
}

func (c *content) empty() bool { return len(c.docs)+len(c.access) == 0 && c.list == nil }

type found int

const (
	nothing found = iota
	aFile
	aFolder
	aFault
)

// find tells what a path leads to, and where that is.
func find(root, path string) (found, string) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nothing, ""
	} else if err != nil {
		return aFault, ""
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return aFault, ""
	}
	fi, err := os.Stat(real)
	if err != nil || !strings.HasPrefix(real, root+"/") {
		return aFault, ""
	}
	switch {
	case fi.IsDir():
		return aFolder, real
	case fi.Mode().IsRegular():
		return aFile, real
	}
	return aFault, ""
}

// behind reports that a folder between the root and what lies at a path cannot
// be listed: so nothing behind it can be listed or read (docs/readings.md).
func behind(root, path string) bool {
	for strings.HasPrefix(path, root+"/") {
		if path = filepath.Dir(path); path == root {
			break
		}
		f, err := os.Open(path)
		if err != nil {
			return true
		}
		f.Close()
	}
	return false
}

// read reads a file; what cannot be read has no content, and is no document.
func read(root, file string) []byte {
	data, err := os.ReadFile(file)
	if err != nil || behind(root, file) {
		return nil
	}
	return data
}

// list lists the names in a folder; false: it cannot be listed, or nothing in
// it looked at.
func list(root, dir string) (out []string, ok bool) {
	es, err := os.ReadDir(dir)
	if err != nil || behind(root, dir) {
		return nil, false
	}
	if _, err := os.Stat(dir + "/."); err != nil {
		return nil, false
	}
	for _, e := range es {
		n := e.Name()
		if !strings.HasPrefix(n, ".") && !strings.HasSuffix(n, "~") && !strings.HasSuffix(n, ".swp") && !strings.HasSuffix(n, ".tmp") {
			out = append(out, n)
		}
	}
	return out, true
}

func readFolder(root, at, org, part string) (c content, good bool) {
	kind, real := find(root, at)
	if kind == nothing {
		return c, true
	}
	if kind != aFolder {
		return c, false
	}
	listed, good := list(root, real)
	names := map[string]bool{}
	for _, name := range listed {
		kind, file := find(root, filepath.Join(real, name))
		if kind != aFile {
			good = false
			continue
		}
		if !strings.HasSuffix(name, ".json") {
			continue
		}
		data := read(root, file)
		c.sum += fmt.Sprintf("%q %q ", name, data)
		if part == "iam" {
			doc, ds := policyjson.ParseAccess(org+"/"+part+"/"+name, data, policyjson.Limits{})
			good = good && !policy.HasErrors(ds)
			c.access = append(c.access, doc)
			continue
		}
		doc, _ := policyjson.ParseOrganization(org+"/"+part+"/"+name, data, policyjson.Limits{})
		if doc == nil || names[doc.Name] {
			good = false
			continue
		}
		names[doc.Name] = true
		c.docs = append(c.docs, doc)
	}
	if good && part == "iam" { // what the documents say of one another
		_, ds := compile.Compiler{BuiltIn: builtIn}.Access(org, c.access)
		good = !policy.HasErrors(ds)
	}
	return c, good
}

func readList(root, at string) (content, bool) {
	kind, real := find(root, at)
	switch kind {
	case nothing:
		return content{}, true
	case aFile:
		data := read(root, real)
		names, ds := policyjson.ParseBucketList("", data, policyjson.Limits{})
		if names == nil {
			names = []string{}
		}
		return content{sum: string(data), list: names}, !policy.HasErrors(ds)
	}
	return content{}, false
}
