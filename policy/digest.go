package policy

import "encoding/hex"

// Digest identifies the path and content of every policy file in force
// (specification 3.4). It is the same on every machine and after every restart
// with the same content. The zero Digest is that of no policy directory.
type Digest [32]byte

// String returns the digest as 64 hexadecimal digits in lower case.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }
