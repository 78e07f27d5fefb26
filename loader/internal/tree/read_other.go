//go:build !linux

package tree

// ReadIn reads the whole of the regular file in the folder h that a look found as
// at. The error is ErrChanged if it is another file by now, or changes while it is
// read.
func (r *Reader) ReadIn(h *Dir, _ string, at Spot, _ *[]byte) ([]byte, error) {
	rel, ok := Below(h.root, at.Real)
	if !ok {
		return nil, ErrChanged
	}
	return r.Read(h.within, rel, at)
}

// ReadListed reads nothing and returns false: the caller has to look first.
func (r *Reader) ReadListed(*Dir, string, *[]byte, *[]byte) (Stamp, []byte, bool) {
	return Stamp{}, nil, false
}

// Files lists the folder as Names does. It cannot tell which names are no regular
// files, so every name has to be looked at before it is opened.
func (o *Dir) Files(int, func(name []byte) (string, bool), func() error) (names []string, others map[string]struct{}, err error) {
	names, err = o.Names()
	return names, nil, err
}

// Still returns false: the caller has to Look.
func (o *Dir) Still(string, *[]byte) (Stamp, bool) { return Stamp{}, false }
