//go:build !linux

package loader

// readIn reads the regular file name, found as at, in the folder h, whole;
// errChanged if it is not that file any more, or changes while it is read.
func (r *reader) readIn(h *opened, _ string, at spot, _ *[]byte) ([]byte, error) {
	rel, ok := below(h.root, at.real)
	if !ok {
		return nil, errChanged
	}
	return r.read(h.within, rel, at)
}

// readListed reads nothing: somebody has to look first.
func (r *reader) readListed(*opened, string, *[]byte) (spot, []byte, bool) {
	return spot{}, nil, false
}

// files is names. Every name has to be looked at before it is opened.
func (o *opened) files() (names []string, others map[string]struct{}, err error) {
	names, err = o.names()
	return names, nil, err
}
