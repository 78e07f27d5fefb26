package index

import "postern/index/internal/block"

// key returns the four bytes of the resource text at a place, which sieves look
// at; 0 where the text is too short, since then no statement that has a key can
// match it. told is false if the request is about the whole organization.
func (v *view) key(at uint32) (key uint32, told bool) {
	if uint64(at)+block.KeyBytes <= uint64(len(v.text)) {
		key = block.KeyOf(v.text, at)
	}
	return key, !v.whole
}
