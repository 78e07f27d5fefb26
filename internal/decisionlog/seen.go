package decisionlog

import (
	"sync"
	"sync/atomic"

	"postern/policy"
)

// seenSets numbers the sets of keys that doors see (policy.Request.Seen), which
// are few and last as long as the process, so that a record holds a number.
type seenSets struct {
	list atomic.Pointer[[]seenSet] // number 1 first; it only ever grows
	mu   sync.Mutex
}

type seenSet struct {
	of   *policy.KeySet
	line string // the member `seen` of a line
}

// maxSeen bounds the sets: a door that made one for each request would fill
// memory. Of further ones a line says that nothing is seen.
const maxSeen = 256

// add adds a set that was met for the first time.
func (s *seenSets) add(of *policy.KeySet) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []seenSet
	if old := s.list.Load(); old != nil {
		for i := range *old {
			if (*old)[i].of == of {
				return uint32(i + 1)
			}
		}
		list = append(list, *old...)
	}
	if len(list) == maxSeen {
		return maxSeen + 1
	}
	b := []byte(`"seen":{`)
	for _, m := range []struct {
		name string
		list []string
	}{{"names", of.Names}, {"beginnings", of.Beginnings}, {"except", of.Except}} {
		if len(m.list) > 0 {
			b = appendStrings(b, m.name, m.list)
		}
	}
	list = append(list, seenSet{of, string(append(b, '}'))})
	s.list.Store(&list)
	return uint32(len(list))
}

// of returns the set of a number, and the member `seen` of a line that says it.
func (s *seenSets) of(number uint32) (line string, of *policy.KeySet) {
	list := s.list.Load()
	switch {
	case number == 0:
		return "", nil
	case list == nil || int(number) > len(*list):
		return `"seen":{}`, &policy.KeySet{}
	}
	set := &(*list)[number-1]
	return set.line, set.of
}
