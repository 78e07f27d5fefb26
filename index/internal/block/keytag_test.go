package block

import (
	"strings"
	"testing"
)

// A tag is equal for all spellings of a key.
func TestKeyTagFolds(t *testing.T) {
	for _, key := range []string{"", "a", "ab", "abc", "s3:x", "aws:sourceip", "a_z@[`{"} {
		if KeyTag(key) != KeyTag(strings.ToUpper(key)) {
			t.Errorf("%q has another tag in upper case", key)
		}
	}
}
