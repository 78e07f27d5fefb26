package compare

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"postern/internal/action"
	"postern/internal/policygen"
	"postern/policy"
)

// byteSource gives the fuzzer's bytes as random numbers, so that a mutation
// changes one choice, and goes on with a generator of its own.
type byteSource struct {
	data []byte
	rest *rand.PCG
}

func (s *byteSource) Uint64() uint64 {
	if len(s.data) == 0 {
		return s.rest.Uint64()
	}
	var word [8]byte
	n := copy(word[:], s.data)
	s.data = s.data[n:]
	return binary.LittleEndian.Uint64(word[:]) * 0x9e3779b97f4a7c15
}

// edited returns a copy of d in which change has been applied to every
// document; one that is left without statements is gone.
func edited(d *policy.Directory, change func(*policy.Document)) *policy.Directory {
	out := policygen.Edit(d, change)
	for _, o := range out.Organizations {
		o.Policies = slices.DeleteFunc(o.Policies, func(doc *policy.Document) bool { return len(doc.Statements) == 0 })
	}
	return out
}

// withRelatives adds to documents statements that are like ones they have: with
// an entry more or less, a condition less, the other effect.
func withRelatives(r *rand.Rand, d *policy.Directory) *policy.Directory {
	return edited(d, func(doc *policy.Document) {
		if len(doc.Statements) > 20 {
			return
		}
		for range r.IntN(4) {
			relative(r, doc)
		}
		r.Shuffle(len(doc.Statements), func(i, j int) {
			doc.Statements[i], doc.Statements[j] = doc.Statements[j], doc.Statements[i]
		})
	})
}

func relative(r *rand.Rand, doc *policy.Document) {
	s := doc.Statements[r.IntN(len(doc.Statements))]
	other := doc.Statements[r.IntN(len(doc.Statements))]
	s.Actions, s.Resources = slices.Clone(s.Actions), slices.Clone(s.Resources)
	s.Principals, s.Conditions = slices.Clone(s.Principals), slices.Clone(s.Conditions)
	for range r.IntN(4) {
		switch r.IntN(10) {
		case 0:
			if s.Principals = append(s.Principals, other.Principals...); s.Principals[0].Kind == policy.PrincipalNobody || other.Principals[0].Kind == policy.PrincipalNobody {
				s.Principals = []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}
			}
		case 1:
			s.Principals = s.Principals[r.IntN(len(s.Principals)):]
		case 2:
			if !slices.Contains(s.Actions, "*") {
				s.Actions = append(s.Actions, other.Actions...)
			}
		case 3:
			s.Actions = s.Actions[r.IntN(len(s.Actions)):]
		case 4:
			s.Resources = append(s.Resources, other.Resources...)
		case 5:
			s.Resources = s.Resources[r.IntN(len(s.Resources)):]
		case 6:
			if doc.Kind == policy.KindBucket && len(s.Conditions) > 0 {
				s.Conditions = s.Conditions[r.IntN(len(s.Conditions)):]
			}
		case 7:
			if len(s.Conditions) > 0 {
				c := &s.Conditions[r.IntN(len(s.Conditions))]
				c.Values = c.Values[r.IntN(len(c.Values)):]
			}
		case 8:
			if !s.NotPrincipal {
				s.Effect = policy.EffectAllow + policy.EffectDeny - s.Effect
			}
		case 9:
			if s.Effect == policy.EffectDeny && doc.Kind == policy.KindBucket {
				s.NotPrincipal = !s.NotPrincipal && s.Principals[0].Kind != policy.PrincipalNobody &&
					!slices.ContainsFunc(s.Principals, func(p policy.PrincipalPattern) bool { return p.Kind == policy.PrincipalEveryone })
			}
		}
	}
	s.Line, s.Column = 0, 0 // of its own
	if s.Name != "" {
		s.Name += "'"
	}
	if doc.Kind == policy.KindOrganization && !slices.Contains(s.Resources, "*") && slices.ContainsFunc(s.Actions, func(a string) bool {
		return action.ClassOf(a).WholeOrganization()
	}) {
		s.Resources = append(s.Resources, "*")
	}
	doc.Statements = append(doc.Statements, s)
}

// mixed makes n requests of parts of the given ones: a caller of one, an action
// with its resource of another, the context of a third.
func mixed(r *rand.Rand, requests []*policy.Request, n int) []*policy.Request {
	out := slices.Clone(requests)
	for range n {
		pick := func() *policy.Request { return requests[r.IntN(len(requests))] }
		q := *pick()
		asked, at := pick(), pick()
		q.Action, q.Resource, q.ActionProperties = asked.Action, asked.Resource, asked.ActionProperties
		if other := pick(); other.Resource.Kind == q.Resource.Kind {
			q.Resource = other.Resource
		}
		q.Context, q.Now = at.Context, at.Now
		out = append(out, &q)
	}
	return out
}
