package block

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"postern/index/internal/glob"
	"postern/index/lowered"
	"postern/internal/action"
)

// String prints a block for people: the header, and the sieve's entry and the
// record of each statement. In programs it prints `*`, `?`, `|` between the
// parts of an ARN, and `${N}` for a variable. It leaves out the groups of a
// part of a name, which cannot be told from a part's Metas.
func (b Block) String() string {
	if b.IsNone() {
		return "no block\n"
	}
	p := printer{b: b}
	p.line("block %q: %d statements, %d of them Deny, key at %d, narrowed by %s", b.Name(), b.Count(), b.Denies(), b.KeyAt(), narrowing(b.Narrowing()))
	for first := 0; first < b.Count(); first += ChunkSize {
		a := b.Actions(first / ChunkSize)
		p.line("chunk %d: open %s", first/ChunkSize, set(a.Open(), first))
		for id := action.ID(0); int(id) < action.Count(); id++ {
			if covering := a.Covering(id); covering != 0 {
				p.line("  %s: %s", action.Name(id), set(covering, first))
			}
		}
	}
	for id := range b.Count() {
		p.statement(id)
	}
	return p.out.String()
}

func narrowing(n uint32) string {
	switch n {
	case ByWords:
		return "words"
	case ByNothing:
		return "nothing"
	}
	return "postings " + strconv.Itoa(int(n))
}

// set prints a set of the statements of a chunk whose first statement is first.
func set(s uint64, first int) string {
	list := []int{}
	for ; s != 0; s &= s - 1 {
		list = append(list, first+bits.TrailingZeros64(s))
	}
	return strings.Trim(fmt.Sprint(list), "[]")
}

type printer struct {
	b   Block
	out strings.Builder
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(&p.out, format+"\n", args...) }

func (p *printer) statement(id int) {
	b, r, e := p.b, p.b.Record(id), p.b.Sieve().Entry(id)
	effect := "Allow"
	if r.Deny() {
		effect = "Deny"
	}
	p.line("%d %s%s: names %08x, key %q", id, effect, words(r), e.Names(), keyText(e.Key()))
	who := b.Who(r)
	for i := range who.Exact {
		text, org := b.Identifier(who, i)
		p.line("  identifier %s%s", text, of(org))
	}
	for i := range who.Prefixes {
		text, org := b.NamePrefix(who, i)
		p.line("  prefix %s%s", text, of(org))
	}
	for i := range who.Organizations {
		p.line("  organization %s", b.Organization(who, i))
	}
	if r.HasPrograms() {
		list := b.Programs(r)
		for i := range list.Count {
			p.line("  unknown action %s", program(b.Program(list, i)))
		}
		if list.Not {
			p.line("  unknown actions are covered unless they match")
		}
	}
	what := b.What(r)
	for i := range what.Count() {
		kind := "program"
		switch {
		case i < what.Exact:
			kind = "exact"
		case i < what.Exact+what.Prefix:
			kind = "prefix"
		}
		p.line("  resource, %s: %s", kind, program(b.Pattern(what, i)))
	}
	c := b.Conditions(r)
	for range b.ConditionCount(r) {
		c.Next()
		name, _ := c.Key()
		values := make([]string, c.N)
		for i := range c.N {
			values[i] = c.value(i)
		}
		p.line("  condition %s%s, key %s: %s", c.How, c.Op, lowered.Key{Kind: c.Kind(), Name: name}, strings.Join(values, ", "))
	}
}

// words prints the flags of a record that have no entries of their own.
func words(r Record) (out string) {
	for _, x := range []struct {
		is   bool
		word string
	}{
		{r.Everyone(), " everyone"}, {r.NotPrincipal(), " NotPrincipal"}, {r.NotResource(), " NotResource"}, {r.Whole(), " whole organization"},
	} {
		if x.is {
			out += x.word
		}
	}
	return out
}

// keyText prints the bytes of a key.
func keyText(key uint32) string {
	return string([]byte{byte(key), byte(key >> 8), byte(key >> 16), byte(key >> 24)})
}

func of(org string) string {
	if org == "" {
		return ""
	}
	return " of " + org
}

// program prints a program.
func program(s string) string {
	var out strings.Builder
	for s != "" {
		n := glob.LiteralLen(s)
		out.WriteString(s[:n])
		if s = s[n:]; s == "" {
			break
		}
		if s[0] == glob.OpVariable {
			n, rest := glob.VariableNumber(s)
			fmt.Fprintf(&out, "${%d}", n)
			s = rest
			continue
		}
		out.WriteString(map[byte]string{glob.OpRun: "*", glob.OpOne: "?", glob.OpSeparator: "|"}[s[0]])
		s = s[1:]
	}
	return out.String()
}

// String prints the flags, each after a space.
func (f Flags) String() (out string) {
	for i, name := range []string{"negated", "IfExists", "ForAllValues", "ForAnyValue", "ARN", "variables"} {
		if f>>i&1 != 0 {
			out += " " + name
		}
	}
	return out
}

// value prints a value of a condition.
func (c *Condition) value(i uint32) string {
	if layouts[c.How.Values()].text {
		return strconv.Quote(program(c.Text(i)))
	}
	return c.Value(i)
}
