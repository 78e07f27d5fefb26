package layout

import (
	"crypto/sha256"
	"encoding/binary"
	"iter"
)

// Sum is a SHA-256. Contents with equal sums are equal. A fast hash would not do:
// whoever writes the files could forge it and keep one policy in force where an
// audit reads another.
type Sum [sha256.Size]byte

// SumOf returns the sum of data.
func SumOf(data []byte) Sum { return sha256.Sum256(data) }

// SumOfFiles returns the sum of a set of files, given their names and sums.
func SumOfFiles(files iter.Seq2[string, Sum]) Sum {
	var b []byte
	for name, s := range files {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(name)))
		b = append(b, name...)
		b = append(b, s[:]...)
	}
	return SumOf(b)
}

// SumOfNone is the sum of a set of no files.
var SumOfNone = SumOfFiles(func(func(string, Sum) bool) {})

// SumOfGone stands for what was removed. No content has it. It is not SumOfNone,
// which a broken file has where there was none before.
var SumOfGone = SumOf([]byte("removed"))

// File is a file's name and its bytes.
type File struct {
	Name string
	Data []byte
}

// SumOfUnit returns the sum of a unit with these files: SumOf for a bucket file, and
// SumOfFiles for a set or for no files.
func SumOfUnit(p Part, files []File) Sum {
	if p == Buckets && len(files) == 1 {
		return SumOf(files[0].Data)
	}
	return SumOfFiles(func(yield func(string, Sum) bool) {
		for _, f := range files {
			if !yield(f.Name, SumOf(f.Data)) {
				return
			}
		}
	})
}
