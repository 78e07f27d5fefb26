package apply

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"postern/cmd/postern-sync/internal/revision"
)

// manyFiles is from how many staged files on the whole file system is synced once, instead
// of each file by itself.
const manyFiles = 8

// journal says what makes the next revision of what the directory has.
type journal struct {
	Position Position `json:"position"`
	// Hold reports that the changes are done under .hold. A single rename needs none.
	Hold    bool   `json:"hold"`
	Changes []move `json:"changes"` // in byte order of paths
}

// move is one change of a journal: a staged file that is renamed to the path, or the
// path's removal.
type move struct {
	Path string `json:"path"`
	revision.File
	Stage string `json:"stage,omitempty"` // "": it is removed
}

// stagePath returns where the content with that sum is staged; copy is 0 for the first
// path that has it.
func stagePath(sum revision.Sum, copy int) string {
	if copy == 0 {
		return stageName + "/" + sum.String()
	}
	return fmt.Sprintf("%s/%s.%d", stageName, sum, copy)
}

// Stage keeps the content of a file that is to be applied, and returns an error if it
// cannot, as on a full disk. It changes nothing that the sidecar sees.
func (d *Directory) Stage(content []byte) error {
	sum := revision.SumOf(content)
	if d.staged[sum] {
		return nil
	}
	if len(d.staged) == 0 {
		if err := d.root.Mkdir(stageName, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err := d.step("stage " + sum.String()[:8]); err != nil {
		return err
	}
	if err := d.writeFile(stagePath(sum, 0), os.O_TRUNC, content, false); err != nil {
		return err
	}
	d.staged[sum], d.unsynced = true, true
	return nil
}

// Staged reports whether the content with that sum is staged.
func (d *Directory) Staged(sum revision.Sum) bool { return d.staged[sum] }

// Discard removes what is staged.
func (d *Directory) Discard() error { return d.clean() }

// Apply makes the directory have the files of tree, of which the content that is new must
// be staged. Before it changes anything it makes sure that the paths that it is about to
// change have what the index says. Once the journal is written the revision wins: an
// error after that leaves a directory that must be opened again.
func (d *Directory) Apply(p Position, tree *revision.Tree) error {
	if tree.Digest() != p.Digest || tree.Len() != p.Count {
		return fmt.Errorf("the files of revision %s have the digest %s, and it says %s", p.ID, tree.Digest(), p.Digest)
	}
	if err := d.foreignHold(); err != nil {
		return err
	}
	j := journal{Position: p}
	copies := map[revision.Sum]int{}
	for _, c := range tree.Difference(d.tree) {
		if err := d.unchanged(c.Path); err != nil {
			return err
		}
		m := move{Path: c.Path, File: c.File}
		if !c.Removed {
			if !d.staged[c.Sum] {
				return fmt.Errorf("the content of %s is not staged", c.Path)
			}
			n := copies[c.Sum]
			copies[c.Sum]++
			if m.Stage = stagePath(c.Sum, n); n > 0 {
				if err := d.copyStaged(c.Sum, m.Stage); err != nil {
					return err
				}
			}
		}
		j.Changes = append(j.Changes, m)
	}
	alone, err := d.alone(&j)
	if err != nil {
		return err
	}
	_, err = d.root.Lstat(holdName) // one that was left when .sync was removed is let go of
	j.Hold = !alone || err == nil
	if err := d.syncStage(&j); err != nil {
		return err
	}
	data, err := json.Marshal(&j)
	if err != nil {
		return err
	}
	if err := d.takeRoom(len(data), p.Count); err != nil {
		return err
	}
	if err := d.write(journalName, data); err != nil {
		return err
	}
	return d.finish(&j, false)
}

// copyStaged copies staged content to another staged name. It is no link, as whoever
// edits one path must not change another.
func (d *Directory) copyStaged(sum revision.Sum, name string) error {
	if err := d.step("copy " + name); err != nil {
		return err
	}
	data, err := d.root.ReadFile(stagePath(sum, 0))
	if err != nil {
		return err
	}
	return d.writeFile(name, os.O_TRUNC, data, false)
}

// syncStage has all staged files on the disk.
func (d *Directory) syncStage(j *journal) error {
	if !d.unsynced {
		return nil
	}
	var names []string
	for _, m := range j.Changes {
		if m.Stage != "" {
			names = append(names, m.Stage)
		}
	}
	d.unsynced = false
	if len(names) >= manyFiles {
		return d.syncAll()
	}
	for _, name := range names {
		f, err := d.root.Open(name)
		if err != nil {
			return err
		}
		err = syncFile(f)
		f.Close()
		if err != nil {
			return err
		}
	}
	return d.syncFolder(stageName)
}

// alone reports whether the changes of a journal are none, or one rename into a folder
// that is there, so that the directory is one revision before it and the next after it.
// A removal is not: the sidecar waits until its folder is at rest, unless a hold ends, and
// may put the next revision in force without it.
func (d *Directory) alone(j *journal) (bool, error) {
	switch {
	case len(j.Changes) == 0:
		return true, nil
	case len(j.Changes) > 1 || j.Changes[0].Stage == "":
		return false, nil
	}
	info, err := d.root.Lstat(path.Dir(j.Changes[0].Path))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.IsDir(), err
}

// foreignHold returns ErrHeld if a .hold stands that this package did not make.
func (d *Directory) foreignHold() error {
	data, err := d.root.ReadFile(holdName)
	switch {
	case err == nil && isOurs(data), errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return ErrHeld
}

// finish does what a journal says, in the order of specification 9.2, step 6. Each step
// can be done again. again says that a process before may have done some of them.
func (d *Directory) finish(j *journal, again bool) error {
	if again && d.position == j.Position && d.tree.Digest() == j.Position.Digest {
		return d.end(j)
	}
	if again {
		if err := d.foreignHold(); err != nil {
			return err
		}
	}
	if err := d.giveRoom(); err != nil {
		return err
	}
	if j.Hold {
		if err := d.hold(j.Position.ID); err != nil {
			return err
		}
	}
	folders := map[string]bool{}
	for _, m := range j.Changes {
		if err := d.move(m, again, folders); err != nil {
			return err
		}
	}
	if err := d.removeFolders(j, folders); err != nil {
		return err
	}
	if !j.Hold && len(j.Changes) > 0 {
		if err := d.markHeld(j.Position.ID); err != nil {
			return err
		}
	}
	for _, name := range sorted(folders) {
		if err := d.syncFolder(name); err != nil {
			return err
		}
	}
	if len(j.Changes) > 0 {
		changes := make([]revision.Change, len(j.Changes))
		for i, m := range j.Changes {
			changes[i] = revision.Change{Path: m.Path, File: m.File, Removed: m.Stage == ""}
		}
		if err := d.appendIndex(j.Position.ID, changes); err != nil {
			return err
		}
	}
	data, err := json.Marshal(&j.Position)
	if err != nil {
		return err
	}
	if err := d.write(appliedName, data); err != nil {
		return err
	}
	d.position = j.Position
	return d.end(j)
}

// hold puts .hold in place, with its content from the beginning.
func (d *Directory) hold(id revision.ID) error {
	if err := d.step("write " + newHoldName); err != nil {
		return err
	}
	if err := d.writeFile(newHoldName, os.O_TRUNC, holdText(id), true); err != nil {
		return err
	}
	if err := d.step("rename " + holdName); err != nil {
		return err
	}
	if err := d.root.Rename(newHoldName, holdName); err != nil {
		return err
	}
	return d.syncFolder(".")
}

// markHeld changes .held after a rename without hold, so that a look during which two such
// revisions come does not count: it may have seen the second and not the first.
func (d *Directory) markHeld(id revision.ID) error {
	if err := d.step("write " + newHoldName); err != nil {
		return err
	}
	if err := d.writeFile(newHoldName, os.O_TRUNC, holdText(id), false); err != nil {
		return err
	}
	if err := d.step("mark " + heldName); err != nil {
		return err
	}
	return d.root.Rename(newHoldName, heldName)
}

// move does one change, and notes the folders that it changes.
func (d *Directory) move(m move, again bool, folders map[string]bool) error {
	if m.Stage == "" {
		if err := d.step("remove " + m.Path); err != nil {
			return err
		}
		if err := d.root.Remove(m.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		folders[path.Dir(m.Path)] = true
		return nil
	}
	if again {
		if _, err := d.root.Lstat(m.Stage); errors.Is(err, fs.ErrNotExist) {
			if f, _, err := d.sumOf(m.Path); err != nil || f != m.File {
				return fmt.Errorf("revision cannot be finished: %s has another content than was put there (%v)", m.Path, err)
			}
			folders[path.Dir(m.Path)] = true
			return nil
		}
	}
	for _, folder := range slices.Backward(parents(m.Path)) {
		if folders[folder] {
			continue
		}
		if err := d.step("mkdir " + folder); err != nil {
			return err
		}
		switch err := d.root.Mkdir(folder, 0o755); {
		case err == nil:
			folders[path.Dir(folder)] = true
		case !errors.Is(err, fs.ErrExist):
			return err
		}
	}
	if err := d.step("rename " + m.Path); err != nil {
		return err
	}
	folders[path.Dir(m.Path)] = true
	return d.root.Rename(m.Stage, m.Path)
}

// removeFolders removes the folders that removals left empty: to the sidecar an
// organization is its folder.
func (d *Directory) removeFolders(j *journal, folders map[string]bool) error {
	maybe := map[string]bool{}
	for _, m := range j.Changes {
		if m.Stage == "" {
			for _, p := range parents(m.Path) {
				maybe[p] = true
			}
		}
	}
	names := sorted(maybe)
	slices.Reverse(names) // inner folders before outer ones
	for _, name := range names {
		if err := d.step("rmdir " + name); err != nil {
			return err
		}
		switch err := d.root.Remove(name); {
		case err == nil, errors.Is(err, fs.ErrNotExist):
			delete(folders, name)
			folders[path.Dir(name)] = true
		case !notEmpty(err):
			return err
		}
	}
	return nil
}

// end lets go of the hold, and removes the journal and the stage.
func (d *Directory) end(j *journal) error {
	if j.Hold {
		if err := d.step("rename " + heldName); err != nil {
			return err
		}
		if err := d.root.Rename(holdName, heldName); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := d.syncFolder("."); err != nil {
			return err
		}
	}
	if err := d.step("remove " + journalName); err != nil {
		return err
	}
	if err := d.root.Remove(journalName); err != nil {
		return err
	}
	if err := d.syncFolder(syncName); err != nil {
		return err
	}
	return d.clean()
}

// clean removes what is staged, and what a process before left half written.
func (d *Directory) clean() error {
	clear(d.staged)
	d.unsynced = false
	if err := d.step("remove " + stageName); err != nil {
		return err
	}
	for _, name := range []string{stageName, roomName, newHoldName, journalName + ".new", appliedName + ".new", indexName + ".new"} {
		if err := d.root.RemoveAll(name); err != nil {
			return err
		}
	}
	return nil
}
