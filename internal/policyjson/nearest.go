package policyjson

import "postern/internal/value"

// nearest returns which of n names is spelled most like text, ASCII case
// aside, and -1 if none is close, or if too much was spent on such advice.
func (d *decoder) nearest(text []byte, n int, name func(i int) string) int {
	if len(text) > 48 || d.suggestions == 0 {
		return -1
	}
	d.suggestions--
	folded := value.FoldASCII(string(text))
	best, at := min(4, len(text)/3+2), -1
	for i := range n {
		if k := distance(folded, value.FoldASCII(name(i)), best); k < best {
			best, at = k, i
		}
	}
	return at
}

// distance is the number of bytes to insert, remove, replace, or swap with
// their neighbour, that makes a of b; limit if it is that or more.
func distance(a, b string, limit int) int {
	if max(len(a), len(b))-min(len(a), len(b)) >= limit || len(a) >= 64 || len(b) >= 64 {
		return limit
	}
	var rows [3][65]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := 0; j <= len(b); j++ {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}
