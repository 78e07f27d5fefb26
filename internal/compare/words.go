package compare

import (
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"
)

// A wordTree is a set of texts that is walked character by character. A nil
// tree is empty.
type wordTree struct {
	texts []string // sorted, each once
	// prefixes: what is told of a text is told of each that goes on with `/`, too.
	prefixes bool
	once     sync.Once // makes chars; several goroutines may ask one tree
	chars    map[rune]struct{}
}

// A place is where a walk has come to: the texts that begin so, and how many
// bytes they share. The zero place is where no text goes on.
type place struct{ from, to, length int32 }

func newWordTree(texts ...string) *wordTree {
	texts = slices.Clone(texts)
	slices.Sort(texts)
	return &wordTree{texts: slices.Compact(texts)}
}

// root is the place before any text.
func (t *wordTree) root() place {
	if t == nil {
		return place{}
	}
	return place{to: int32(len(t.texts))}
}

// step is the place behind one more character.
func (t *wordTree) step(at place, c rune) place {
	if at.from == at.to {
		return place{}
	}
	var buffer [utf8.UTFMax]byte
	n := int(at.length)
	more := string(buffer[:utf8.EncodeRune(buffer[:], c)])
	texts := t.texts[at.from:at.to]
	low := sort.Search(len(texts), func(i int) bool { return texts[i][n:] >= more })
	high := low + sort.Search(len(texts)-low, func(i int) bool { return !strings.HasPrefix(texts[low+i][n:], more) })
	if low == high {
		return place{}
	}
	return place{at.from + int32(low), at.from + int32(high), at.length + int32(len(more))}
}

// ends reports that a text of the tree ends at a place.
func (t *wordTree) ends(at place) bool {
	return at.from < at.to && len(t.texts[at.from]) == int(at.length)
}

// closed reports that a text of the tree ends at a place, and that whatever goes
// on there with c is to be avoided too.
func (t *wordTree) closed(at place, c rune) bool {
	return t != nil && t.prefixes && c == '/' && t.ends(at)
}

// has reports that some text of the tree has the character.
func (t *wordTree) has(c rune) bool {
	if t == nil {
		return false
	}
	t.once.Do(func() {
		t.chars = map[rune]struct{}{}
		for _, text := range t.texts {
			for _, c := range text {
				t.chars[c] = struct{}{}
			}
		}
	})
	_, ok := t.chars[c]
	return ok
}
