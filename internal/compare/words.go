package compare

// A wordTree is a set of texts that is walked character by character. A nil
// tree is empty.
type wordTree struct {
	nodes []wordNode
	chars map[rune]struct{}
}

type wordNode struct {
	next map[rune]int
	end  bool
}

func newWordTree(texts ...string) *wordTree {
	t := &wordTree{nodes: []wordNode{{}}, chars: map[rune]struct{}{}}
	for _, text := range texts {
		t.add(text)
	}
	return t
}

func (t *wordTree) add(text string) {
	at := 0
	for _, c := range text {
		t.chars[c] = struct{}{}
		next, ok := t.nodes[at].next[c]
		if !ok {
			next = len(t.nodes)
			if t.nodes[at].next == nil {
				t.nodes[at].next = map[rune]int{}
			}
			t.nodes[at].next[c] = next
			t.nodes = append(t.nodes, wordNode{})
		}
		at = next
	}
	t.nodes[at].end = true
}

// root is the place before any text, -1 in an empty tree.
func (t *wordTree) root() int {
	if t == nil {
		return -1
	}
	return 0
}

// step is the place behind one more character, -1 where no text goes on so.
func (t *wordTree) step(at int, c rune) int {
	if t == nil || at < 0 {
		return -1
	}
	if next, ok := t.nodes[at].next[c]; ok {
		return next
	}
	return -1
}

// ends reports that a text of the tree ends at a place.
func (t *wordTree) ends(at int) bool { return t != nil && at >= 0 && t.nodes[at].end }

// has reports that some text of the tree has the character.
func (t *wordTree) has(c rune) bool {
	if t == nil {
		return false
	}
	_, ok := t.chars[c]
	return ok
}
