//go:build !linux

package loader

// readIn reads the regular file name, found as at, in the folder h, whole;
// errChanged if it is not that file any more, or changes while it is read.
func (s *scan) readIn(_ *opened, _ string, at spot, _ *[]byte) ([]byte, error) { return s.open(at) }

// readListed reads nothing: somebody has to look first.
func (s *scan) readListed(*opened, *bucketsFinding, string, *[]byte) (spot, []byte, bool) {
	return spot{}, nil, false
}
