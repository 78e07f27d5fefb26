package loader

import "postern/loader/source"

// findings are what one look found, and what is told from that.
type findings struct {
	*source.Found
	arrivals map[string]struct{} // bucket files that are new, once arrived asked
	files    *filesFound         // once having or lacks asked
	meant    bool                // whatever is gone was meant to go: see miss
	late     []lostFile          // what others lost while the organizations that this look takes were arriving
}
