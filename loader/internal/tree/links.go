package tree

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Kind is what a name turned out to be, links followed.
type Kind uint8

const (
	Absent  Kind = iota // nothing has that name
	Regular             // a regular file
	Folder              // a folder
	Broken              // a link that leads nowhere or out, a FIFO, device or socket, or a fault; Spot.Problem says
)

// Stamp is the state of a file or folder, as far as the file system tells
// without reading it.
type Stamp struct {
	Size, Mtime, Ctime int64
	Inode, Device      uint64
}

// SameFile reports whether both are stamps of one file or folder, in whatever
// state: a folder changes its size and time with every name in it.
func (s Stamp) SameFile(o Stamp) bool { return s.Inode == o.Inode && s.Device == o.Device }

// Spot is what one name led to at one moment.
type Spot struct {
	Kind  Kind
	Stamp Stamp // of the final target; zero if absent or broken
	// Real is the final target's path without any link; "" if absent or broken.
	Real string
	// Through are the paths of the links that were followed, of the final
	// target, and of the folders that these lie in, inside the root: whoever
	// changes one of them changes this spot. nil if the name is no link.
	Through []string
	Problem string // broken: what is wrong and what to do
}

// Same reports whether two looks at one name found the same: the same state of a
// file, or the same folder in whatever state.
func (s Spot) Same(o Spot) bool {
	if s.Kind != o.Kind || s.Real != o.Real || s.Problem != o.Problem {
		return false
	}
	if s.Kind == Folder {
		return s.Stamp.SameFile(o.Stamp)
	}
	return s.Stamp == o.Stamp
}

// Folder returns the real path of a folder, to be watched, in a list; nil for
// anything else.
func (s Spot) Folder() []string {
	if s.Kind != Folder {
		return nil
	}
	return []string{s.Real}
}

// maxLinks bounds the links followed for one name, as the kernel does.
const maxLinks = 40

// ErrChanged says that something changed during a look. The look does not count
// and is repeated.
var ErrChanged = errors.New("it changed while it was looked at")

var errLoop = errors.New("too many links: a loop")

// follow resolves name, one or several components, in the link-free absolute
// folder dir, all links followed. through lists the links met and, if there was
// one, the final path or the one that is missing: a change of any of these is a
// change of name.
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
		at := Join(real, c)
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

// Join is filepath.Join for a clean folder and one plain name.
func Join(dir, name string) string {
	if strings.HasSuffix(dir, "/") {
		return dir + name
	}
	return dir + "/" + name
}

// Below returns path relative to root, and whether it lies strictly inside.
func Below(root, path string) (string, bool) {
	if root == "/" {
		return strings.TrimPrefix(path, "/"), path != "/"
	}
	rel, ok := strings.CutPrefix(path, root+"/")
	return rel, ok && rel != ""
}

// Look tells what name in the link-free folder dir leads to, where everything
// has to lie inside root. It opens nothing.
//
// What it says may be out of date as soon as it returns; whoever opens the
// target goes through an os.Root, which cannot be led out, and compares
// stamps afterwards.
func Look(root, dir, name string) Spot {
	path := Join(dir, name)
	fi, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Spot{}
	case err != nil:
		return Spot{Kind: Broken, Problem: "cannot be looked at: " + Reason(err)}
	case fi.Mode()&fs.ModeSymlink == 0:
		return classify(Spot{Real: path}, fi)
	}
	real, fi, through, err := follow(dir, name)
	s := Spot{Real: real, Through: withFolders(root, through)}
	switch {
	case errors.Is(err, errLoop):
		return s.fail("this link is part of a loop; let it point at a file or folder of the policy directory")
	case errors.Is(err, fs.ErrNotExist):
		return s.fail("this link leads to nothing; let it point at a file or folder of the policy directory, or remove it")
	case err != nil:
		return s.fail("this link cannot be followed: " + Reason(err))
	}
	if _, inside := Below(root, real); !inside {
		return s.fail("this link leads out of the policy directory; put its target inside, or copy it")
	}
	return classify(s, fi)
}

// Find returns the folder that the absolute path leads to when all links are
// followed, and the paths of those links. The text of the error names no path.
func Find(path string) (Spot, []string, error) {
	real, fi, through, err := follow("/", path)
	if err != nil {
		return Spot{}, through, errors.New(Reason(err))
	}
	s := classify(Spot{Real: real}, fi)
	if s.Kind != Folder {
		return Spot{}, through, errors.New("not a directory")
	}
	return s, through, nil
}

// withFolders adds the folders inside root that the paths lie in.
func withFolders(root string, paths []string) []string {
	for _, p := range paths {
		for d := filepath.Dir(p); ; d = filepath.Dir(d) {
			if _, inside := Below(root, d); !inside {
				break
			}
			if !slices.Contains(paths, d) {
				paths = append(paths, d)
			}
		}
	}
	return paths
}

func (s Spot) fail(message string) Spot {
	return Spot{Kind: Broken, Through: s.Through, Problem: message}
}

func classify(s Spot, fi fs.FileInfo) Spot {
	switch {
	case fi.IsDir():
		s.Kind = Folder
	case fi.Mode().IsRegular():
		s.Kind = Regular
	default:
		return s.fail("this is a FIFO, a device or a socket, which is never opened; only regular files are read")
	}
	s.Stamp = StampOf(fi)
	return s
}

// Reason returns the text of an error without the paths of this machine.
func Reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	if le, ok := errors.AsType[*os.LinkError](err); ok {
		return le.Err.Error()
	}
	return err.Error()
}

// Dir is a folder held open: names in it are read through its descriptor, so
// that what is read lies in this very folder even if its path is re-pointed.
type Dir struct {
	*os.File
	real   string
	root   string   // path of the root that it lies in
	within *os.Root // that root, for as long as its owner keeps it open
}

// Enter opens the folder that s led to and makes sure it is that folder.
func Enter(root *os.Root, rootReal string, s Spot) (*Dir, error) {
	rel, ok := Below(rootReal, s.Real)
	if !ok {
		return nil, ErrChanged
	}
	h, err := root.OpenRoot(rel)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return nil, ErrChanged
		}
		return nil, err
	}
	defer h.Close()
	f, err := h.Open(".") // fails if names in the folder cannot be looked at
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err != nil || !StampOf(fi).SameFile(s.Stamp) {
		f.Close()
		return nil, ErrChanged
	}
	return &Dir{f, s.Real, rootReal, root}, nil
}

// Ignored reports whether a name is invisible: hidden, or an editor's or
// writer's temporary file. A link may still lead through it (`..data`).
func Ignored(name string) bool { return ignored(name) }

func ignored[T string | []byte](name T) bool {
	if name[0] == '.' || name[len(name)-1] == '~' {
		return true
	}
	if len(name) < 4 {
		return false
	}
	end := string(name[len(name)-4:])
	return end == ".swp" || end == ".tmp"
}

// Names lists the root itself, as Dir.Names does another folder.
func Names(root *os.Root) ([]string, error) {
	f, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return (&Dir{File: f}).Names()
}

// Names lists the folder in byte order, without ignored names. A second call finds
// nothing.
func (o *Dir) Names() ([]string, error) {
	all, err := o.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	kept := all[:0]
	for _, n := range all {
		if !Ignored(n) {
			kept = append(kept, n)
		}
	}
	slices.Sort(kept)
	return kept, nil
}
