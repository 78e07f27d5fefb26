package diagnostic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"postern/policy"
)

func at(line, column int) policy.Position {
	return policy.Position{File: "o1/a.json", Line: line, Column: column}
}

func print(t *testing.T, ds []policy.Diagnostic, source string, o Options) string {
	t.Helper()
	var b strings.Builder
	asked := 0
	if err := Print(&b, ds, func(string) []byte { asked++; return []byte(source) }, o); err != nil {
		t.Fatal(err)
	}
	if asked > 1 {
		t.Errorf("the source was asked for %d times", asked)
	}
	return b.String()
}

func TestPrint(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, c := range []struct {
		name, source string
		d            policy.Diagnostic
		want         string
	}{
		{"plain", "a\nbcd\ne", policy.Diagnostic{Position: at(2, 2), Message: "m"}, "o1/a.json:2:2: m\n  2 | bcd\n    |  ^\n"},
		{"warning", "a", policy.Diagnostic{Severity: policy.Warning, Position: at(1, 1), Message: "m"}, "o1/a.json:1:1: warning: m\n  1 | a\n    | ^\n"},
		{"end of the file", "ab", policy.Diagnostic{Position: at(1, 3), Message: "m"}, "o1/a.json:1:3: m\n  1 | ab\n    |   ^\n"},
		{"empty last line", "ab\n", policy.Diagnostic{Position: at(2, 1), Message: "m"}, "o1/a.json:2:1: m\n  2 | \n    | ^\n"},
		{"no place", "ab", policy.Diagnostic{Position: at(0, 0), Message: "m"}, "o1/a.json: m\n"},
		{"no file", "ab", policy.Diagnostic{Message: "m"}, "m\n"},
		{"past the file", "ab\n", policy.Diagnostic{Position: at(9, 1), Message: "m"}, "o1/a.json:9:1: m\n"},
		{"past the line", "ab\ncd\n", policy.Diagnostic{Position: at(1, 6), Message: "m"}, "o1/a.json:1:6: m\n"},
		{"past the end", "ab", policy.Diagnostic{Position: at(1, 9), Message: "m"}, "o1/a.json:1:9: m\n"},
		{"tabs", "\ta\tbc", policy.Diagnostic{Position: at(1, 5), Message: "m"}, "o1/a.json:1:5: m\n  1 | \ta\tbc\n    | \t \t ^\n"},
		{"runes", "é木x", policy.Diagnostic{Position: at(1, 6), Message: "m"}, "o1/a.json:1:6: m\n  1 | é木x\n    |   ^\n"},
		{"carriage return", "ab\r\ncd", policy.Diagnostic{Position: at(1, 1), Message: "m"}, "o1/a.json:1:1: m\n  1 | ab\n    | ^\n"},
		{"byte-order mark", "\xef\xbb\xbfab", policy.Diagnostic{Position: at(1, 2), Message: "m"}, "o1/a.json:1:2: m\n  1 | ab\n    |  ^\n"},
		{"control", "\x1b[1m\x00\x7f\u202e\u0085\xff!", policy.Diagnostic{Position: at(1, 13), Message: "a\x1b\nb\u202e\tc"},
			"o1/a.json:1:13: a␛␊b�␉c\n  1 | ␛[1m␀␡���!\n    |          ^\n"},
		{"cut on both sides", long + "É" + long, policy.Diagnostic{Position: at(1, 101), Message: "m"},
			"o1/a.json:1:101: m\n  1 | …" + long[:before] + "É" + long[:after-1] + "…\n    | " + strings.Repeat(" ", before+1) + "^\n"},
		{"cut behind", long + long, policy.Diagnostic{Position: at(1, 3), Message: "m"},
			"o1/a.json:1:3: m\n  1 | xx" + long[:after] + "…\n    |   ^\n"},
		{"cut before", long + long, policy.Diagnostic{Position: at(1, 200), Message: "m"},
			"o1/a.json:1:200: m\n  1 | …" + long[:before] + "x\n    | " + strings.Repeat(" ", before+1) + "^\n"},
		{"just not cut", long[:maxLine-20], policy.Diagnostic{Position: at(1, 90), Message: "m"},
			"o1/a.json:1:90: m\n  1 | " + long[:maxLine-20] + "\n    | " + strings.Repeat(" ", 89) + "^\n"},
	} {
		if got := print(t, []policy.Diagnostic{c.d}, c.source, Options{}); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// Whatever the line and the column, the caret stands below the column's
// character, and no character is cut in half.
func TestCaret(t *testing.T) {
	for _, unit := range []string{"ab", "é", "木", "😀", "\t", "a木\té😀", "\xff", "a\xe6"} {
		line := []byte(strings.Repeat(unit, 300))
		marked := []byte("first\n" + string(line) + "\nlast")
		for column := 1; column <= len(line)+1; column++ {
			if column <= len(line) && utf8.Valid(line) && !utf8.RuneStart(line[column-1]) {
				continue
			}
			var x excerpts
			shown, space, ok := x.excerpt(at(2, column), func(string) []byte { return marked })
			if !ok {
				t.Fatalf("%q column %d: nothing", unit, column)
			}
			n := utf8.RuneCountInString(space)
			runes := []rune(shown)
			if len(runes) > maxLine+2 || strings.Contains(shown, "first") || strings.Contains(shown, "last") || n > len(runes) {
				t.Fatalf("%q column %d: %q", unit, column, shown)
			}
			for i, r := range []rune(space) {
				if (r == '\t') != (runes[i] == '\t') {
					t.Fatalf("%q column %d: tabs are not aligned in %q", unit, column, shown)
				}
			}
			if column <= len(line) && utf8.Valid(line) {
				want, _ := utf8.DecodeRune(line[column-1:])
				if runes[n] != want {
					t.Fatalf("%q column %d: the caret is below %q, want %q", unit, column, runes[n], want)
				}
				if bytes.Contains([]byte(shown), []byte("\ufffd")) {
					t.Fatalf("%q column %d: a character was cut: %q", unit, column, shown)
				}
			}
		}
	}
}

func TestOrderAndFiles(t *testing.T) {
	ds := []policy.Diagnostic{
		{Position: policy.Position{File: "b", Line: 1, Column: 1}, Message: "third"},
		{Position: policy.Position{File: "a", Line: 2, Column: 1}, Message: "second"},
		{Severity: policy.Warning, Position: policy.Position{File: "a", Line: 1, Column: 2}, Message: "first"},
		{Position: policy.Position{File: "gone", Line: 1, Column: 2}, Message: "fourth"},
	}
	given := append([]policy.Diagnostic(nil), ds...)
	var b strings.Builder
	sources := map[string]string{"a": "a1\na2", "b": "b1"}
	if err := Print(&b, ds, func(file string) []byte {
		if text, ok := sources[file]; ok {
			return []byte(text)
		}
		return nil
	}, Options{}); err != nil {
		t.Fatal(err)
	}
	want := "a:1:2: warning: first\n  1 | a1\n    |  ^\na:2:1: second\n  2 | a2\n    | ^\nb:1:1: third\n  1 | b1\n    | ^\ngone:1:2: fourth\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if !reflect.DeepEqual(ds, given) {
		t.Error("the diagnostics were changed")
	}
	b.Reset()
	if err := Print(&b, ds[:1], nil, Options{}); err != nil || b.String() != "b:1:1: third\n" {
		t.Errorf("without sources: %q, %v", b.String(), err)
	}
}

// Errors are shown before warnings where not all are, and still in order.
func TestMax(t *testing.T) {
	var ds []policy.Diagnostic
	for i := range 6 {
		ds = append(ds, policy.Diagnostic{Severity: policy.Severity((i + 1) % 2), Position: policy.Position{File: "f"}, Message: fmt.Sprint(i)})
	}
	// 1, 3 and 5 are errors.
	for most, want := range map[int]string{
		0: "f: 1\nf: 3\nf: 5\nf: warning: 0\nf: warning: 2\nf: warning: 4\n",
		6: "f: 1\nf: 3\nf: 5\nf: warning: 0\nf: warning: 2\nf: warning: 4\n",
		5: "f: 1\nf: 3\nf: 5\nf: warning: 0\nf: warning: 2\nand 1 warning more\n",
		2: "f: 1\nf: 3\nand 1 error and 3 warnings more\n",
		1: "f: 1\nand 2 errors and 3 warnings more\n",
	} {
		if got := print(t, ds, "", Options{Max: most}); got != want {
			t.Errorf("Max %d: got\n%s\nwant\n%s", most, got, want)
		}
	}
}

func TestColor(t *testing.T) {
	ds := []policy.Diagnostic{
		{Position: at(1, 2), Message: "m"},
		{Severity: policy.Warning, Position: at(1, 2), Message: "n"},
	}
	want := "\x1b[1mo1/a.json:1:2:\x1b[0m \x1b[31mm\x1b[0m\n  1 | ab\n    |  \x1b[31m^\x1b[0m\n" +
		"\x1b[1mo1/a.json:1:2:\x1b[0m \x1b[33mwarning: n\x1b[0m\n  1 | ab\n    |  \x1b[33m^\x1b[0m\n"
	if got := print(t, ds, "ab", Options{Color: true}); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := JSON(&b, nil); err != nil || strings.TrimSpace(b.String()) != "[]" {
		t.Errorf("nothing is %q, %v", b.String(), err)
	}
	b.Reset()
	ds := []policy.Diagnostic{
		{Severity: policy.Warning, Position: at(2, 3), Message: `<a> & "b"`},
		{Position: policy.Position{File: "o1/a.json"}, Message: "m"},
	}
	if err := JSON(&b, ds); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "<a> & ") {
		t.Errorf("escaped for a web page: %s", b.String())
	}
	var got []map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"severity": "error", "file": "o1/a.json", "line": 0.0, "column": 0.0, "message": "m"},
		{"severity": "warning", "file": "o1/a.json", "line": 2.0, "column": 3.0, "message": `<a> & "b"`},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestWriterFails(t *testing.T) {
	ds := []policy.Diagnostic{{Message: "m"}}
	if err := Print(broken{}, ds, nil, Options{}); err == nil || err.Error() != "full" {
		t.Errorf("Print: %v", err)
	}
	if err := JSON(broken{}, ds); err == nil || err.Error() != "full" {
		t.Errorf("JSON: %v", err)
	}
}

// Many diagnostics in one line of many megabytes: each looks at its
// neighbourhood only. Looking at the whole line each time would be 80 GB, and
// past the test's timeout.
func TestLongLines(t *testing.T) {
	source := bytes.Repeat([]byte(`{"a":1},`), 1<<20)
	var ds []policy.Diagnostic
	for i := range 10_000 {
		ds = append(ds, policy.Diagnostic{Position: at(1, 1+i*800), Message: "m"})
	}
	if n := strings.Count(print(t, ds, string(source), Options{}), "^\n"); n != len(ds) {
		t.Errorf("%d carets, want %d", n, len(ds))
	}
}
