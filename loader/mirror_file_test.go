package loader

import (
	"log/slog"
	"slices"
	"testing"

	"postern/loader/internal/layout"
)

// "checked against bit rot on load"
func TestDecodeBelievesNothing(t *testing.T) {
	p := layout.Place{Org: "o1", Part: layout.Buckets, Name: "b.json"}
	good := encode(p, []layout.File{{Name: "b.json", Data: []byte(`{"Version":"2012-10-17"}`)}})
	if files, err := decode(p, good); err != nil || len(files) != 1 || string(files[0].Data) != `{"Version":"2012-10-17"}` {
		t.Fatalf("decode: %v, %v", files, err)
	}
	for i := range good {
		for bit := range 8 {
			bad := slices.Clone(good)
			bad[i] ^= 1 << bit
			if _, err := decode(p, bad); err == nil {
				t.Fatalf("bit %d of byte %d flipped, and believed", bit, i)
			}
		}
		if _, err := decode(p, good[:i]); err == nil {
			t.Fatalf("cut off at %d, and believed", i)
		}
	}
	if _, err := decode(layout.Place{Org: "o2", Part: layout.Buckets, Name: "b.json"}, good); err == nil {
		t.Error("another organization's file is believed")
	}
}

// Without a mirror there is nothing to know and nothing to do.
func TestNoMirror(t *testing.T) {
	var s *state
	s.begin()
	s.openMarks()
	s.note(layout.Place{}, nil)
	s.again(layout.Place{})
	s.mark(nil)
	s.now(nil, layout.Place{})
	s.flush(t.Context(), nil)
	if s.keep(1) || s.backlog() || s.problem() != "" || s.organizations() != nil {
		t.Error("no mirror keeps something")
	}
}

// What was listed of buckets/ is found as it was listed, and not once a mark says
// that other things were in force since.
func TestListed(t *testing.T) {
	s, err := openState(t.TempDir(), false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.openMarks()
	want := held{known: true, files: []layout.File{{Name: "a.json"}, {Name: "b.json"}}, missed: []layout.File{{Name: "b.json"}}}
	if err := s.setHeld("o1", want); err != nil {
		t.Fatal(err)
	}
	if got, trusted := s.held("o1"); !trusted || got.sum() != want.sum() {
		t.Errorf("listed: %v, trusted %v", got, trusted)
	}
	s.marks.known = map[layout.Sum]known{unitKey(layout.Place{Org: "o1", Part: layout.Buckets}): {}}
	if got, trusted := s.held("o1"); trusted || got.known || got.files != nil {
		t.Errorf("listed, and overtaken: %v, trusted %v", got, trusted)
	}
}
