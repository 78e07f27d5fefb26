package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// digestOf is the digest of a policy directory whose files are all good,
// computed as specification 3.4 says it.
func digestOf(t *testing.T, dir string) string {
	t.Helper()
	leaves := map[string][]string{}
	err := filepath.WalkDir(dir, func(at string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(at, ".json") {
			return err
		}
		path, err := filepath.Rel(dir, at)
		hash := sha256.Sum256([]byte(path))
		bits := hex.EncodeToString(hash[:])[:3]
		leaves[bits] = append(leaves[bits], path)
		return err
	})
	if err != nil || len(leaves) == 0 {
		t.Fatalf("%s: %d leaves, %v", dir, len(leaves), err)
	}
	var all []byte
	for i := range 4096 {
		paths := leaves[fmt.Sprintf("%03x", i)]
		slices.Sort(paths)
		h := sha256.New()
		for _, path := range paths {
			data, err := os.ReadFile(filepath.Join(dir, path))
			if err != nil {
				t.Fatal(err)
			}
			content := sha256.Sum256(data)
			fmt.Fprintf(h, "%s\x00%s", path, content[:])
		}
		all = h.Sum(all)
	}
	whole := sha256.Sum256(all)
	return hex.EncodeToString(whole[:])
}
