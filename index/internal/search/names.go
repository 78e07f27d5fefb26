package search

import (
	"slices"
	"strings"

	"postern/index/internal/open"
)

// names goes through several sorted lists at once, in byte order, each name
// once.
type names struct {
	runs []run // a heap: the run with the least first name is at 0
	last string
	any  bool // last was given out
}

// run is what is left of a list; strip is how much of each text is in front of
// the name.
type run struct {
	list  []string
	strip int
}

func (r *run) first() string { return r.list[0][r.strip:] }

// add adds the names that follow prefix in the texts of a sorted list, come
// after a name, and are among the candidates.
func (n *names) add(list []string, prefix, after string, c *open.Candidates) {
	from, _ := slices.BinarySearch(list, prefix+after)
	if list = list[from:]; len(list) > 0 && list[0] == prefix+after {
		list = list[1:]
	}
	prefixes := c.Prefixes
	if c.All {
		prefixes = []string{""}
	}
	for _, b := range prefixes {
		b = prefix + b
		from, _ := slices.BinarySearch(list, b)
		to, _ := slices.BinarySearchFunc(list, b, func(text, b string) int {
			if text < b || strings.HasPrefix(text, b) {
				return -1
			}
			return 1
		})
		if from < to {
			n.push(run{list[from:to], len(prefix)})
		}
	}
}

func (n *names) push(r run) {
	n.runs = append(n.runs, r)
	for i := len(n.runs) - 1; i > 0; {
		up := (i - 1) / 2
		if n.runs[up].first() <= n.runs[i].first() {
			return
		}
		n.runs[up], n.runs[i] = n.runs[i], n.runs[up]
		i = up
	}
}

// next returns the next name; false at the end.
func (n *names) next() (string, bool) {
	for len(n.runs) > 0 {
		name := n.runs[0].first()
		n.advance()
		if !n.any || name != n.last {
			n.last, n.any = name, true
			return name, true
		}
	}
	return "", false
}

// advance drops the first name of the first run.
func (n *names) advance() {
	if r := &n.runs[0]; len(r.list) > 1 {
		r.list = r.list[1:]
	} else {
		end := len(n.runs) - 1
		n.runs[0] = n.runs[end]
		n.runs = n.runs[:end]
	}
	for i := 0; ; {
		least := i
		for down := 2*i + 1; down <= 2*i+2 && down < len(n.runs); down++ {
			if n.runs[down].first() < n.runs[least].first() {
				least = down
			}
		}
		if least == i {
			return
		}
		n.runs[i], n.runs[least] = n.runs[least], n.runs[i]
		i = least
	}
}
