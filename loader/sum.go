package loader

import (
	"crypto/sha256"
	"encoding/binary"
	"iter"
)

// sum is a SHA-256. Two contents are equal if their sums are: a fast hash can
// be forged by whoever writes the files, and would keep one policy in force
// where an audit reads another.
type sum [sha256.Size]byte

func sumOf(data []byte) sum { return sha256.Sum256(data) }

// sumOfFiles identifies the content of a set of files: their names and sums.
func sumOfFiles(files iter.Seq2[string, sum]) sum {
	var b []byte
	for name, s := range files {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(name)))
		b = append(b, name...)
		b = append(b, s[:]...)
	}
	return sumOf(b)
}

// sumOfNone is the sum of a set of no files.
var sumOfNone = sumOfFiles(func(func(string, sum) bool) {})

// raw is a file's content, kept until it is mirrored.
type raw struct {
	name string
	data []byte
}

// sumOfRaw is the sum of a unit's content: of a bucket file its bytes', of a
// set, and of no files, its names and sums.
func sumOfRaw(p part, files []raw) sum {
	if p == partBuckets && len(files) == 1 {
		return sumOf(files[0].data)
	}
	return sumOfFiles(func(yield func(string, sum) bool) {
		for _, f := range files {
			if !yield(f.name, sumOf(f.data)) {
				return
			}
		}
	})
}
