package s3request

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"postern/policy"
)

// A raw is one line of the corpus: a request, and what it has to be read as.
type raw struct {
	where   string
	request Request
	want    string // questions, or !REASON
	keys    string // the keys of the first question, if hasKeys
	hasKeys bool
}

// testNow is the clock of the corpus.
const testNow = 1796052000 // 2026-11-30T15:20:00Z

// corpus reads testdata.
func corpus(t testing.TB) []raw {
	t.Helper()
	files, _ := filepath.Glob("testdata/*.txt")
	var out []raw
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		set := Request{Hosts: &Hosts{}, Now: testNow}
		for n, line := range strings.Split(string(text), "\n") {
			where := fmt.Sprintf("%s:%d", filepath.Base(file), n+1)
			if line == "" || line[0] == '#' {
				continue
			}
			if words := strings.Fields(line); words[0] == "set" {
				set = settings(words[1:])
				continue
			}
			left, right, ok := strings.Cut(line, " =>")
			if !ok {
				t.Fatalf("%s: no =>", where)
			}
			r := raw{where: where, request: set}
			parts := strings.Split(left, " | ")
			r.request.Method, parts[0] = word(parts[0])
			r.request.Target, _ = word(parts[0])
			for _, h := range parts[1:] {
				name, value, ok := strings.Cut(h, ":")
				if !ok {
					t.Fatalf("%s: no header: %q", where, h)
				}
				value = unquote(strings.TrimSpace(value))
				if name == "Host" {
					r.request.Host = value
					continue
				}
				r.request.Headers = append(r.request.Headers, Header{name, value})
			}
			r.want, r.keys, r.hasKeys = strings.TrimSpace(right), "", false
			if want, keys, ok := strings.Cut(r.want, " {"); ok && strings.HasSuffix(keys, "}") {
				r.want, r.keys, r.hasKeys = want, strings.TrimSuffix(keys, "}"), true
			}
			out = append(out, r)
		}
	}
	return out
}

func settings(words []string) Request {
	r := Request{Hosts: &Hosts{}, Now: testNow}
	for i, list := 0, (*[]string)(nil); i < len(words); i++ {
		switch words[i] {
		case "opaque":
			r.OpaqueKeys = true
		case "filtered":
			r.Filtered = true
		case "domains":
			list = &r.Hosts.Domains
		case "names":
			list = &r.Hosts.Names
		default:
			*list = append(*list, words[i])
		}
	}
	return r
}

// word cuts a word, or a Go string, off a line.
func word(s string) (string, string) {
	if strings.HasPrefix(s, `"`) {
		if q, err := strconv.QuotedPrefix(s); err == nil {
			return unquote(q), strings.TrimSpace(s[len(q):])
		}
	}
	first, rest, _ := strings.Cut(s, " ")
	return first, rest
}

func unquote(s string) string {
	if text, err := strconv.Unquote(s); err == nil {
		return text
	}
	return s
}

// told writes what a reader read as the corpus writes it. Two readings are the
// same if their texts are.
func told(r *Reader, reason Reason) string {
	if reason != None {
		return "!" + reason.String()
	}
	var out []string
	for _, q := range r.Questions {
		out = append(out, q.Action+" "+q.Resource)
	}
	return strings.Join(out, ", ")
}

// wanted is the same from a line, with its quotes taken off.
func wanted(text string) string {
	var out []string
	for text != "" {
		var action, resource string
		action, text = word(text)
		if text == "" {
			return action
		}
		if text[0] == '"' {
			resource, text = word(text)
			text = strings.TrimPrefix(text, ", ")
		} else {
			resource, text, _ = strings.Cut(text, ", ")
		}
		out = append(out, action+" "+resource)
	}
	return strings.Join(out, ", ")
}

// keysTold writes condition keys, sorted.
func keysTold(list []policy.Attribute) string {
	var out []string
	for _, a := range list {
		text := "?"
		if !a.Unreadable {
			var values []string
			for _, v := range a.Values {
				values = append(values, v.Text)
			}
			text = strconv.Quote(strings.Join(values, ","))
		}
		out = append(out, a.Key+"="+text)
	}
	sort.Strings(out)
	return strings.Join(out, "; ")
}

func keysWanted(text string) string {
	var out []string
	for _, pair := range strings.Split(text, "; ") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		if value != "?" {
			value = strconv.Quote(unquote(value))
		}
		out = append(out, key+"="+value)
	}
	sort.Strings(out)
	return strings.Join(out, "; ")
}

// withoutCopied leaves the keys out that only repeat a header, unless a line
// speaks of them.
func withoutCopied(told, want string) string {
	var out []string
	for _, pair := range strings.Split(told, "; ") {
		key, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(key, "s3:x-amz-") && !strings.Contains("; "+want, "; "+key+"=") {
			continue
		}
		if pair != "" {
			out = append(out, pair)
		}
	}
	return strings.Join(out, "; ")
}

func TestCorpus(t *testing.T) {
	lines := corpus(t)
	if len(lines) < 400 {
		t.Fatalf("%d requests, want 400 at least", len(lines))
	}
	var r Reader
	operations := map[string]bool{}
	for _, c := range lines {
		reason := r.Read(&c.request)
		if got, want := told(&r, reason), wanted(c.want); got != want {
			t.Errorf("%s: %s %s %q:\ngot  %s\nwant %s", c.where, c.request.Method, c.request.Target, c.request.Headers, got, want)
			continue
		}
		operations[r.Operation] = true
		if c.hasKeys {
			want := keysWanted(c.keys)
			if got := withoutCopied(keysTold(r.Keys(&r.Questions[0])), want); got != want {
				t.Errorf("%s: %s %s: keys\ngot  %s\nwant %s", c.where, c.request.Method, c.request.Target, got, want)
			}
		}
	}
	for _, f := range forms {
		if f.refused == None && !operations[f.name] {
			t.Errorf("%s stands in no line of the corpus", f.name)
		}
	}
	t.Logf("%d requests, %d operations", len(lines), len(operations)-1)
}
