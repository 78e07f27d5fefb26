package directory

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"postern/loader/internal/tree"
	"postern/loader/source"
	"syscall"
)

const (
	holdName = ".hold"
	heldName = ".held" // what the last transaction left
	// mostHeld bounds the bytes of .held that are compared.
	mostHeld = 64 << 10
)

var transactionPrefix = []byte("transaction ")

// Gate implements source.Source. It looks at .hold and .held.
func (d *Source) Gate() (g source.Gate) {
	root, _, err := tree.Find(d.path)
	if err != nil {
		return source.Gate{Unknown: true}
	}
	path := tree.Join(root.Real, holdName)
	if fi, err := os.Lstat(path); err == nil {
		g.Standing, g.Hold, g.Transaction = true, versionOf(tree.StampOf(fi)), isTransaction(path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		g.Doubtful = true // nor can POLICIES be looked at, mostly: the look says so
	}
	path = tree.Join(root.Real, heldName)
	if fi, err := os.Lstat(path); err == nil {
		var b bytes.Buffer
		addSpot(&b, "", tree.Spot{Stamp: tree.StampOf(fi)})
		if data, err := tree.ReadSome(path, mostHeld); err == nil {
			b.Write(data)
			g.Ended = bytes.HasPrefix(data, transactionPrefix)
		}
		g.Held = b.String()
	}
	return g
}

// isTransaction reports whether a hold is a transaction; in doubt it is.
func isTransaction(path string) bool {
	fi, err := os.Stat(path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ELOOP)
	}
	if !fi.Mode().IsRegular() {
		return false // it has no content
	}
	data, err := tree.ReadSome(path, len(transactionPrefix))
	return err != nil || bytes.Equal(data, transactionPrefix)
}
