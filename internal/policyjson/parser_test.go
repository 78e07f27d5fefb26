package policyjson

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"postern/policy"
)

// TestReadersForget: whatever a Parser, or the reader behind ParseBucket, has
// read before, good and bad, the next document and its diagnostics are those of
// a new reader, and do not change with the file's bytes.
func TestReadersForget(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	var inputs [][]byte
	for _, g := range goldens(t) {
		inputs = append(inputs, g.input)
	}
	paths, err := filepath.Glob("testdata/seeds/*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no seeds (%v)", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, data)
	}
	for n := range 30 {
		var text strings.Builder
		for i := range n * n {
			fmt.Fprintf(&text, `%.*s{"Sid": "s%d", "Effect": "Allow", "Principal": {"AWS": ["o1", "arn:aws:iam::o1:role/r%d"]}, "Action": "s3:Get*",
				"Resource": ["arn:aws:s3:::b/%d/*"], "Condition": {"StringLike": {"k%d": ["a*", "b"]}}}`, min(i, 1), ",", i, i%3, i, i%4)
		}
		inputs = append(inputs, fmt.Appendf(nil, `{"Id": "p%d", "Version": "2012-10-17", "Statement": [%s]}`, n, text.String()))
	}
	var p Parser
	good := 0
	for range 3_000 {
		data := bytes.Clone(inputs[r.IntN(len(inputs))])
		if r.IntN(3) == 0 && len(data) > 0 {
			data = data[:r.IntN(len(data))]
		}
		l := Limits{Statements: r.IntN(3) * 100}
		var first decoder
		first.begin("f", data, l)
		want, wantDs := finish(&first, first.bucketPolicy("b"))
		got, ds := p.Bucket("f", "b", data, l)
		again, againDs := ParseBucket("f", "b", data, l)
		clear(data)
		if !reflect.DeepEqual(ds, wantDs) || !reflect.DeepEqual(got, want) {
			t.Fatalf("Parser: %+v, %v, want %+v, %v", got, ds, want, wantDs)
		}
		if !reflect.DeepEqual(againDs, wantDs) || !reflect.DeepEqual(again, want) {
			t.Fatalf("ParseBucket: %+v, %v, want %+v, %v", again, againDs, want, wantDs)
		}
		if got != nil {
			good++
		}
	}
	if good < 100 {
		t.Errorf("only %d documents were good", good)
	}
}

// A file whose kind cannot be told because it cannot be read has one error, which
// says where.
func TestParseOfWhatCannotBeRead(t *testing.T) {
	for _, text := range []string{"{'Version': '2012-10-17'}", "{Version: 1}", "{\n // text\n}", "{“Version”: 1}", "{} {}", "[1,", `{"a": tru}`, ""} {
		f, ds := Parse("x.json", []byte(text), Limits{})
		if f.Kind != policy.KindNone || len(ds) != 1 || strings.Contains(ds[0].Message, "no policy document") {
			t.Errorf("Parse(%q) says %v", text, ds)
		}
	}
	if _, ds := Parse("x.json", []byte(`{"a": true}`), Limits{}); len(ds) != 1 || !strings.Contains(ds[0].Message, "no policy document") {
		t.Errorf("a whole object says %v", ds)
	}
}
