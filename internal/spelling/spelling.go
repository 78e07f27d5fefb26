// Package spelling measures how similar two names are, so that messages can suggest the
// name that was meant.
package spelling

// Distance returns how many bytes have to be inserted, removed, replaced, or swapped with
// their neighbour to turn b into a. It returns limit if that many or more are needed, or
// if a name has 64 bytes or more. It does not allocate.
func Distance(a, b string, limit int) int {
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

// Nearest returns the index of the name, of n names, that is nearest to a text, or -1 if
// none is near: within 3 bytes, and within one more than a third of the length of the
// text. name may fold case.
func Nearest(text string, n int, name func(i int) string) int {
	best, at := min(4, len(text)/3+2), -1
	for i := range n {
		if k := Distance(text, name(i), best); k < best {
			best, at = k, i
		}
	}
	return at
}
