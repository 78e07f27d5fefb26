//go:build !linux

package tree

// ReadIn reads the regular file name, found as at, in the folder h, whole;
// ErrChanged if it is not that file any more, or changes while it is read.
func (r *Reader) ReadIn(h *Dir, _ string, at Spot, _ *[]byte) ([]byte, error) {
	rel, ok := Below(h.root, at.Real)
	if !ok {
		return nil, ErrChanged
	}
	return r.Read(h.within, rel, at)
}

// ReadListed reads nothing: somebody has to look first.
func (r *Reader) ReadListed(*Dir, string, *[]byte) (Spot, []byte, bool) {
	return Spot{}, nil, false
}

// Files is names. Every name has to be looked at before it is opened.
func (o *Dir) Files() (names []string, others map[string]struct{}, err error) {
	names, err = o.Names()
	return names, nil, err
}
