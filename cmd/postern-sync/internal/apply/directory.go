package apply

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"postern/cmd/postern-sync/internal/revision"
)

const (
	syncName    = ".sync"
	stageName   = ".sync/stage"
	journalName = ".sync/journal"
	indexName   = ".sync/index"
	appliedName = ".sync/applied"
	lockName    = ".sync/lock"
	newHoldName = ".sync/hold"
	holdName    = ".hold"
	heldName    = ".held"
)

// ErrHeld says that somebody else's .hold stands: the directory is left alone until it is
// gone.
var ErrHeld = errors.New("a .hold of somebody else stands in the directory; nothing is applied until it is gone")

// Position says which revision a directory has.
type Position struct {
	revision.ID
	Message revision.Sum `json:"message"` // of the revision's message
	Digest  revision.Sum `json:"digest"`
	Count   int          `json:"count"`
	Time    time.Time    `json:"time"`    // of the revision
	Applied time.Time    `json:"applied"` // when it was applied here
}

// Directory is a policy directory and what it has. It is not safe for concurrent use.
type Directory struct {
	// Step, if it is not nil, is called before each change of the file system with what
	// is about to be done; after an error the change is not done and the error
	// returned. It is for tests, which stop or kill the process there.
	Step func(what string) error

	path     string
	root     *os.Root
	lock     *os.File
	tree     *revision.Tree
	position Position
	stamps   map[string]stamp // of files whose content was compared, by path
	records  int              // in the index
	unsynced bool             // something staged is not known to be on the disk
	staged   map[revision.Sum]bool
}

// Open opens the policy directory at path, which is made if it is not there, and ends
// whatever a process before left: a journal is finished, a stage alone is removed.
// No other process may have it open.
func Open(path string, step func(string) error) (*Directory, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	d := &Directory{Step: step, path: path, root: root, tree: &revision.Tree{}, stamps: map[string]stamp{}, staged: map[revision.Sum]bool{}}
	if err := d.open(); err != nil {
		d.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

func (d *Directory) open() error {
	if err := d.root.Mkdir(syncName, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, err := d.root.Lstat(syncName); err != nil || !info.IsDir() {
		return fmt.Errorf("%s is no folder (%v)", syncName, err)
	}
	lock, err := d.root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	d.lock = lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("another process keeps the directory (%w)", err)
	}
	if err := d.readIndex(); err != nil {
		return err
	}
	if err := d.readJSON(appliedName, &d.position); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var j journal
	switch err := d.readJSON(journalName, &j); {
	case err == nil:
		return d.finish(&j, true)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return d.clean()
}

// Close releases the directory. It changes nothing in it.
func (d *Directory) Close() {
	if d.lock != nil {
		d.lock.Close()
	}
	d.root.Close()
}

// Position returns the revision that the directory has; the zero Position before the
// first.
func (d *Directory) Position() Position { return d.position }

// Tree returns the files that the directory has by its index. It must not be changed.
func (d *Directory) Tree() *revision.Tree { return d.tree }

func (d *Directory) step(what string) error {
	if d.Step == nil {
		return nil
	}
	return d.Step(what)
}

func (d *Directory) readJSON(name string, into any) error {
	data, err := d.root.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s is damaged: %w; remove %s and start with -adopt", name, err, syncName)
	}
	return nil
}

// write replaces a file below .sync at once: whoever reads it finds the old or the new
// one whole, after a loss of power too.
func (d *Directory) write(name string, data []byte) error {
	if err := d.step("write " + name); err != nil {
		return err
	}
	temporary := name + ".new"
	if err := d.writeFile(temporary, os.O_TRUNC, data, true); err != nil {
		return err
	}
	if err := d.step("rename " + name); err != nil {
		return err
	}
	if err := d.root.Rename(temporary, name); err != nil {
		return err
	}
	return d.syncFolder(syncName)
}

func (d *Directory) writeFile(name string, flag int, data []byte, sync bool) error {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|flag, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && sync {
		err = syncFile(f)
	}
	return cmp.Or(err, f.Close())
}

func (d *Directory) syncFolder(name string) error {
	if err := d.step("sync " + name); err != nil {
		return err
	}
	f, err := d.root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return syncFile(f)
}

// syncAll has everything that was written to the file system of the directory on the
// disk. It is one call for many files.
func (d *Directory) syncAll() error {
	if err := d.step("sync all"); err != nil {
		return err
	}
	f, err := d.root.Open(syncName)
	if err != nil {
		return err
	}
	defer f.Close()
	return syncFiles(f)
}

// syncFile has a file on the disk, and syncFiles the whole file system that it is of. Tests
// that are about the order of steps alone replace them.
var (
	syncFile  = (*os.File).Sync
	syncFiles = func(f *os.File) error { return unix.Syncfs(int(f.Fd())) }
)

// parents returns the folders of a path, the innermost first, without the root.
func parents(p string) (out []string) {
	for p = path.Dir(p); p != "."; p = path.Dir(p) {
		out = append(out, p)
	}
	return out
}

// isOurs reports whether a hold's content is that of this package.
func isOurs(content []byte) bool {
	return strings.HasPrefix(string(content), "transaction ") && strings.HasSuffix(string(content), ", postern-sync\n")
}

// holdText is the content of .hold while a revision is applied.
func holdText(id revision.ID) []byte {
	return fmt.Appendf(nil, "transaction %d of epoch %d, postern-sync\n", id.Revision, id.Epoch)
}
