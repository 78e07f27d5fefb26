package compare

import (
	"math"
	"net/netip"
	"slices"
	"strconv"

	"postern/internal/value"
	"postern/policy"
)

// A slot is a part of a request whose content can be chosen without regard to
// the others.
type slot struct {
	// domain is what each text has to meet.
	domain []demand
	// avoid are texts that cannot be chosen; with prefixes, no text that begins
	// with one either.
	avoid *wordTree
	// single: one text exactly. Otherwise there may be several, and none where
	// absent allows it.
	single, absent bool
	// object: the content may be an object.
	object bool
	// prefer are texts to try first.
	prefer []string
}

// A wish is that an atom says something.
type wish struct {
	atom *atom
	want bool
}

// fits reports that some content grants every wish.
func fits(wishes []wish, c content) bool {
	return !slices.ContainsFunc(wishes, func(w wish) bool { return w.atom.holds(c) != w.want })
}

// open reports that nothing is known of what grants the wish: a variable may
// stand for nothing that matches, and where it has no value a negated test of an
// Allow fails.
func (w wish) open() bool {
	a := w.atom
	negated := a.operator.Test.Negated()
	return a.inexact && (w.want == negated || negated && a.effect == policy.EffectAllow)
}

// fill finds content that grants every wish. Of an inexact atom no more is asked
// than its globs tell, so that what is found may not do, and where nothing is
// found there is nothing.
func (s *slot) fill(wishes []wish) (content, found) {
	wishes = slices.DeleteFunc(slices.Clone(wishes), wish.open)
	if s.absent && fits(wishes, content{}) {
		return content{}, foundText
	}
	if object := (content{object: true}); slices.ContainsFunc(wishes, func(w wish) bool {
		return w.atom.operator.Test == policy.Null && w.atom.holds(content{texts: []string{"x"}}) != w.want
	}) {
		if s.object && fits(wishes, object) {
			return object, foundText
		}
		return content{}, foundNothing
	}
	for _, text := range s.prefer {
		if c := (content{texts: []string{text}}); s.allows(text) && fits(wishes, c) {
			return c, foundText
		}
	}
	if sure, some := certain(wishes); some {
		if c, f := s.compose(sure); f == foundText {
			return c, f
		}
	}
	texts, others := false, false
	for _, w := range wishes {
		if w.atom.operator.Test != policy.Null {
			texts = texts || w.atom.textual()
			others = others || !w.atom.textual()
		}
	}
	c, f := content{}, foundNothing
	if others {
		c, f = s.choose(wishes)
		if f == foundNothing && texts {
			f = foundLimit // texts between those that were tried
		}
	} else {
		c, f = s.compose(wishes)
	}
	if f != foundText && s.object && fits(wishes, content{object: true}) {
		return content{object: true}, foundText
	}
	return c, f
}

// certain are wishes of which the inexact ones are granted for certain: a text
// has to match a pattern without variables. some is false if none is inexact, or
// a family matches no texts.
func certain(wishes []wish) (out []wish, some bool) {
	for _, w := range wishes {
		if w.atom.operator.Test != policy.Null && !w.atom.textual() {
			return nil, false
		}
		if w.atom.inexact {
			sure := *w.atom
			sure.globs, sure.inexact, some = sure.exact, false, true
			w.atom = &sure
		}
		out = append(out, w)
	}
	return out, some
}

func (s *slot) allows(text string) bool {
	for _, d := range s.domain {
		if slices.ContainsFunc(d.globs, func(g glob) bool { return g.matches(text) }) == d.none {
			return false
		}
	}
	at := s.avoid.root()
	for _, c := range text {
		if s.avoid.closed(at, c) {
			return false
		}
		at = s.avoid.step(at, c)
	}
	return !s.avoid.ends(at)
}

// compose makes texts for wishes about texts alone: some demands every text has
// to meet, others one of them.
func (s *slot) compose(wishes []wish) (content, found) {
	c, limited := content{}, false
	try := func(readable, filled bool) bool {
		every := slices.Clone(s.domain)
		if filled {
			every = append(every, noneOf(literalGlob("")))
		}
		var some []demand
		arn := false
		for _, w := range wishes {
			a := w.atom
			if a.operator.Test == policy.Null {
				continue
			}
			if a.operator.Test.Family() == policy.FamilyArn {
				arn = true
				if !readable && a.unreadable() != w.want {
					return false
				}
				if !readable {
					continue
				}
			}
			// That not every text holds is that one does not, and the reverse.
			d := demand{a.globs, a.operator.Test.Negated() == w.want}
			if a.every() == w.want {
				every = append(every, d)
			} else {
				some = append(some, d)
			}
		}
		if !readable && !arn {
			return false
		}
		if readable && arn {
			every = append(every, oneOf(anArn))
		}
		if !readable {
			some = append(some, noneOf(anArn))
		}
		// One text that meets all of it is the plainest.
		look := search{avoid: s.avoid}
		for _, list := range s.splits(some) {
			c = content{}
			for _, d := range list {
				text, f := look.text(append(slices.Clone(every), d...))
				if f != foundText {
					limited = limited || f == foundLimit
					c.texts = nil
					break
				}
				if !slices.Contains(c.texts, text) {
					c.texts = append(c.texts, text)
				}
			}
			if c.texts != nil {
				if fits(wishes, c) {
					return true
				}
				limited = true // an empty text, or the like, says something else than it meets
			}
		}
		return false
	}
	// A lone empty text is like none to some operators.
	lone := content{texts: []string{""}}
	if s.allows("") && fits(wishes, lone) {
		return lone, foundText
	}
	if try(true, true) || try(false, true) {
		return c, foundText
	}
	if s.allows("") && (try(true, false) || try(false, false)) {
		return c, foundText
	}
	if limited {
		return content{}, foundLimit
	}
	return content{}, foundNothing
}

// splits lists the ways in which demands that one text each has to meet are
// spread over texts: all on one, and each on its own.
func (s *slot) splits(some []demand) [][][]demand {
	out := [][][]demand{{some}}
	if !s.single && len(some) > 1 {
		var each [][]demand
		for _, d := range some {
			each = append(each, []demand{d})
		}
		out = append(out, each)
	}
	return out
}

// choose finds texts among those that the policies' values tell apart: the
// values, what lies between and beside them, and what cannot be read.
func (s *slot) choose(wishes []wish) (content, found) {
	texts := slices.DeleteFunc(candidates(wishes), func(t string) bool { return !s.allows(t) })
	for _, t := range texts {
		if c := (content{texts: []string{t}}); fits(wishes, c) {
			return c, foundText
		}
	}
	if s.single {
		return content{}, foundNothing
	}
	// Several: each has to meet what every text has to, and what one has to is
	// met by one of them. Where one of them cannot be read all is unreadable, as
	// it is with that one alone.
	granted := func(w wish, text string) bool {
		holds, readable := w.atom.holdsFor(text)
		return readable && holds == w.want
	}
	var c content
	for _, w := range wishes {
		if w.atom.operator.Test == policy.Null || w.atom.every() == w.want {
			continue
		}
		i := slices.IndexFunc(texts, func(text string) bool {
			return granted(w, text) && !slices.ContainsFunc(wishes, func(v wish) bool {
				return v.atom.operator.Test != policy.Null && v.atom.every() == v.want && !granted(v, text)
			})
		})
		if i < 0 {
			return content{}, foundNothing
		}
		if !slices.Contains(c.texts, texts[i]) {
			c.texts = append(c.texts, texts[i])
		}
	}
	if len(c.texts) > 0 && fits(wishes, c) {
		return c, foundText
	}
	return content{}, foundNothing
}

// candidates are texts in all places that the values of wishes tell apart.
func candidates(wishes []wish) []string {
	var out []string
	add := func(texts ...string) {
		for _, t := range texts {
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	var numbers []float64
	var instants []value.Instant
	for _, w := range wishes {
		a := w.atom
		for _, v := range a.values {
			switch a.operator.Test.Family() {
			case policy.FamilyNumeric:
				if n, ok := value.Number(v); ok {
					numbers = append(numbers, n)
				}
			case policy.FamilyDate:
				if t, ok := value.Date(v); ok {
					instants = append(instants, t)
				}
			case policy.FamilyBool:
				add("true", "false")
			case policy.FamilyBinary:
				add(v, "", "eA==", "eQ==", "eHg=")
			case policy.FamilyIP:
				if p, _, ok := value.Prefix(v); ok {
					add(edges(p)...)
				}
				add("192.0.2.1", "2001:db8::1", "198.51.100.7", "2001:db8:1::7")
			case policy.FamilyString, policy.FamilyArn:
				add(v)
			}
		}
		for _, g := range a.globs {
			if text, f := (search{maxStates: 5000}).text([]demand{oneOf(g)}); f == foundText {
				add(text)
			}
		}
	}
	add(between(numbers)...)
	add(betweenInstants(instants)...)
	add("x", "")
	return out
}

// edges are the first and last address of a range, and those beside it.
func edges(p netip.Prefix) []string {
	first := p.Masked().Addr()
	bytes := first.AsSlice()
	for i := p.Bits(); i < len(bytes)*8; i++ {
		bytes[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	out := []string{first.String(), last.String()}
	for _, a := range []netip.Addr{first.Prev(), last.Next()} {
		if a.IsValid() {
			out = append(out, a.String())
		}
	}
	return out
}

// between are the given numbers, one between each two of them, and one below and
// above them all.
func between(numbers []float64) []string {
	slices.Sort(numbers)
	var out []string
	add := func(f float64) { out = append(out, strconv.FormatFloat(f, 'g', -1, 64)) }
	for i, n := range numbers {
		add(n)
		if i == 0 {
			continue
		}
		if before := numbers[i-1]; math.Floor(before)+1 < n {
			add(math.Floor(before) + 1)
		} else if m := before + (n-before)/2; m > before && m < n {
			add(m)
		}
	}
	if len(numbers) > 0 {
		first, last := numbers[0], numbers[len(numbers)-1]
		below, above := first-1, last+1
		if below == first {
			below = math.Nextafter(first, math.Inf(-1))
		}
		if above == last {
			above = math.Nextafter(last, math.Inf(1))
		}
		for _, f := range []float64{below, above} {
			if !math.IsInf(f, 0) {
				add(f)
			}
		}
	}
	return out
}

// betweenInstants is between of points of time.
func betweenInstants(instants []value.Instant) []string {
	var out []string
	add := func(t value.Instant) {
		text := string(value.AppendTime(nil, t.Seconds))
		if t.Seconds < 0 || len(text) != len("2006-01-02T15:04:05Z") {
			if t.Seconds < 0 || t.Nanos != 0 {
				return
			}
			text = strconv.FormatInt(t.Seconds, 10)
		} else if t.Nanos != 0 {
			fraction := strconv.Itoa(1_000_000_000 + int(t.Nanos))[1:]
			text = text[:len(text)-1] + "." + fraction + "Z"
		}
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	slices.SortFunc(instants, value.Instant.Compare)
	for _, t := range instants {
		add(t)
		add(value.Instant{Seconds: t.Seconds - 1})
		add(value.Instant{Seconds: t.Seconds + 1})
		if t.Nanos > 0 {
			add(value.Instant{Seconds: t.Seconds})
			add(value.Instant{Seconds: t.Seconds, Nanos: t.Nanos - 1})
		}
		if t.Nanos < 999_999_999 {
			add(value.Instant{Seconds: t.Seconds, Nanos: t.Nanos + 1})
		}
	}
	return out
}
