package policyjson

import (
	"postern/internal/spelling"
	"postern/internal/value"
)

// nearest returns which of n names is spelled most like text, ASCII case
// aside, and -1 if none is close, or if too much was spent on such advice.
func (d *decoder) nearest(text []byte, n int, name func(i int) string) int {
	if len(text) > 48 || d.suggestions == 0 {
		return -1
	}
	d.suggestions--
	folded := value.FoldASCII(string(text))
	return spelling.Nearest(folded, n, func(i int) string { return value.FoldASCII(name(i)) })
}
