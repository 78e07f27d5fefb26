package glob

// Budget is what a decision may cost, in steps (specification 1.6); what passes
// it is a denial, policy.TooCostly. A step is a word of a pattern, 64 bytes,
// against a byte of a text; it takes a nanosecond or a little more.
//
// A test of a pattern spends its steps in full, with the values of variables
// counted among the pattern's bytes, unless the ends of the pattern or the
// length of the text settle it. Steps depend on the policies and the request
// alone.
const Budget = 32 << 20

// freeWork is how much work other than tests of patterns a decision may do without
// spending Budget; what goes beyond is taken from Budget. Such work is lists
// compared with lists, keys looked for, statements looked at: the author of a
// policy or the sender of a request sets how much there is. It is counted in
// units that take about as long as a step. In nearly every decision it stays
// below freeWork, so that tests of patterns have all of Budget.
const freeWork = 2 << 20

// What work costs where it is not counted by bytes.
const (
	EndsWork      = 20 // the ends of a pattern, a segment of it, a name
	StatementWork = 16 // a statement or rule that is looked at
	ConditionWork = 32 // a condition with one value, which one other is compared with
	CompareWork   = 5  // a value that is compared
	NameWork      = 6  // a name of a list that another is compared with
	PostingWork   = 24 // a step in a Roaring bitmap
)

// budget is what is left to spend in a decision.
type budget struct{ left, free int }

func (b *budget) begin() { b.left, b.free = Budget, freeWork }

// SpendSteps spends the steps of a test; false if more is spent than there is.
func (b *budget) SpendSteps(n int) bool {
	if b.left -= n; b.left < 0 {
		b.free = 0 // so that spend looks at what is left
	}
	return b.left >= 0
}

// Spend spends other work; false if more is spent than there is.
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

// Over reports that more was spent than there is: what the decision came to
// counts for nothing. Whoever finds it so may say anything, and ends soon.
func (b *budget) Over() bool { return b.left < 0 }

// Spent is what was taken of Budget so far.
func (b *budget) Spent() int { return Budget - b.left }

// testSteps are the steps of a test of a pattern of so many bytes against a text
// (specification 1.6).
func testSteps(pattern, text int) int { return (pattern + 63) / 64 * text }
