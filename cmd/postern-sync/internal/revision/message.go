package revision

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Format is the number of the form of a message that this package writes and reads.
const Format = 1

// Revision is one revision of a fleet's policies: the content of one message, which is
// the commit (specification 9.2).
type Revision struct {
	Format   int       `json:"format"`
	Fleet    string    `json:"fleet"`
	Epoch    uint64    `json:"epoch"`
	Number   uint64    `json:"revision"` // within the epoch, from 1
	Previous Sum       `json:"previous"` // the sum of the message before; zero for the first of an epoch
	Digest   Sum       `json:"digest"`   // of all files, after it
	Count    int       `json:"count"`    // of all files, after it
	Time     time.Time `json:"time"`
	By       string    `json:"by"`
	// Changes are in byte order of paths, with the content of small files. A revision
	// whose changes do not fit into a message has List instead.
	Changes []Change `json:"changes,omitempty"`
	List    *List    `json:"list,omitempty"`
	// Snapshot is the newest list of all files, of this or an earlier revision of the
	// epoch; nil if there is none.
	Snapshot *Snapshot `json:"snapshot,omitempty"`
}

// Change is what a revision does to one path.
type Change struct {
	Path string `json:"path"`
	File
	Inline  []byte `json:"inline,omitempty"`
	Removed bool   `json:"removed,omitempty"`
}

// List names changes and their content that lie in blobs (package pack).
type List struct {
	Index []Sum `json:"index"` // the blobs of the index, in order
}

// Snapshot is a List of all files of a revision.
type Snapshot struct {
	Revision uint64 `json:"revision"`
	List
}

// ID is what orders revisions: the epoch, then the revision's number.
type ID struct {
	Epoch    uint64 `json:"epoch"`
	Revision uint64 `json:"revision"`
}

// ID returns the revision's place in the order.
func (r *Revision) ID() ID { return ID{r.Epoch, r.Number} }

// Above reports whether i comes after o.
func (i ID) Above(o ID) bool {
	return i.Epoch > o.Epoch || i.Epoch == o.Epoch && i.Revision > o.Revision
}

// String returns "EPOCH.REVISION".
func (i ID) String() string { return fmt.Sprintf("%d.%d", i.Epoch, i.Revision) }

// SortChanges sorts changes by their paths.
func SortChanges(changes []Change) {
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
}

// Encode returns the message of a revision.
func (r *Revision) Encode() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

// Decode reads a message. It takes nothing but what Encode writes: an unknown member, a
// path that no policy file has, an inline content with another sum or size and changes
// out of order are errors.
func Decode(data []byte) (*Revision, error) {
	r := new(Revision)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("the message is no revision: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the message is no revision: something follows it")
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, nil
}

// check returns what is wrong with a revision by itself.
func (r *Revision) check() error {
	switch {
	case r.Format != Format:
		return fmt.Errorf("the revision has format %d, and this program reads %d: update it", r.Format, Format)
	case r.Fleet == "" || r.Epoch == 0 || r.Number == 0:
		return errors.New("the revision has no fleet, epoch or number")
	case r.Previous.IsZero() != (r.Number == 1):
		return errors.New("the first revision of an epoch, and no other, has no previous one")
	case r.List != nil && (len(r.Changes) > 0 || len(r.List.Index) == 0):
		return errors.New("the revision has changes both in the message and in blobs, or an empty list")
	case r.Snapshot != nil && (r.Snapshot.Revision == 0 || r.Snapshot.Revision > r.Number || len(r.Snapshot.Index) == 0):
		return errors.New("the revision names a snapshot of no revision up to it")
	case r.Count < 0:
		return errors.New("the revision has a negative count of files")
	}
	return CheckChanges(r.Changes, true)
}

// CheckChanges returns what is wrong with changes: a path that no policy file has, changes
// out of order or of one path twice, or a negative size. If inline is set, each changed
// file must have its content with it.
func CheckChanges(changes []Change, inline bool) error {
	for i, c := range changes {
		if err := CheckPath(c.Path); err != nil {
			return err
		}
		switch {
		case i > 0 && changes[i-1].Path >= c.Path:
			return fmt.Errorf("the changes are out of order at %q", c.Path)
		case c.Removed && (c.File != File{} || len(c.Inline) > 0):
			return fmt.Errorf("%s is removed, and has content", c.Path)
		case c.Removed || !inline:
		case c.Size != int64(len(c.Inline)) || c.Sum != SumOf(c.Inline):
			return fmt.Errorf("%s: the content has another sum or size than the revision says", c.Path)
		}
		if c.Size < 0 {
			return fmt.Errorf("%s has a negative size", c.Path)
		}
	}
	return nil
}
