package source

import (
	"fmt"
	"reflect"
	"testing"

	"postern/loader/internal/layout"
)

// A scope is the places that were added, in whatever order and through whatever other
// scopes.
func TestScope(t *testing.T) {
	places := []layout.Place{
		{Org: "o1", Part: layout.Policies}, {Org: "o1", Part: layout.List}, {Org: "o1", Part: layout.Folder, Name: "docs"},
		{Org: "o2", Part: layout.Folder}, {Org: "o3", Part: layout.Buckets}, {Org: "o3", Part: layout.Buckets, Name: "b.json"}, {Org: "o4", Part: layout.IAM},
	}
	var all, joined Scope
	if !all.Empty() {
		t.Error("the zero scope is not empty")
	}
	for i, p := range places {
		all.Add(p)
		var one Scope
		one.Add(places[len(places)-1-i])
		if one.Empty() {
			t.Errorf("%v is nothing", p)
		}
		joined.Join(&one)
	}
	if !reflect.DeepEqual(all, joined) {
		t.Errorf("added: %s\njoined: %s", shown(&all), shown(&joined))
	}
	o := all.Orgs["o1"]
	if !o.Units[layout.Policies] || !o.Units[layout.List] || o.Units[layout.IAM] || o.Whole || o.Buckets || len(o.Misplaced) != 1 || !all.Orgs["o2"].Whole || !all.Orgs["o3"].Buckets || len(all.Orgs["o3"].Files) != 1 {
		t.Error(shown(&all))
	}
	var root Scope
	root.Add(layout.Place{Part: layout.Root})
	if joined.Join(&root); !joined.All {
		t.Error("a scope with everything is not about everything")
	}
}

// Many files of one folder are all of it.
func TestScopeOfManyFiles(t *testing.T) {
	var s Scope
	for i := range listFrom {
		if s.Add(layout.Place{Org: "o1", Part: layout.Buckets, Name: fmt.Sprint(i)}); s.Orgs["o1"].Buckets != (i == listFrom-1) {
			t.Fatalf("after %d files all are looked at: %v", i+1, s.Orgs["o1"].Buckets)
		}
	}
}

func shown(s *Scope) (out string) {
	for org, o := range s.Orgs {
		out += fmt.Sprintf("%s %+v; ", org, *o)
	}
	return out
}
