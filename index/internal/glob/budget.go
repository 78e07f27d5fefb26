package glob

// Budget is what a decision may cost, in steps (specification 1.6). A request
// whose decision costs more is denied with policy.TooCostly. A step compares a
// word of a pattern, 64 bytes, with a byte of a text, and takes a nanosecond or
// a little more.
//
// A test of a pattern spends all of its steps, with the values of variables
// counted as bytes of the pattern, unless the ends of the pattern or the length
// of the text decide it. What is spent depends on nothing but the policies and
// the request.
const Budget = 32 << 20

// freeWork is how much work other than tests of patterns a decision may do without
// spending Budget; what goes beyond is taken from Budget. Such work is lists
// compared with lists, keys looked for, statements looked at: the author of a
// policy or the sender of a request sets how much there is. It is counted in
// units that take about as long as a step. In nearly every decision it stays
// below freeWork, so that tests of patterns have all of Budget.
const freeWork = 2 << 20

// The costs of work that is not counted in bytes.
const (
	EndsWork      = 20 // comparing an end of a pattern, a segment of one, or a name
	StatementWork = 16 // looking at a statement or rule
	ConditionWork = 32 // evaluating a condition of one value on one value of the request
	CompareWork   = 5  // comparing one more value
	NameWork      = 6  // comparing a name of a list with another
	PostingWork   = 24 // advancing in a Roaring bitmap
)

// budget is what is left to spend in a decision, and what is left of freeWork.
type budget struct{ left, free int }

func (b *budget) begin() { b.left, b.free = Budget, freeWork }

// SpendSteps spends the steps of a test. It returns false if the budget is
// passed.
func (b *budget) SpendSteps(n int) bool {
	if b.left -= n; b.left < 0 {
		b.free = 0 // so that Spend finds the budget passed
	}
	return b.left >= 0
}

// Spend spends other work. It returns false if the budget is passed.
func (b *budget) Spend(n int) bool {
	b.free -= n
	return b.free >= 0 || b.overdraw()
}

// overdraw takes what is missing of free work, and a quarter more, from the
// budget.
//
//go:noinline
func (b *budget) overdraw() bool {
	b.left += b.free + b.free/4
	b.free = 0
	return b.left >= 0
}

// Over reports whether the budget is passed. The decision is then TooCostly,
// whatever it came to, so that what finds the budget passed may return any
// result and return soon.
func (b *budget) Over() bool { return b.left < 0 }

// Spent returns how much of Budget was spent so far, in steps.
func (b *budget) Spent() int { return Budget - b.left }

// testSteps returns the steps of testing a pattern of so many bytes on a text
// of so many bytes (specification 1.6).
func testSteps(pattern, text int) int { return (pattern + 63) / 64 * text }
