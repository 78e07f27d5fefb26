package house

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestPicture: the picture of the house is what the code is today.
func TestPicture(t *testing.T) {
	cmd := exec.Command("go", "run", "./internal/house/picture")
	cmd.Dir = root
	var errs bytes.Buffer
	cmd.Stderr = &errs
	want, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.Bytes())
	}
	got, err := os.ReadFile(filepath.Join(root, "docs/architecture.svg"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/architecture.svg is not what the code is: go run ./internal/house/picture >docs/architecture.svg")
	}
}
