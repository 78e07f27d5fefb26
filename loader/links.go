package loader

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// kind is what a name turned out to be, links followed.
type kind uint8

const (
	absent  kind = iota // nothing has that name
	regular             // a regular file
	folder              // a folder
	broken              // a link that leads nowhere or out, a FIFO, device or socket, or a fault; spot.problem says
)

// stamp is the state of a file or folder, as far as the file system tells
// without reading it.
type stamp struct {
	size, mtime, ctime int64
	inode, device      uint64
}

// sameFile compares identity alone: folders change size and time with every
// name in them.
func (s stamp) sameFile(o stamp) bool { return s.inode == o.inode && s.device == o.device }

// spot is what one name led to at one moment.
type spot struct {
	kind  kind
	stamp stamp // of the final target; zero if absent or broken
	// real is the final target's path without any link; "" if absent or broken.
	real string
	// through are the paths of the links that were followed, of the final
	// target, and of the folders that these lie in, inside the root: whoever
	// changes one of them changes this spot. nil if the name is no link.
	through []string
	problem string // broken: what is wrong and what to do
}

// same reports that two looks at one name found the same: for a file the same
// state, for a folder the same folder.
func (s spot) same(o spot) bool {
	if s.kind != o.kind || s.real != o.real || s.problem != o.problem {
		return false
	}
	if s.kind == folder {
		return s.stamp.sameFile(o.stamp)
	}
	return s.stamp == o.stamp
}

// folder is the real path to watch, if the spot is one.
func (s spot) folder() []string {
	if s.kind != folder {
		return nil
	}
	return []string{s.real}
}

// maxLinks bounds the links followed for one name, as the kernel does.
const maxLinks = 40

// errChanged says that something changed under a look, which is then repeated.
var errChanged = errors.New("it changed while it was looked at")

var errLoop = errors.New("too many links: a loop")

// follow resolves name, one or several components, in the link-free absolute folder dir, all links
// followed. through lists the links met and, if there was one, the final path
// or the one that is missing: a change of any of these is a change of name.
func follow(dir, name string) (real string, fi fs.FileInfo, through []string, err error) {
	real = dir
	rest := strings.Split(name, string(filepath.Separator))
	for len(rest) > 0 {
		c := rest[0]
		rest = rest[1:]
		switch c {
		case "", ".":
			continue
		case "..":
			real, fi = filepath.Dir(real), nil
			continue
		}
		at := join(real, c)
		fi, err = os.Lstat(at)
		if err != nil {
			return "", nil, append(through, at), err
		}
		if fi.Mode()&fs.ModeSymlink == 0 {
			if len(rest) > 0 && !fi.IsDir() {
				return "", nil, append(through, at), syscall.ENOTDIR
			}
			real = at
			continue
		}
		if through = append(through, at); len(through) > maxLinks {
			return "", nil, through, errLoop
		}
		target, err := os.Readlink(at)
		if err != nil {
			return "", nil, through, err
		}
		if filepath.IsAbs(target) {
			real = string(filepath.Separator)
		}
		rest = append(strings.Split(target, string(filepath.Separator)), rest...)
		fi = nil
	}
	if fi == nil {
		if fi, err = os.Lstat(real); err != nil {
			return "", nil, through, err
		}
	}
	if through != nil {
		through = append(through, real)
	}
	return real, fi, through, nil
}

// join is filepath.Join for a clean folder and one plain name.
func join(dir, name string) string {
	if strings.HasSuffix(dir, "/") {
		return dir + name
	}
	return dir + "/" + name
}

// below returns path relative to root, and whether it lies strictly inside.
func below(root, path string) (string, bool) {
	if root == "/" {
		return strings.TrimPrefix(path, "/"), path != "/"
	}
	rel, ok := strings.CutPrefix(path, root+"/")
	return rel, ok && rel != ""
}

// look tells what name in the link-free folder dir leads to, where everything
// has to lie inside root. It opens nothing.
//
// What it says may be out of date as soon as it returns; whoever opens the
// target goes through an os.Root, which cannot be led out, and compares
// stamps afterwards.
func look(root, dir, name string) spot {
	path := join(dir, name)
	fi, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return spot{}
	case err != nil:
		return spot{kind: broken, problem: "cannot be looked at: " + reason(err)}
	case fi.Mode()&fs.ModeSymlink == 0:
		return classify(spot{real: path}, fi)
	}
	real, fi, through, err := follow(dir, name)
	s := spot{real: real, through: withFolders(root, through)}
	switch {
	case errors.Is(err, errLoop):
		return s.fail("this link is part of a loop; let it point at a file or folder of the policy directory")
	case errors.Is(err, fs.ErrNotExist):
		return s.fail("this link leads to nothing; let it point at a file or folder of the policy directory, or remove it")
	case err != nil:
		return s.fail("this link cannot be followed: " + reason(err))
	}
	if _, inside := below(root, real); !inside {
		return s.fail("this link leads out of the policy directory; put its target inside, or copy it")
	}
	return classify(s, fi)
}

// find tells which folder the absolute path leads to, all links followed, and
// which links lead there. The error is fit for people.
func find(path string) (spot, []string, error) {
	real, fi, through, err := follow("/", path)
	if err != nil {
		return spot{}, through, errors.New(reason(err))
	}
	s := classify(spot{real: real}, fi)
	if s.kind != folder {
		return spot{}, through, errors.New("not a directory")
	}
	return s, through, nil
}

// withFolders adds the folders inside root that the paths lie in.
func withFolders(root string, paths []string) []string {
	for _, p := range paths {
		for d := filepath.Dir(p); ; d = filepath.Dir(d) {
			if _, inside := below(root, d); !inside {
				break
			}
			if !slices.Contains(paths, d) {
				paths = append(paths, d)
			}
		}
	}
	return paths
}

func (s spot) fail(message string) spot {
	return spot{kind: broken, through: s.through, problem: message}
}

func classify(s spot, fi fs.FileInfo) spot {
	switch {
	case fi.IsDir():
		s.kind = folder
	case fi.Mode().IsRegular():
		s.kind = regular
	default:
		return s.fail("this is a FIFO, a device or a socket, which is never opened; only regular files are read")
	}
	s.stamp = stampOf(fi)
	return s
}

// reason is an error's text without the paths of this machine.
func reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	if le, ok := errors.AsType[*os.LinkError](err); ok {
		return le.Err.Error()
	}
	return err.Error()
}

// opened is a folder held open: names in it are read through its descriptor, so
// that what is read lies in this very folder even if its path is re-pointed.
type opened struct {
	*os.File
	real   string
	root   string   // path of the root that it lies in
	within *os.Root // that root, for as long as its owner keeps it open
}

// enter opens the folder that s led to and makes sure it is that folder.
func enter(root *os.Root, rootReal string, s spot) (*opened, error) {
	rel, ok := below(rootReal, s.real)
	if !ok {
		return nil, errChanged
	}
	h, err := root.OpenRoot(rel)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return nil, errChanged
		}
		return nil, err
	}
	defer h.Close()
	f, err := h.Open(".") // fails if names in the folder cannot be looked at
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err != nil || !stampOf(fi).sameFile(s.stamp) {
		f.Close()
		return nil, errChanged
	}
	return &opened{f, s.real, rootReal, root}, nil
}

// ignored reports whether a name is invisible: hidden, or an editor's or
// writer's temporary file. A link may still lead through it (`..data`).
func ignored(name string) bool {
	return name[0] == '.' || strings.HasSuffix(name, "~") ||
		strings.HasSuffix(name, ".swp") || strings.HasSuffix(name, ".tmp")
}

// namesOf lists the root itself, as names does another folder.
func namesOf(root *os.Root) ([]string, error) {
	f, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return (&opened{File: f}).names()
}

// names lists the folder, in byte order, ignored names left out. It does so
// once: a second time it finds nothing.
func (o *opened) names() ([]string, error) {
	all, err := o.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	kept := all[:0]
	for _, n := range all {
		if !ignored(n) {
			kept = append(kept, n)
		}
	}
	slices.Sort(kept)
	return kept, nil
}
