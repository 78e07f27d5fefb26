package block

import (
	"encoding/binary"
	"unsafe"
)

// KeyTag tells most condition keys apart: it is equal for keys that are equal
// after folding. Equality decides, always.
func KeyTag(key string) uint32 {
	const lower, spread = 0x20202020, 0x9e3779b1
	b := unsafe.Slice(unsafe.StringData(key), len(key))
	n := len(b)
	if n >= 4 {
		return (binary.LittleEndian.Uint32(b[n-4:])|lower)*spread + uint32(n)
	}
	return uint32(n)
}
