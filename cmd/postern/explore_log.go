package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"slices"
)

// The bounds of what the explorer shows of the decision log.
const (
	tailBytes   = 512 << 10 // of the end of the file
	tailDenials = 50
)

// lastDenials returns the last denials that a decision log holds, newest first. What
// the log masks is masked here, since these are its lines.
func lastDenials(path string) []json.RawMessage {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	from := max(info.Size()-tailBytes, 0)
	data, err := io.ReadAll(io.NewSectionReader(f, from, tailBytes))
	if err != nil {
		return nil
	}
	if from > 0 { // the first line may be cut
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	lines := bytes.Split(data, []byte("\n"))
	slices.Reverse(lines)
	var out []json.RawMessage
	for _, line := range lines {
		var d struct {
			Decision *bool `json:"decision"`
		}
		if json.Unmarshal(line, &d) == nil && d.Decision != nil && !*d.Decision {
			if out = append(out, line); len(out) == tailDenials {
				break
			}
		}
	}
	return out
}
