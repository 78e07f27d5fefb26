package revision

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Sum is a SHA-256: of a message, of a file's content or of a blob. The zero Sum stands
// for none.
type Sum [sha256.Size]byte

// SumOf returns the sum of data.
func SumOf(data []byte) Sum { return sha256.Sum256(data) }

// IsZero reports whether s stands for none.
func (s Sum) IsZero() bool { return s == Sum{} }

// String returns s as 64 hex digits.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// MarshalText implements encoding.TextMarshaler.
func (s Sum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes 64 hex digits in lower case.
func (s *Sum) UnmarshalText(text []byte) error {
	var read Sum
	if n, err := hex.Decode(read[:], text); len(text) != 2*len(s) || n != len(s) || err != nil || read.String() != string(text) {
		return fmt.Errorf("%.80q is no SHA-256 in 64 lower-case hex digits", text)
	}
	*s = read
	return nil
}
