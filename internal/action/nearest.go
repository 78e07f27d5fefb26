package action

import (
	"strings"

	"postern/internal/spelling"
)

// Nearest returns the known action whose name is closest to name, compared
// without regard to ASCII case, and whether it is close enough to be suggested.
// For the name of an operation it suggests the action that the operation needs,
// as policies name that. Of names that are equally close, an action's is
// preferred. It allocates, and is for messages.
func Nearest(name string) (string, bool) {
	folded := strings.ToLower(name)
	best, bestAt := 4, -1
	for i := range table {
		d := spelling.Distance(folded, strings.ToLower(table[i].name), best+1)
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
