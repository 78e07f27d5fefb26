package loader

import "postern/loader/source"

// findings are what one look found, and what is told from that.
type findings struct {
	*source.Found
	files *filesFound     // once having or lacks asked
	meant bool            // whatever is gone was meant to go: see miss
	late  map[string]bool // bucket files that others lost while the organizations that this look takes were arriving: see rest.Rest.Lost
}
