package action

import "strings"

// Nearest returns the known action whose name is closest to name, compared
// without regard to ASCII case, and whether it is close enough to be suggested.
// For the name of an operation it suggests the action that the operation needs,
// as policies name that. Of names that are equally close, an action's is
// preferred. It allocates, and is for messages.
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

// distance returns the Levenshtein distance of a and b, or limit if that is
// smaller.
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
