package loader

import (
	"postern/loader/internal/missed"
	"postern/loader/source"
)

// findings are what one look found, and what is told from that.
type findings struct {
	*source.Found
	missed *missed.Look    // what is missed by that
	meant  bool            // whatever is gone was meant to go: see miss
	late   map[string]bool // bucket files that others lost while the organizations that this look takes were arriving: see rest.Rest.Lost
}

func (l *Loader) findings(f *source.Found) *findings {
	return &findings{Found: f, missed: missed.New(inForce{l}, f)}
}
