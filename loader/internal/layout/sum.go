package layout

import (
	"crypto/sha256"
	"encoding/binary"
	"iter"
)

// Sum is a SHA-256. Two contents are equal if their sums are: a fast hash can
// be forged by whoever writes the files, and would keep one policy in force
// where an audit reads another.
type Sum [sha256.Size]byte

func SumOf(data []byte) Sum { return sha256.Sum256(data) }

// SumOfFiles identifies the content of a set of files: their names and sums.
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

// SumOfGone stands for what was removed: no content has it, that of no files
// neither, as a broken file has that where none was there before.
var SumOfGone = SumOf([]byte("removed"))

// File is the name and the content of a file.
type File struct {
	Name string
	Data []byte
}

// SumOfUnit is the sum of a unit's content: of a bucket file its bytes', of a
// set, and of no files, its names and sums.
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
