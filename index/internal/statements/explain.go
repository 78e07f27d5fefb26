package statements

import (
	"slices"
	"strings"

	"postern/index/internal/block"
	"postern/index/internal/match"
	"postern/policy"
)

// asked returns the blocks of the statements that can be about the request.
func (p *Policies) asked(v *match.View) []block.Block {
	out := []block.Block{p.Block()}
	if !v.Whole {
		name := match.BucketOf(v.Text)
		if b := p.bucketBlock(name, match.HashBucket(name)); !b.IsNone() {
			out = append(out, b)
		}
	}
	return out
}

// Looked is the number of statements that Determining looks at.
func (p *Policies) Looked(v *match.View) (n int) {
	for _, b := range p.asked(v) {
		n += b.Count()
	}
	return n
}

// Determining lists the satisfied statements of an effect, by file and index.
func (p *Policies) Determining(layer policy.Layer, effect policy.Effect, v *match.View) []policy.StatementRef {
	var out []policy.StatementRef
	for _, b := range p.asked(v) {
		for id := range b.Count() {
			if effectOf(b, id) == effect && someAction(v, func() bool { return v.Covers(b, id) && p.variables.Holds(b, b.Record(id), v) }) && !v.Over() {
				out = append(out, p.reference(b, id, layer))
			}
		}
	}
	slices.SortFunc(out, policy.ByPlace)
	return out
}

// someAction calls holds with each action that the request needs at hand, and
// reports whether it was true for one.
func someAction(v *match.View, is func() bool) bool {
	if is() {
		return true
	}
	first, found := v.Action, false
	for _, id := range v.Beside {
		v.Take(id)
		if found = is(); found {
			break
		}
	}
	if len(v.Beside) > 0 {
		v.Take(first)
	}
	return found
}

// TakeRefused takes the first of the needed actions for which no Allow is
// satisfied.
func (p *Policies) TakeRefused(v *match.View) {
	for _, id := range v.Beside {
		if !p.hasAllow(v) {
			return
		}
		v.Take(id)
	}
}

// hasAllow reports whether an Allow is satisfied for the action at hand.
func (p *Policies) hasAllow(v *match.View) bool {
	for _, b := range p.asked(v) {
		for id := b.Denies(); id < b.Count(); id++ {
			if v.Covers(b, id) && p.variables.Holds(b, b.Record(id), v) || v.Over() {
				return true
			}
		}
	}
	return false
}

// Ground returns the statement that View.Ground noted last, of these policies. Its
// name is of their memory.
func (p *Policies) Ground(layer policy.Layer, v *match.View) policy.StatementRef {
	return p.aliased(v.FoundIn, v.Found, layer)
}

// reference returns the StatementRef of a statement.
func (p *Policies) reference(b block.Block, id int, layer policy.Layer) policy.StatementRef {
	ref := p.aliased(b, id, layer)
	ref.Statement = strings.Clone(ref.Statement)
	return ref
}

// aliased is reference, with the name in the memory of the policies.
func (p *Policies) aliased(b block.Block, id int, layer policy.Layer) policy.StatementRef {
	m := b.Meta(id)
	d := p.document(m.Document)
	return policy.StatementRef{
		Document:  d.Name,
		Statement: b.StatementName(&m),
		Index:     int(m.Index),
		File:      d.File,
		Line:      int(m.Line),
		Effect:    effectOf(b, id),
		Layer:     layer,
	}
}

// Nearest finds the Allow that failed on the fewest dimensions, nil if there
// is no Allow; ties go to the first by file and index. truncated reports that
// there were more statements than it looked at.
//
// The blocks that the request is about come first, so that the bound does not
// hide them; the others can only fail on the resource too.
func (p *Policies) Nearest(layer policy.Layer, v *match.View) (best *policy.Nearest, truncated bool) {
	blocks := p.asked(v)
	for _, at := range p.buckets.used {
		if b := p.block(at); len(blocks) < 2 || !b.Is(blocks[1]) {
			blocks = append(blocks, b)
		}
	}
	var in block.Block
	var number int
	defer func() {
		if best != nil {
			p.variables.Detail(best, in, in.Record(number), v)
		}
	}()
	looked := 0
	for _, b := range blocks {
		for id := b.Denies(); id < b.Count(); id++ {
			if looked++; looked > match.NearestBound {
				return best, true
			}
			failed := p.failed(b, id, v)
			if v.Over() {
				return best, true
			}
			if best != nil && len(failed) > len(best.Failed) {
				continue
			}
			ref := p.reference(b, id, layer)
			if best == nil || len(failed) < len(best.Failed) || policy.ByPlace(ref, best.Statement) < 0 {
				best = &policy.Nearest{Statement: ref, Failed: failed}
				in, number = b, id
			}
		}
	}
	return best, false
}

// failed lists the dimensions of a statement that do not hold for the request.
func (p *Policies) failed(b block.Block, id int, v *match.View) []string {
	r := b.Record(id)
	var out []string
	if !v.PrincipalHolds(b, r) {
		out = append(out, "principal")
	}
	if !v.Covers(b, id) {
		out = append(out, "action")
	}
	if !p.variables.ResourceHolds(b, r, v) {
		out = append(out, "resource")
	}
	if !p.variables.ConditionsHold(b, r, v) {
		out = append(out, "condition")
	}
	return out
}
