package loader

import (
	"postern/loader/internal/missed"
	"postern/loader/source"
)

// findings are what one look found, with what follows from it.
type findings struct {
	*source.Found
	missed *missed.Look // the rule of what is missed, over these findings
	meant  bool         // whatever is gone was meant to go: see miss
	// late are the bucket files that organizations lost while others, which this look
	// takes, were arriving with a file of that name: see rest.Rest.Lost.
	late map[string]bool
}

func (l *Loader) findings(f *source.Found) *findings {
	return &findings{Found: f, missed: missed.New(inForce{l}, f)}
}
