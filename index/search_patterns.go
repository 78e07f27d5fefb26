package index

import (
	"cmp"
	"slices"
	"strings"

	"postern/index/internal/glob"
	"postern/internal/action"
	"postern/policy"
)

const (
	// maxPatterns bounds the patterns of an answer (specification 3.2).
	maxPatterns = 1000
	// maxPatternWork bounds what one search for patterns looks at: statements,
	// patterns, buckets, and pairs of patterns.
	maxPatternWork = 65_536
	// looksBetween is the number of looks from one question whether to go on to
	// the next.
	looksBetween = 256
	// maxPatternSteps are the steps of matching that count as one look.
	maxPatternSteps = 1024
)

// Pattern is what a search cannot list: a pattern on the searched side of an
// Allow that could hold for others than the listed ones (specification 3.2).
type Pattern struct {
	// Text is the pattern as policies write it: `*`, `role/x*`, `bucket/*`,
	// `stack:acme/*`, `s3:Get*`. A whole organization is `arn:aws:iam::ORG:*`;
	// `role/*` also stands for a statement that holds for every name of the
	// searched provider because of what else the request states.
	Text string
	// Statement is where it stands.
	Statement policy.StatementRef
}

// admitted is a pattern with its program, which tells what two have in common.
type admitted struct {
	program, text string
	at            policy.StatementRef
}

// patterns collects what one search cannot list.
type patterns struct {
	*search
	looked    int
	truncated bool
	stopped   bool // by more
}

// look counts; false past the bound, from where the answer is in doubt.
func (p *patterns) look() bool {
	if p.looked++; p.looked > maxPatternWork || p.looked%looksBetween == 0 && !p.goOn() {
		p.truncated = true
	}
	return !p.truncated
}

// goOn asks whether there may be more work.
func (p *patterns) goOn() bool {
	if p.more != nil && !p.stopped && !p.more() {
		p.stopped, p.truncated = true, true
	}
	return !p.stopped
}

// doubt says that the answer is in doubt where a view passed its budget.
func (p *patterns) doubt(v *view) { p.truncated = p.truncated || v.Over() }

// cannotList completes the last page: what the search, whose open request is
// open, cannot list; false if More stopped it.
func (sr *search) cannotList(out *Found, list func(*patterns, *view) []admitted) bool {
	p := &patterns{search: sr}
	var sc Scratch
	v := &sc.view
	v.begin(sr.open, sr.s.defaultOrg)
	all := list(p, v)
	p.doubt(v)
	slices.SortFunc(all, func(a, b admitted) int {
		return cmp.Or(strings.Compare(a.text, b.text), byPlace(a.at, b.at), strings.Compare(a.at.Document, b.at.Document))
	})
	all = slices.CompactFunc(all, func(a, b admitted) bool { return a.text == b.text && a.at == b.at })
	if len(all) > maxPatterns {
		all, p.truncated = all[:maxPatterns], true
	}
	bytes := 0
	for i, a := range all {
		if bytes += len(a.text) + len(a.at.Document) + len(a.at.Statement) + len(a.at.File); p.bytes > 0 && bytes > p.bytes {
			all, p.truncated = all[:i], true
			break
		}
	}
	out.Complete, out.Truncated = len(all) == 0 && !p.truncated, p.truncated
	for _, a := range all {
		out.Patterns = append(out.Patterns, Pattern{Text: a.text, Statement: a.at})
	}
	return !p.stopped
}

// both returns what two layers admit that both have to: of each pair that can
// have something in common the narrower one, which holds all of that.
func (p *patterns) both(as, bs []admitted) (out []admitted) {
	for _, a := range as {
		for _, b := range bs {
			if !p.look() {
				return out
			}
			switch {
			case !p.mayMeet(a.program, b.program):
			case coversProgram(b.program, a.program) && !coversProgram(a.program, b.program):
				out = append(out, a)
			default:
				out = append(out, b)
			}
		}
	}
	return out
}

// mayMeet reports whether two programs may match one text. Of two that have
// wildcards it compares how they begin and how they end, and so may be true in
// vain.
func (p *patterns) mayMeet(a, b string) bool {
	aKind, aBegin := glob.Classify(a)
	bKind, bBegin := glob.Classify(b)
	switch {
	case aKind == glob.Exact && bKind == glob.Exact:
		return a == b
	case aKind == glob.Exact && strings.IndexByte(b, glob.OpVariable) < 0:
		p.looked += len(a) * len(b) / maxPatternSteps
		return glob.Match(b, a)
	case bKind == glob.Exact && strings.IndexByte(a, glob.OpVariable) < 0:
		p.looked += len(a) * len(b) / maxPatternSteps
		return glob.Match(a, b)
	}
	n := min(len(aBegin), len(bBegin))
	if aBegin[:n] != bBegin[:n] {
		return false
	}
	aEnd, bEnd := literalEnd(a), literalEnd(b)
	n = min(len(aEnd), len(bEnd))
	return aEnd[len(aEnd)-n:] == bEnd[len(bEnd)-n:]
}

// literalEnd is the literal text that a program ends with.
func literalEnd(program string) string {
	for {
		n := glob.LiteralLen(program)
		if n == len(program) {
			return program
		}
		if program[n] == glob.OpVariable {
			n += 3
		}
		program = program[n+1:]
	}
}

// coversProgram reports that a program matches whatever another does; false
// where that is not plain to see.
func coversProgram(wide, narrow string) bool {
	kind, begin := glob.Classify(wide)
	_, other := glob.Classify(narrow)
	return wide == narrow || kind == glob.Prefix && strings.HasPrefix(other, begin)
}

// anyAfter is the program of what begins with a text.
func anyAfter(begin string) string { return begin + glob.Every }

// bucketStep says what the bucket step of a request that its organization step
// lets pass comes to (specification 1.3): it passes, or asks the policy asked,
// or neither. v has the bucket's owner. Of a foreign caller the owner's Denies
// are asked beside.
func (s *Snapshot) bucketStep(v *view, bucket *bucketSlot) (passes bool, asked *Policies) {
	foreign, contested := v.Owner != v.Org, bucket.is(bucketContested)
	switch {
	case v.Class == action.ListAllMyBuckets:
		return true, nil
	case v.Class == action.CreateBucket:
		return !foreign && !contested, nil
	case contested, foreign && (v.Class == action.PutBucketPolicy || v.Class == action.BucketPolicy):
		return false, nil
	case v.Class == action.PutBucketPolicy:
		return true, nil
	}
	owner := s.organization(v.Owner)
	switch {
	case foreign && owner.PoliciesUnavailable,
		bucket.is(bucketUnavailable) || bucket == &unknownBucket && owner.BucketsUnavailable:
		return false, nil
	case !bucket.is(bucketHasPolicy):
		return !foreign, nil
	}
	return false, &bucket.entry.policy
}

// layers returns what the layers in front of iam admit on one bucket, or on the
// whole organization: admit tells of the statements of one of them.
func (p *patterns) layers(v *view, own *Organization, bucket *bucketSlot, admit func(*Policies, policy.Layer) []admitted) []admitted {
	var as []admitted
	switch {
	case own.Policies != nil:
		as = admit(own.Policies, policy.LayerOrganization)
	case p.s.passesAsPlatform(v):
		as = everything()
	}
	if len(as) == 0 {
		return nil
	}
	passes, asked := p.s.bucketStep(v, bucket)
	switch {
	case passes:
		return as
	case asked == nil:
		return nil
	}
	return p.both(as, admit(asked, policy.LayerBucket))
}
