package action

import "strings"

// Nearest returns the known action whose name is closest to the given one,
// compared without case, and whether one is close enough to be worth
// suggesting. Where that is an operation's name, the action that the operation
// needs is suggested: it is what a policy should name. Of names that are as
// close, an action's goes before an operation's. It allocates: it is for
// messages.
func Nearest(name string) (string, bool) {
	folded := strings.ToLower(name)
	best, bestAt := 4, -1
	for i := range table {
		d := distance(folded, strings.ToLower(table[i].name), best+1)
		if d < best || d == best && bestAt >= 0 && isOperation(bestAt) && !isOperation(i) {
			best, bestAt = d, i
		}
	}
	if bestAt < 0 {
		return "", false
	}
	return table[table[bestAt].action].name, true
}

func isOperation(i int) bool { return table[i].action != ID(i) }

// distance is Levenshtein's, or limit if it is that or more.
func distance(a, b string, limit int) int {
	if max(len(a), len(b))-min(len(a), len(b)) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[j], row[j-1])
			}
			diagonal, row[j] = row[j], cost
		}
	}
	return min(row[len(b)], limit)
}
