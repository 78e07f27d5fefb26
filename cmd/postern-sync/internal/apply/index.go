package apply

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"

	"postern/cmd/postern-sync/internal/revision"
)

// mostRecords is how many records an index has before it is written anew, if they are
// also more than there are files.
const mostRecords = 256

// record is one line of the index: what a revision changed. The first has all files.
type record struct {
	ID      revision.ID       `json:"id"`
	Changes []revision.Change `json:"changes"`
}

// line returns a record as a line: a checksum, which only tells a torn line, and JSON.
func (r *record) line() ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(data), data), nil
}

// readIndex reads the index. A torn line at its end is cut off: whatever tore it left its
// journal, which is finished next.
func (d *Directory) readIndex() error {
	f, err := d.root.OpenFile(indexName, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	files := map[string]revision.File{}
	whole := int64(0)
	for r := bufio.NewReaderSize(f, 1<<20); ; {
		line, err := r.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		data, ok := bytes.CutSuffix(line, []byte{'\n'})
		var sum uint32
		if ok = ok && len(data) > 9; ok {
			if _, err := fmt.Sscanf(string(data[:9]), "%08x ", &sum); err != nil {
				ok = false
			}
		}
		if !ok || sum != crc32.ChecksumIEEE(data[9:]) {
			break
		}
		var x record
		if err := json.Unmarshal(data[9:], &x); err != nil {
			return fmt.Errorf("%s is damaged: %w; remove %s and start with -adopt", indexName, err, syncName)
		}
		if err := revision.CheckChanges(x.Changes, false); err != nil {
			return fmt.Errorf("%s is damaged: %w; remove %s and start with -adopt", indexName, err, syncName)
		}
		for _, c := range x.Changes {
			if c.Removed {
				delete(files, c.Path)
			} else {
				files[c.Path] = c.File
			}
		}
		whole += int64(len(line))
		d.records++
	}
	d.tree = revision.NewTree(files)
	if info, err := f.Stat(); err != nil || info.Size() == whole {
		return err
	}
	return f.Truncate(whole)
}

// appendIndex notes changes in the index and in the tree. To note the same ones again
// does no harm.
func (d *Directory) appendIndex(id revision.ID, changes []revision.Change) error {
	for _, c := range changes {
		delete(d.stamps, c.Path)
		if c.Removed {
			d.tree.Remove(c.Path)
		} else {
			d.tree.Set(c.Path, c.File)
		}
	}
	if d.renewsIndex(d.tree.Len()) {
		return d.writeIndex(id)
	}
	line, err := (&record{id, changes}).line()
	if err != nil {
		return err
	}
	if err := d.step("append " + indexName); err != nil {
		return err
	}
	d.records++
	return d.writeFile(indexName, os.O_APPEND, line, true)
}

// renewsIndex reports whether the next note, of a revision of count files, has the index
// written anew.
func (d *Directory) renewsIndex(count int) bool {
	return d.records > mostRecords && d.records > count || d.records == 0
}

// writeIndex writes the index anew.
func (d *Directory) writeIndex(id revision.ID) error {
	x := record{ID: id}
	for _, path := range d.tree.Paths() {
		f, _ := d.tree.Get(path)
		x.Changes = append(x.Changes, revision.Change{Path: path, File: f})
	}
	line, err := x.line()
	if err != nil {
		return err
	}
	d.records = 1
	return d.write(indexName, line)
}
