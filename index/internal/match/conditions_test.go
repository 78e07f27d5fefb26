package match

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/lowered"
	"postern/internal/conditionkey"
	"postern/policy"
)

// A key is found by its folded text, whatever tags are equal: the keys here
// have the same length and the same end.
func TestContextKeysWithEqualTags(t *testing.T) {
	var r policy.Request
	for i := range 100 {
		key := "X:" + strconv.Itoa(100+i) + "/Same"
		r.Context = append(r.Context, policy.Attribute{Key: key, Values: []policy.Value{{Text: key}}})
	}
	var v View
	v.Begin(&r, "")
	for i := range r.Context {
		if tag := block.KeyTag(r.Context[i].Key); tag != block.KeyTag(r.Context[0].Key) {
			t.Fatalf("the tag of %s differs; choose other keys", r.Context[i].Key)
		}
		name := strings.ToLower(r.Context[i].Key)
		if list, _ := v.lookup(conditionkey.Caller, name, block.KeyTag(name), &v.values); len(list) != 1 || list[0].Text != r.Context[i].Key {
			t.Errorf("%s gives %v", name, list)
		}
	}
	if list, _ := v.lookup(conditionkey.Caller, "x:999/same", block.KeyTag("x:999/same"), &v.values); list != nil {
		t.Errorf("a key that is not stated gives %v", list)
	}
	// The next request has keys of its own.
	next := policy.Request{Context: []policy.Attribute{{Key: "y:100/Same", Values: []policy.Value{{Text: "y"}}}}}
	v.Begin(&next, "")
	if list, _ := v.lookup(conditionkey.Caller, "x:100/same", block.KeyTag("x:100/same"), &v.values); list != nil {
		t.Errorf("a key of the request before gives %v", list)
	}
}

// The clock's text follows the time.
func TestClockOfEachRequest(t *testing.T) {
	var v View
	for _, x := range []struct {
		now  int64
		want string
	}{{0, "1970-01-01T00:00:00Z"}, {1, "1970-01-01T00:00:01Z"}, {1, "1970-01-01T00:00:01Z"}, {0, "1970-01-01T00:00:00Z"}} {
		v.Begin(&policy.Request{Now: x.now}, "")
		if list, _ := v.lookup(conditionkey.CurrentTime, "aws:currenttime", block.KeyTag("aws:currenttime"), &v.values); len(list) != 1 || list[0].Text != x.want {
			t.Errorf("at %d it is %v", x.now, list)
		}
	}
}

// Reduced comparisons say what those say that they stand for.
func TestReducedComparisons(t *testing.T) {
	like := func(patterns ...string) (out []lowered.Value) {
		for _, text := range patterns {
			out = append(out, lowered.Value{Text: strings.NewReplacer("*", "\xff", "?", "\xfe", "$", "\xfd\x00\x00\x00", "|", glob.Separator).Replace(text)})
		}
		return out
	}
	texts := []string{
		"", "a", "ab", "abc", "b", "arn:aws:s3:::x", "arn:aws:s3:::x/y", "arn:aws:s3:::", "arn:aws:s3::x", "arn:aws:s3:r:a:x:y:z", "arn:aws:s3:r:ab:x", ":::::", "::::", "::::::",
	}
	p := &Variables{{Key: lowered.Key{Name: "v"}}}
	var v View
	v.Begin(&policy.Request{Context: []policy.Attribute{{Key: "V", Values: []policy.Value{{Text: "ab"}}}}}, "")
	for _, x := range []struct {
		compare lowered.Comparison
		values  []lowered.Value
		how     lowered.Comparison
	}{
		{lowered.CompareLike, like("a", "abc"), lowered.CompareText},
		{lowered.CompareLike, like("a*", "b*"), lowered.CompareBegins},
		{lowered.CompareLike, like("*"), lowered.CompareBegins},
		{lowered.CompareLike, like("a*", "b"), lowered.CompareLike},
		{lowered.CompareLike, like("a?*"), lowered.CompareLike},
		{lowered.CompareLike, like("a$*", "$"), lowered.CompareLike},
		{lowered.CompareArn, like("arn|aws|s3|||x", "arn|aws|s3|||y"), lowered.CompareText},
		{lowered.CompareArn, like("arn|aws|s3|||x*"), lowered.CompareBegins},
		{lowered.CompareArn, like("arn|aws|s3|r|a|x:y*"), lowered.CompareBegins},
		{lowered.CompareArn, like("arn|aws|s3|||?"), lowered.CompareLike},
		{lowered.CompareArn, like("arn|aws|s3|r|ab|$"), lowered.CompareLike},
		{lowered.CompareArn, like("arn|aws|s3|*||x*"), lowered.CompareArn},
		{lowered.CompareArn, like("arn|aws|s3|||x", "*|*|*|*|*|*"), lowered.CompareArn},
		{lowered.CompareArn, like("|||||"), lowered.CompareText},
		{lowered.CompareArn, like("|||||*"), lowered.CompareBegins},
	} {
		b := blockOf(&lowered.Statement{Conditions: []lowered.Condition{{Operator: lowered.Operator{Compare: x.compare}, Values: x.values}}})
		got := Condition{b.Conditions(b.Record(0)), p}
		if got.Next(); got.How != x.how {
			t.Errorf("%v of %v became %v, want %v", x.compare, x.values, got.How, x.how)
		}
		for _, text := range texts {
			isArn := strings.Count(text, ":") >= 5
			want := slices.ContainsFunc(x.values, func(value lowered.Value) bool {
				if x.compare == lowered.CompareArn {
					return isArn && p.isArn(value.Text, text, &v)
				}
				return p.match(value.Text, text, &v) == matches
			})
			found, ok := got.compare(text, &v)
			if found != want || ok != (x.compare != lowered.CompareArn || isArn) {
				t.Errorf("%v of %v and %q: %v, %v, want %v", x.compare, x.values, text, found, ok, want)
			}
		}
	}
}

// blockOf writes the block of one statement.
func blockOf(s *lowered.Statement) block.Block {
	var w block.Writer
	words, at := w.Write(nil, &block.Part{Statements: []block.Statement{w.Statement(s, s.Resources)}, Explained: true})
	return block.At(words, at)
}
