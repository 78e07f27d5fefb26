package policyjson

import "postern/internal/arena"

// texts keeps the strings of one document in few allocations. A text that comes
// again soon, as actions and `*` do, is kept once.
type texts struct {
	block arena.Texts
	cache [64]string
	again bool // the strings of the next file go into the same memory
}

// begin prepares for a file of n bytes.
func (t *texts) begin(n int) {
	if t.again {
		t.block.Size, t.block.Most = 32<<10, 8<<10
		return
	}
	size := min(n/4+64, 4096)
	*t = texts{block: arena.Texts{Size: size, Most: size / 4}}
}

// keep returns text as a string that does not alias it.
func (t *texts) keep(text []byte) string {
	n := len(text)
	if n == 0 {
		return ""
	}
	slot := &t.cache[(n+31*int(text[0])+17*int(text[n-1])+7*int(text[n/2]))&63]
	if *slot == string(text) {
		return *slot
	}
	kept := t.block.Keep(text)
	if n <= t.block.Most {
		*slot = kept
	}
	return kept
}

// small is the number of names up to which they are compared one by one; more
// go into a map.
const small = 16

// names is a set of names with the place of each. Adding takes the same time
// however many there are.
type names struct {
	few   [small]string
	at    [small]int
	n     int
	large map[string]int
}

// forget forgets all names.
func (s *names) forget() { s.n, s.large = 0, nil }

// add adds a name, which stands at the given place. If an equal one was added
// before, it returns that one's place and true, and adds nothing.
func (s *names) add(name string, at int) (other int, ok bool) {
	if s.large != nil {
		if other, ok = s.large[name]; !ok {
			s.large[name] = at
		}
		return other, ok
	}
	for i := range s.n {
		if s.few[i] == name {
			return s.at[i], true
		}
	}
	if s.n < small {
		s.few[s.n], s.at[s.n] = name, at
		s.n++
		return 0, false
	}
	s.large = make(map[string]int, 4*small)
	for i := range s.n {
		s.large[s.few[i]] = s.at[i]
	}
	s.large[name] = at
	return 0, false
}

// has reports whether name was added.
func (s *names) has(name string) bool {
	if s.large != nil {
		_, ok := s.large[name]
		return ok
	}
	for i := range s.n {
		if s.few[i] == name {
			return true
		}
	}
	return false
}
