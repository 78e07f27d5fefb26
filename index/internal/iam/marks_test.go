package iam

import (
	"strconv"
	"strings"
	"testing"

	"postern/index/internal/glob"
	"postern/index/lowered"
)

// A rule has the marks of every resource that one of its patterns matches,
// wherever the four bytes lie.
func TestMarksAdmitWhatMatches(t *testing.T) {
	programs := []string{
		"\xff", "stack:\xff", "stack:acme/\xff", "stack:acme/p1/\xff", "stack:acme/p2/in\xfe", "stack:acme/p2/\xff/x", "stack:acme/p2", "st\xff", "s\xffp1\xff",
		"env:\xff", "env:acme/p1", ":\xff", "", "stack", "a:b:c:d", "stack:\xfd\x00\x00\x00/\xff", "stack:acme/\xfd\x00\x00\x00",
	}
	texts := []string{
		"stack:acme/p1/in0", "stack:acme/p2/in0", "stack:acme/p2/in0/x", "stack:acme/p2", "stack:a", "stack:", "env:acme/p1", "env:x", ":", ":acme/p1", "a:b:c:d", "stack:acme/ab", "stack:ab/x",
	}
	value := strings.NewReplacer("\xfd\x00\x00\x00", "ab") // of the variable
	matched, passed := 0, 0
	for at := range uint32(12) {
		s := spots{at: at}
		for i, program := range programs {
			actions := actionMark(uint32(i)) | markOther
			for _, scope := range []lowered.Scope{{Resources: []string{program}}, {Resources: []string{"vpc:x", program}}} {
				rule := s.rule(actions, []lowered.Scope{scope}, 0)
				for _, text := range texts {
					for _, action := range []uint64{actionMark(uint32(i)), markOther} {
						request := s.request(text, action)
						holds, may := glob.Match(value.Replace(program), text), rule.may(&request)
						if holds && !may {
							t.Errorf("at %d %q matches %q, and has not its marks", at, scope.Resources, text)
						}
						if holds {
							matched++
						} else if !may {
							passed++
						}
					}
					other := s.request(text, actionMark(uint32(i)+1))
					if rule.may(&other) {
						t.Errorf("%q may cover an action that it has not", program)
					}
				}
			}
		}
	}
	if matched < 100 || passed < 100 {
		t.Errorf("%d matches and %d that were told apart: too few to mean anything", matched, passed)
	}
}

// Scopes on many ids are told apart by where those differ.
func TestSpotsTellApart(t *testing.T) {
	var scopes []lowered.Scope
	for i := range 500 {
		scopes = append(scopes, lowered.Scope{Resources: []string{"stack:acme/project-" + strconv.Itoa(1000+i) + "/\xff"}})
	}
	s := newSpots(scopes, lowered.FormAuto)
	may := 0
	for i := range scopes {
		request := s.request("stack:acme/project-"+strconv.Itoa(1000+i*7%500)+"/x", 1)
		rule := s.rule(1, scopes, i)
		if rule.may(&request) {
			may++
		}
	}
	if may > len(scopes)/10 {
		t.Errorf("%d of %d scopes may hold on one of 500 projects", may, len(scopes))
	}
	all := []lowered.Scope{{}, {NotResources: []string{"stack:x"}}, {Resources: []string{"stack:x", "\xff"}}}
	for i := range all {
		if s.scope(all, i) != everySpot {
			t.Errorf("scope %d may not hold on everything", i)
		}
	}
	if s.scope(all, lowered.NoScope) != everySpot {
		t.Error("no scope may not hold on everything")
	}
}
