package iam

import "strings"

// programOf reads `*` and `?` as wildcards.
func programOf(s string) string {
	for strings.Contains(s, "**") {
		s = strings.ReplaceAll(s, "**", "*")
	}
	return strings.NewReplacer("*", "\xff", "?", "\xfe").Replace(s)
}
