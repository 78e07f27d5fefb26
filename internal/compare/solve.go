package compare

import (
	"slices"
	"time"

	"postern/policy"
)

// A solver looks for a request of a scenario that satisfies some statements and
// not others. It chooses content for each slot, looks for a statement that holds
// and should not, decides which of its tests is to fail, and goes on.
type solver struct {
	scenario *scenario
	listed   *wordTree
	// accept is asked about each request that seems to do; while it refuses, the
	// search goes on.
	accept func(*choice) bool

	budget *budget
	slots  map[string]*slot
	wishes map[string][]wish
	model  map[string]content
	fail   []item

	need    []item
	refused int
	// open: there may be a request all the same; doubts say why, of all that was
	// solved.
	open   bool
	doubts doubts
}

// A choice is content for each slot that matters, in a scenario.
type choice struct {
	*scenario
	model map[string]content
}

// doubts are reasons for which a question stays open, each once.
type doubts []string

func (d *doubts) add(reason string) {
	if reason != "" && !slices.Contains(*d, reason) {
		*d = append(*d, reason)
	}
}

// budget bounds the work of one question.
type budget struct {
	branches int
	end      time.Time
}

const (
	maxBranches = 100_000
	maxTime     = 2 * time.Second
	maxRefused  = 40
)

func newBudget() *budget { return &budget{branches: maxBranches, end: time.Now().Add(maxTime)} }

// spend reports that there is something left, and takes a branch of it.
func (b *budget) spend() bool {
	if b.over() {
		return false
	}
	b.branches--
	return true
}

// over reports that nothing is left.
func (b *budget) over() bool {
	if b.branches > 0 && time.Now().After(b.end) {
		b.branches = 0
	}
	return b.branches <= 0
}

// solve looks for a request that satisfies all of need, one of each list of
// choices, and none of fail. It returns foundNothing only if there is none.
func (s *solver) solve(need []item, choices [][]item, fail []item) found {
	s.slots, s.wishes, s.model = map[string]*slot{}, map[string][]wish{}, map[string]content{}
	s.need, s.fail, s.refused, s.open = nil, nil, 0, false
	for _, it := range fail {
		if it.never {
			continue
		}
		if len(it.atoms) == 0 && it.doubt == "" {
			return foundNothing
		}
		s.fail = append(s.fail, it)
	}
	for _, it := range need {
		if it.never || !s.take(it) {
			return s.failed()
		}
	}
	// The fewer there are to choose from, the sooner.
	slices.SortStableFunc(choices, func(a, b []item) int { return len(a) - len(b) })
	if s.choose(choices) {
		return foundText
	}
	return s.failed()
}

// take adds what is needed for a statement to hold; false if that cannot be,
// and then wishes are left in disorder.
func (s *solver) take(it item) bool {
	s.need = append(s.need, it)
	for _, a := range it.atoms {
		if !s.wish(wish{a, true}) {
			return false
		}
	}
	return true
}

// choose takes one of each list of choices, and goes on to refine.
func (s *solver) choose(choices [][]item) bool {
	if len(choices) == 0 {
		return s.refine()
	}
	// A statement that holds already holds for another action at hand, too.
	for _, it := range choices[0] {
		if slices.ContainsFunc(s.need, func(n item) bool { return n.clause == it.clause }) {
			return s.choose(choices[1:])
		}
	}
	for _, it := range choices[0] {
		if !s.budget.spend() {
			s.leave(doubtWork)
			return false
		}
		before := s.save(it.atoms)
		if s.take(it) && s.choose(choices[1:]) {
			return true
		}
		s.need = s.need[:len(s.need)-1]
		s.restore(before)
	}
	return false
}

// saved is what a slot was before wishes were added.
type saved struct {
	name   string
	wishes []wish
	model  content
	had    bool
}

func (s *solver) save(atoms []*atom) []saved {
	out := make([]saved, 0, len(atoms))
	for _, a := range atoms {
		m, had := s.model[a.slot]
		out = append(out, saved{a.slot, s.wishes[a.slot], m, had})
	}
	return out
}

func (s *solver) restore(list []saved) {
	for _, b := range list {
		s.wishes[b.name] = b.wishes
		if b.had {
			s.model[b.name] = b.model
		} else {
			delete(s.model, b.name)
		}
	}
}

// failed is what a search that found nothing came to.
func (s *solver) failed() found {
	if s.open {
		return foundLimit
	}
	return foundNothing
}

// leave notes that there may be a request all the same.
func (s *solver) leave(reason string) {
	s.open = true
	s.doubts.add(reason)
}

// refuse notes that a request that seemed to do was refused.
func (s *solver) refuse() {
	s.refused++
	s.open = true
	n := len(s.doubts)
	for _, list := range [][]item{s.need, s.fail} {
		for _, it := range list {
			s.doubts.add(it.doubt)
			if slices.ContainsFunc(it.atoms, func(a *atom) bool { return a.inexact }) {
				s.doubts.add(doubtVariables)
			}
		}
	}
	if len(s.doubts) == 0 && n == 0 {
		s.doubts.add(doubtEngine)
	}
}

// wish adds a wish and fills its slot anew; false if that cannot be.
func (s *solver) wish(w wish) bool {
	name := w.atom.slot
	content, f := s.slot(name).fill(append(s.wishes[name][:len(s.wishes[name]):len(s.wishes[name])], w))
	if f != foundText {
		if f == foundLimit {
			s.leave(doubtText)
		}
		return false
	}
	s.wishes[name] = append(s.wishes[name][:len(s.wishes[name]):len(s.wishes[name])], w)
	s.model[name] = content
	return true
}

func (s *solver) slot(name string) *slot {
	if s.slots[name] == nil {
		s.slots[name] = s.scenario.slotFor(name, s.listed)
	}
	return s.slots[name]
}

// content is what is chosen for a slot, whether it was wished for or not.
func (s *solver) content(name string) (content, bool) {
	if c, ok := s.model[name]; ok {
		return c, true
	}
	c, f := s.slot(name).fill(nil)
	if f != foundText {
		if f == foundLimit {
			s.leave(doubtText)
		}
		return c, false
	}
	s.model[name] = c
	return c, true
}

// refine makes the statements fail that should, one after the other. It leaves
// wishes and model as they were if it returns false.
func (s *solver) refine() bool {
	if !s.budget.spend() || s.refused >= maxRefused {
		if s.refused < maxRefused {
			s.leave(doubtWork)
		}
		return false
	}
	broken, doubted := -1, -1
	for i := 0; i < len(s.fail) && broken < 0; i++ {
		switch holds, certain := s.holds(&s.fail[i]); {
		case !holds:
		case certain:
			broken = i
		case doubted < 0:
			doubted = i
		}
	}
	if broken < 0 {
		for _, name := range []string{idsSlot, resourceSlot} {
			if _, ok := s.content(name); !ok {
				return false
			}
		}
		if s.scenario.action.name == "" {
			if _, ok := s.content(actionSlot); !ok {
				return false
			}
		}
		for key := range s.scenario.fixed {
			if _, ok := s.content(keySlot + key); !ok {
				return false
			}
		}
		if s.accept(&choice{s.scenario, s.model}) {
			return true
		}
		s.refuse()
		if doubted < 0 {
			return false
		}
		broken = doubted // it may be what refused: let a test fail that is understood
	}
	// Of a statement that may hold because of a variable, tests that are understood
	// have to fail; of one that holds for certain, any.
	atoms := slices.DeleteFunc(slices.Clone(s.fail[broken].atoms), func(a *atom) bool {
		return broken == doubted && a.inexact || wish{a, false}.open()
	})
	if len(atoms) == 0 && len(s.fail[broken].atoms) > 0 {
		s.leave(doubtVariables)
	}
	before := s.save(atoms)
	for _, a := range atoms {
		at := s.save([]*atom{a})
		if s.wish(wish{a, false}) {
			if s.refine() {
				return true
			}
			s.restore(at)
		}
		// In what is left to try this test holds.
		if !s.wish(wish{a, true}) {
			break
		}
	}
	s.restore(before)
	return false
}

// holds reports that all tests of a statement hold in the model, and whether
// that is certain.
func (s *solver) holds(it *item) (holds, certain bool) {
	certain = it.doubt == ""
	for _, a := range it.atoms {
		c, ok := s.content(a.slot)
		if !ok {
			return true, true
		}
		negated := a.operator.Test.Negated()
		says := a.holds(c)
		switch {
		case !a.inexact:
			if !says {
				return false, true
			}
		case says && !negated, !says && negated:
			certain = false // the globs match, and the patterns may
		case !says:
			return false, true
		case negated && a.effect == policy.EffectAllow:
			certain = false
		}
	}
	return true, certain
}
