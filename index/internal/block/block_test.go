package block

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"postern/index/internal/glob"
	"postern/index/lowered"
	"postern/internal/action"
	"postern/internal/conditionkey"
	"postern/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

// write writes a block behind other words of an arena.
func write(name string, narrowing uint32, explained bool, list ...*lowered.Statement) Block {
	var w Writer
	var statements []Statement
	for _, s := range list {
		statements = append(statements, w.Statement(s, s.Resources))
	}
	p := &Part{Name: name, Statements: statements, Explained: explained, Narrowing: narrowing}
	words, at := w.Write(make([]uint32, 7), p)
	return At(words, at)
}

func known(names ...string) (bits lowered.ActionBits) {
	for _, name := range names {
		id, ok := action.Lookup(name)
		if !ok {
			panic(name)
		}
		bits.Add(id)
	}
	return bits
}

// goldenBlocks are blocks with one of everything.
func goldenBlocks() map[string]Block {
	everyone, one := lowered.Principals{Everyone: true}, lowered.Principals{Exact: []lowered.Name{{Org: "o1", Text: "role/a"}}}
	get := lowered.Actions{Known: known("s3:GetObject")}
	simple := write("b", ByWords, true, &lowered.Statement{Name: "read", Principals: one, Actions: get, Resources: []string{"b/x/" + glob.Every}})
	principals := write("", ByNothing, true,
		&lowered.Statement{Deny: true, Principals: lowered.Principals{Not: true, Exact: []lowered.Name{{Text: "saml/b"}, {Text: "saml/a"}, {Text: "saml/a"}},
			Prefix: []lowered.Name{{Text: "role/x/"}, {Text: "role/"}, {Text: "cert/"}}}, Actions: get, Resources: []string{glob.Every}, NotResource: true},
		&lowered.Statement{Principals: lowered.Principals{Organizations: []string{"o2", "o3"}, Prefix: []lowered.Name{{Org: "o1", Text: "role/"}}},
			Actions: lowered.Actions{Known: known("s3:GetObject", "s3:PutObject"), Programs: []string{"s3:new" + glob.Every}}, Resources: []string{glob.Every}, WholeOrganization: true},
		&lowered.Statement{Principals: everyone, Actions: lowered.Actions{Not: true, Programs: []string{"s3:old"}}, Resources: []string{"b", "a", "c/" + glob.Every, "c/d" + glob.Every, "c\xfe/\xfd\x00\x00\x01"}},
	)
	condition := func(compare lowered.Comparison, test policy.Test, values ...lowered.Value) lowered.Condition {
		return lowered.Condition{Operator: lowered.Operator{Compare: compare, Test: test}, Key: lowered.Key{Name: "s3:x"}, Values: values}
	}
	text := func(s string) lowered.Value { return lowered.Value{Text: s} }
	all := &lowered.Statement{Principals: everyone, Actions: get, Resources: []string{"b/k"}, Conditions: []lowered.Condition{
		condition(lowered.CompareText, policy.StringEquals, text("a"), text("\xfd\x00\x00\x02")),
		condition(lowered.CompareTextFold, policy.StringEqualsIgnoreCase, text("A")),
		condition(lowered.CompareLike, policy.StringLike, text("a\xfe*"), text("b")),
		condition(lowered.CompareLike, policy.StringLike, text("a"), text("b")),
		condition(lowered.CompareLike, policy.StringLike, text("a"+glob.Every), text("b"+glob.Every)),
		condition(lowered.CompareArn, policy.ArnLike, text("arn\xfcaws\xfc"+glob.Every+"\xfc\xfc\xfcx")),
		condition(lowered.CompareArn, policy.ArnLike, text("arn\xfcaws\xfcs3\xfc\xfc\xfcx")),
		condition(lowered.CompareNumberLess, policy.NumericLessThan, lowered.Value{A: math.Float64bits(2.5)}, lowered.Value{A: math.Float64bits(-1e300)}),
		condition(lowered.CompareDateGreater, policy.DateGreaterThan, lowered.Value{A: 1700000000, B: 5}),
		condition(lowered.CompareBool, policy.Bool, lowered.Value{A: 1}, lowered.Value{}),
		condition(lowered.CompareBinary, policy.BinaryEquals, text("YQ==")),
		condition(lowered.CompareIP, policy.IPAddress, lowered.Value{B: 0xffff_0a00_0000, Bits: 8, Is4: true}, lowered.Value{A: 0x20010db8_00000000, Bits: 32}),
		condition(lowered.CompareNull, policy.Null, lowered.Value{A: 1}),
	}}
	all.Conditions[0].Operator.Negated, all.Conditions[2].Operator.IfExists = true, true
	all.Conditions[7].Operator.ForAll, all.Conditions[8].Operator.ForAny = true, true
	conditions := write("b", 1, true, all)
	var many []*lowered.Statement
	for i := range 70 {
		many = append(many, &lowered.Statement{Principals: everyone, Actions: lowered.Actions{Known: known([]string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}[i%3])}, Resources: []string{fmt.Sprintf("b/%03d", i)}})
	}
	chunks := write("b", ByWords, true, many...)
	return map[string]Block{"none": {}, "simple": simple, "principals": principals, "conditions": conditions, "chunks": chunks}
}

// TestGolden holds what blocks print to the golden files.
func TestGolden(t *testing.T) {
	for name, b := range goldenBlocks() {
		file, got := filepath.Join("testdata", name+".golden"), b.String()
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil || got != string(want) {
			t.Errorf("%s prints (%v; -update writes it anew):\n%s", name, err, got)
		}
	}
}

// read makes a statement of what a block has of one.
func read(b Block, id int) lowered.Statement {
	r := b.Record(id)
	m := b.Meta(id)
	s := lowered.Statement{
		Deny: r.Deny(), Document: int(m.Document), Index: int(m.Index), Line: int(m.Line), Name: b.StatementName(&m),
		NotResource: r.NotResource(), WholeOrganization: r.Whole(),
	}
	s.Principals.Everyone, s.Principals.Not = r.Everyone(), r.NotPrincipal()
	who := b.Who(r)
	for i := range who.Exact {
		text, org := b.Identifier(who, i)
		s.Principals.Exact = append(s.Principals.Exact, lowered.Name{Org: org, Text: text})
	}
	for i := range who.Prefixes {
		text, org := b.NamePrefix(who, i)
		s.Principals.Prefix = append(s.Principals.Prefix, lowered.Name{Org: org, Text: text})
	}
	for i := range who.Organizations {
		s.Principals.Organizations = append(s.Principals.Organizations, b.Organization(who, i))
	}
	for id2 := action.ID(0); int(id2) < action.Count(); id2++ {
		if b.Covers(id, id2) {
			s.Actions.Known.Add(id2)
		}
	}
	if r.HasPrograms() {
		list := b.Programs(r)
		s.Actions.Not = list.Not
		for i := range list.Count {
			s.Actions.Programs = append(s.Actions.Programs, b.Program(list, i))
		}
	}
	what := b.What(r)
	for i := range what.Count() {
		text := b.Pattern(what, i)
		if i >= what.Exact && i < what.Exact+what.Prefix {
			text += glob.Every
		}
		s.Resources = append(s.Resources, text)
	}
	c := b.Conditions(r)
	for range b.ConditionCount(r) {
		c.Next()
		name, tag := c.Key()
		if tag != KeyTag(name) {
			panic("a key with another tag")
		}
		out := lowered.Condition{Key: lowered.Key{Kind: c.Kind(), Name: name}, Operator: lowered.Operator{
			Compare: c.How, Test: c.Test(), Negated: c.Op&Negated != 0, IfExists: c.Op&IfExists != 0, ForAll: c.Op&ForAll != 0, ForAny: c.Op&ForAny != 0,
		}}
		for i := range c.N {
			out.Values = append(out.Values, readValue(&c, i))
		}
		s.Conditions = append(s.Conditions, out)
	}
	return s
}

func readValue(c *Condition, i uint32) (v lowered.Value) {
	switch c.How.Values() {
	case lowered.ValueText, lowered.ValuePattern, lowered.ValueArn, lowered.ValueBytes:
		v.Text = c.Text(i)
	case lowered.ValueBool:
		if c.Bool(i) {
			v.A = 1
		}
	case lowered.ValueRange:
		high, low, bits, is4 := c.Range(i)
		v = lowered.Value{A: high, B: low, Bits: uint8(bits), Is4: is4}
	case lowered.ValueDate:
		seconds, nanos := c.Instant(i)
		v.A, v.B = uint64(seconds), uint64(nanos)
	case lowered.ValueNumber:
		v.A = c.Bits(i)
	default:
		panic("a comparison without values")
	}
	return v
}

// random makes a statement whose lists are in the order in which a block has
// them, so that it can be compared with what is read.
func random(r *rand.Rand, i int) *lowered.Statement {
	text := func(letters string) string {
		out := make([]byte, r.IntN(9))
		for k := range out {
			out[k] = letters[r.IntN(len(letters))]
		}
		return string(out)
	}
	maybe := func(n int) bool { return r.IntN(n) == 0 }
	s := &lowered.Statement{
		Document: r.IntN(9) << r.IntN(20), Index: i, Line: r.IntN(99) << r.IntN(24), Name: text("abc"), NotResource: maybe(5), WholeOrganization: maybe(5),
	}
	s.Principals.Everyone, s.Principals.Not = maybe(6), maybe(6)
	org := []string{"", "o1", "o2"}[r.IntN(3)]
	count := func() int { // a few have more than a byte counts
		if maybe(40) {
			return 250 + r.IntN(12)
		}
		return r.IntN(4)
	}
	names := map[lowered.Name]bool{}
	for k := range count() {
		names[lowered.Name{Org: org, Text: fmt.Sprint("role/", text("xy"), k)}] = true
	}
	for n := range names {
		s.Principals.Exact = append(s.Principals.Exact, n)
	}
	slices.SortFunc(s.Principals.Exact, func(a, b lowered.Name) int {
		if c := int64(Hash(a.Text)) - int64(Hash(b.Text)); c != 0 {
			return int(c)
		}
		return strings.Compare(a.Text, b.Text)
	})
	for k := range count() {
		s.Principals.Prefix = append(s.Principals.Prefix, lowered.Name{Org: org, Text: fmt.Sprintf("saml/%03d", k)})
	}
	for k := range count() {
		s.Principals.Organizations = append(s.Principals.Organizations, fmt.Sprint("o", k, text("z")))
	}
	for range r.IntN(6) {
		s.Actions.Known.Add(action.ID(r.IntN(action.Count())))
	}
	s.Actions.Not = maybe(5)
	for range r.IntN(3) {
		s.Actions.Programs = append(s.Actions.Programs, "s3:"+text("ab\xff\xfe"))
	}
	for k := range count() {
		s.Resources = append(s.Resources, fmt.Sprintf("b/%03d", k))
	}
	for k := range count() {
		s.Resources = append(s.Resources, fmt.Sprintf("c/%03d", k)+glob.Every)
	}
	for k := range count() {
		s.Resources = append(s.Resources, fmt.Sprint("d\xfe", text("xy\xff"), k))
	}
	for how := lowered.CompareNone + 1; how < lowered.ComparisonCount; how++ { // in order of rank, below
		if !maybe(6) {
			continue
		}
		c := lowered.Condition{Key: lowered.Key{Kind: conditionkey.Kind(r.IntN(int(conditionkey.Resource) + 1)), Name: text("kK:")}}
		c.Operator = lowered.Operator{Compare: how, Test: policy.Test(r.IntN(int(policy.Null) + 1)), Negated: maybe(4), IfExists: maybe(4), ForAll: maybe(4), ForAny: maybe(4)}
		for range 1 + r.IntN(3) {
			v := lowered.Value{}
			switch how.Values() {
			case lowered.ValuePattern: // which nothing reduces
				v.Text = "\xfe" + text("ab\xff")
			case lowered.ValueArn:
				v.Text = "\xff\xfc\xfc\xfc\xfc\xfc" + text("ab")
			case lowered.ValueText, lowered.ValueBytes:
				v.Text = text("ab")
			case lowered.ValueBool:
				v.A = uint64(r.IntN(2))
			case lowered.ValueRange:
				v = lowered.Value{A: r.Uint64(), B: r.Uint64(), Bits: uint8(r.IntN(129)), Is4: maybe(2)}
			case lowered.ValueDate:
				v.A, v.B = uint64(int64(r.Uint64())), uint64(r.IntN(1e9))
			default:
				v.A = r.Uint64()
			}
			c.Values = append(c.Values, v)
		}
		s.Conditions = append(s.Conditions, c)
	}
	slices.SortStableFunc(s.Conditions, func(a, b lowered.Condition) int { return rank(&a.Operator) - rank(&b.Operator) })
	return s
}

// TestRoundTrip: what is read of a block is what was written, and the sieve lets
// pass what the statement lists and names.
func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	long := 0
	for range 300 {
		n := r.IntN(5)
		if r.IntN(10) == 0 {
			n = 60 + r.IntN(80)
		}
		denies := r.IntN(n + 1)
		var list []*lowered.Statement
		for i := range n {
			s := random(r, i)
			s.Deny = i < denies
			list = append(list, s)
		}
		name := strings.Repeat("n", r.IntN(9))
		b := write(name, ByWords, true, list...)
		if b.Name() != name || b.Count() != n || b.Denies() != denies || b.Narrowing() != ByWords {
			t.Fatalf("the head of %d statements reads:\n%s", n, b)
		}
		for i, want := range list {
			if got := read(b, i); !reflect.DeepEqual(got, *want) {
				t.Fatalf("statement %d of %d reads\n%#v, wrote\n%#v", i, n, got, *want)
			}
			if b.Record(i).is(flagLong) {
				long++
			}
			who := b.Who(b.Record(i))
			for _, x := range want.Principals.Exact {
				c := &Caller{Org: x.Org, IDs: []string{"a/b", x.Text}, Hashes: []uint32{Hash("a/b"), Hash(x.Text)}}
				if c.Org == "" {
					c.Org = "any"
				}
				if e := b.Sieve().Entry(i); !b.ListsName(who, c) || e.Names()&(NameBit(Hash(x.Text))|AnyCaller) == 0 {
					t.Fatalf("statement %d does not list %v", i, x)
				}
				if c.Org = "other"; x.Org != "" && b.ListsName(who, c) {
					t.Fatalf("statement %d lists %v of another organization", i, x)
				}
			}
		}
	}
	if long < 20 {
		t.Errorf("only %d records with long counts", long)
	}
}

// TestGroups: of a part of a name, each statement that may hold stands in the
// first group, or the table finds it by a trait of the text.
func TestGroups(t *testing.T) {
	var w Writer
	var list []Statement
	for i := range 700 {
		resource := fmt.Sprintf("b/team-%03d/", i%350) + glob.Every
		if i%7 == 0 {
			resource = "b/" + glob.Every + fmt.Sprintf("/%03d/", i) + glob.Every
		}
		if i%50 == 0 {
			resource = glob.Every // which has no trait
		}
		s := &lowered.Statement{Deny: i < 300, Resources: []string{resource}}
		list = append(list, w.Statement(s, s.Resources))
	}
	list, traits := WithTraits(list, 100)
	words, at := w.Write(nil, &Part{Statements: list, Traits: traits})
	b := At(words, at)
	deny, allow, ok := b.Groups()
	if !ok || !deny.HasTable() || !allow.HasTable() || deny.End() == 0 || allow.End() == b.Denies() {
		t.Fatalf("there are not two groups of each effect: Deny to %d, Allow to %d", deny.End(), allow.End())
	}
	found, passed := 0, 0
	for team := range 350 {
		text := fmt.Sprintf("b/team-%03d/%03d/x", team, team*2)
		for effect, g := range []Group{deny, allow} {
			first, end := 0, b.Denies()
			if effect == 1 {
				first, end = b.Denies(), b.Count()
			}
			in := map[int]bool{}
			table := b.Table(g)
			var x TextTraits
			for _, trait := range x.WithPrefixes(text, g.Lengths()) {
				for id, to := table.Find(trait); id < to; id++ {
					in[id] = true
				}
			}
			for id := first; id < end; id++ {
				if !glob.Match(list[id].Patterns[0], text) {
					if id >= g.End() && !in[id] {
						passed++
					}
					continue
				}
				if found++; id >= g.End() && !in[id] {
					t.Fatalf("%s: statement %d, %q, is in no group", text, id, program(list[id].Patterns[0]))
				}
			}
		}
	}
	if found < 1000 || passed < 10*found {
		t.Errorf("%d statements match and %d were passed over: too few to mean anything", found, passed)
	}
	plain := write("b", ByWords, false, list[0].From)
	if _, _, ok := plain.Groups(); ok {
		t.Error("a part without traits has groups")
	}
}
