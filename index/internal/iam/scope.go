package iam

import (
	"postern/index/internal/block"
	"postern/index/internal/glob"
	"postern/index/internal/match"
	"postern/index/internal/open"
	"postern/index/lowered"
)

// scopes are scopes, each frozen as a statement of one block, with the
// variables of their programs.
type scopes struct {
	words     []uint32
	variables match.Variables
}

// statement returns the block, and the statement of a number.
func (s *scopes) statement(number uint32) (block.Block, block.Record) {
	b := block.At(s.words, 0)
	return b, b.Record(int(number - 1))
}

func (s *scopes) size() int64 {
	n := block.SizeOf(s.words) + block.SizeOf(s.variables)
	for i := range s.variables {
		n += int64(len(s.variables[i].Key.Name) + len(s.variables[i].Default))
	}
	return n
}

// scopePlaces has the numbers under which the two halves of a scope were
// frozen.
type scopePlaces [][2]uint32

func (p scopePlaces) of(scope int) (holds, except uint32) {
	if scope == lowered.NoScope {
		return 0, 0
	}
	return p[scope][0], p[scope][1]
}

// freezeScopes freezes scopes as statements that nothing narrows. What a scope
// excludes is a statement of its own.
func (g *Grants) freezeScopes(in *lowered.GrantList) scopePlaces {
	var list []*lowered.Statement
	add := func(s lowered.Statement) uint32 {
		list = append(list, &s)
		return uint32(len(list))
	}
	everything := glob.Every
	places := make(scopePlaces, len(in.Scopes))
	for i := range in.Scopes {
		s := &in.Scopes[i]
		if resources := s.Resources; resources != nil || s.Conditions != nil {
			if resources == nil {
				resources = []string{everything}
			}
			places[i][0] = add(lowered.Statement{Resources: resources, Conditions: s.Conditions})
		}
		if s.NotResources != nil {
			places[i][1] = add(lowered.Statement{Resources: s.NotResources, NotResource: true})
		}
	}
	g.scopes.variables = in.Variables
	var w block.Writer
	statements := make([]block.Statement, len(list))
	for i, s := range list {
		statements[i] = w.Statement(s, s.Resources)
	}
	g.scopes.words, _ = w.Write(nil, &block.Part{Statements: statements, Narrowing: block.ByNothing})
	return places
}

// scopeHolds reports whether both halves of a scope hold.
func (g *Grants) scopeHolds(scope, except uint32, deny bool, v *Inquiry) bool {
	return (scope == 0 || g.statementHolds(scope, deny, v)) && (except == 0 || g.statementHolds(except, deny, v))
}

func (g *Grants) statementHolds(number uint32, deny bool, v *Inquiry) bool {
	b, r := g.scopes.statement(number)
	if deny {
		r = r.AsDeny()
	}
	return g.scopes.variables.ResourceHolds(b, r, &v.View) && g.scopes.variables.ConditionsHold(b, r, &v.View)
}

// scopeChance returns the chance of a scope's resources and conditions.
func (g *Grants) scopeChance(number uint32, deny bool, v *Inquiry, side open.Side) open.Chance {
	if number == 0 {
		return open.Always
	}
	b, r := g.scopes.statement(number)
	if deny {
		r = r.AsDeny()
	}
	x := &g.scopes.variables
	return open.Resources(x, b, r, &v.View, side).And(open.Conditions(x, b, r, &v.View, side))
}
