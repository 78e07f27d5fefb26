package mirror

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
	var s *Mirror
	s.Begin()
	s.OpenMarks()
	s.Note(layout.Place{}, nil)
	s.Again(layout.Place{})
	s.Mark(nil)
	s.Now(nil, layout.Place{})
	s.Flush(t.Context(), nil)
	if s.Keep(1) || s.Backlog() || s.Problem() != "" || s.Organizations() != nil {
		t.Error("no mirror keeps something")
	}
}

// What was listed of buckets/ is found as it was listed, and not once a mark says
// that other things were in force since.
func TestListed(t *testing.T) {
	s, err := Open(t.TempDir(), false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.OpenMarks()
	want := Held{Known: true, Files: []layout.File{{Name: "a.json"}, {Name: "b.json"}}, Missed: []layout.File{{Name: "b.json"}}}
	if err := s.setHeld("o1", want); err != nil {
		t.Fatal(err)
	}
	if got, trusted := s.Listed("o1"); !trusted || got.Sum() != want.Sum() {
		t.Errorf("listed: %v, trusted %v", got, trusted)
	}
	s.marks.known = map[layout.Sum]known{unitKey(layout.Place{Org: "o1", Part: layout.Buckets}): {}}
	if got, trusted := s.Listed("o1"); trusted || got.Known || got.Files != nil {
		t.Errorf("listed, and overtaken: %v, trusted %v", got, trusted)
	}
}

// TestParseMarksBelievesNothing flips and cuts a file of marks.
func TestParseMarksBelievesNothing(t *testing.T) {
	p := layout.Place{Org: "o1", Part: layout.Buckets, Name: "b.json"}
	want := mark{unitKey(p), layout.SumOf([]byte("content"))}
	good, _ := appendFrame([]byte(marksMagic), layout.Sum{}, []mark{want})
	if ms, err := parseMarks(good); err != nil || len(ms) != 1 || ms[0] != want {
		t.Fatalf("%v, %v", ms, err)
	}
	for i := range good {
		for bit := range 8 {
			bad := slices.Clone(good)
			bad[i] ^= 1 << bit
			if _, err := parseMarks(bad); err == nil {
				t.Fatalf("bit %d of byte %d flipped, and believed", bit, i)
			}
		}
		if _, err := parseMarks(good[:i]); (err == nil) != (i == len(marksMagic)) {
			t.Fatalf("cut off at %d: %v", i, err)
		}
	}
	if _, err := parseMarks(append(slices.Clone(good), 0)); err == nil {
		t.Error("a byte too many is believed")
	}
}
