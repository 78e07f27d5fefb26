package iam

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"postern/index/internal/glob"
	"postern/index/lowered"
	"postern/policy"
)

// TestRows: a row holds the rules that cover its action, dense or Roaring, and
// next finds them in every span; an action without a row is tried by pattern.
func TestRows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 63, 64, 65, 200, 1000} {
		rules := make([]lowered.Rule, n)
		for i := range rules {
			for range r.IntN(3) {
				rules[i].Actions = append(rules[i].Actions, "x:"+strconv.Itoa(r.IntN(8)))
			}
			if r.IntN(10) == 0 {
				rules[i].Programs = []string{programOf([]string{"x:*", "x:?", "*:1", "y:*"}[r.IntN(4)])}
			}
		}
		for _, form := range []lowered.Form{lowered.FormAuto, lowered.FormRoaring, lowered.FormScan} {
			rows := newActionRows(rules, form)
			for _, action := range []string{"x:0", "X:1", "x:7", "x:9", "y:z", "z"} {
				var v Inquiry
				v.Request = &policy.Request{Action: action}
				row, known := rows.of(&v)
				for range 50 {
					from := r.IntN(n + 1)
					to := from + r.IntN(n+1-from)
					var got, want []int
					for id := row.next(uint32(from), uint32(to)); id < uint32(to); id = row.next(id+1, uint32(to)) {
						if known || covered(&rules[id], &v) {
							got = append(got, int(id))
						}
					}
					for id := from; id < to; id++ {
						if covered(&rules[id], &v) {
							want = append(want, id)
						}
					}
					if !slices.Equal(got, want) {
						t.Fatalf("%d rules, form %d, %s, %d to %d: %v, want %v", n, form, action, from, to, got, want)
					}
				}
			}
		}
	}
}

// covered tells directly whether a rule covers the action.
func covered(r *lowered.Rule, v *Inquiry) bool {
	name := v.ActionFolded()
	return slices.Contains(r.Actions, name) || slices.ContainsFunc(r.Programs, func(p string) bool { return glob.Match(p, name) })
}

// TestRowsForm: rows are words, but Roaring where words would be large.
func TestRowsForm(t *testing.T) {
	few := newActionRows([]lowered.Rule{{Actions: []string{"a"}}}, lowered.FormAuto)
	if few.rows[0].words == nil || few.rows[0].wide != nil {
		t.Error("one rule is not in words")
	}
	many := make([]lowered.Rule, 20_000)
	for i := range many {
		many[i].Actions = []string{"a" + strconv.Itoa(i)}
	}
	if rows := newActionRows(many, lowered.FormAuto); rows.rows[0].wide == nil || rows.other.wide == nil {
		t.Error("20,000 rows of 20,000 rules are in words")
	}
}
