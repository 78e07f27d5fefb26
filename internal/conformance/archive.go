package conformance

import (
	"embed"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/txtar"

	"postern/policy"
)

//go:embed testdata/*.txtar testdata/rules.txt
var testdata embed.FS

// section is one section of an archive, as written.
type section struct {
	topic, name, prose string
	rules              []string
	defaultOrg         string
	platformOrgs       []string
	broken             []string
	refused            []string
	seen               *policy.KeySet
	denyOnly           bool
	files              map[string][]byte
	parts              []part // requests, documents and tables, in order
}

// part is a file of a section that holds questions.
type part struct {
	kind, argument string // "requests", "documents" PATH, "table"
	lines          []line
}

// line is one line of an archive, with its place.
type line struct {
	text string
	at   string // testdata/TOPIC.txtar:LINE
}

func (l line) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %s", l.at, fmt.Sprintf(format, args...))
}

// readArchives reads every archive of the corpus.
func readArchives() ([]*section, error) {
	entries, err := testdata.ReadDir("testdata")
	if err != nil {
		return nil, err
	}
	var out []*section
	for _, e := range entries {
		topic, ok := strings.CutSuffix(e.Name(), ".txtar")
		if !ok {
			continue
		}
		data, err := testdata.ReadFile("testdata/" + e.Name())
		if err != nil {
			return nil, err
		}
		sections, err := readArchive(topic, data)
		if err != nil {
			return nil, err
		}
		out = append(out, sections...)
	}
	return out, nil
}

func readArchive(topic string, data []byte) ([]*section, error) {
	var out []*section
	shared := map[string][]byte{}
	archive := txtar.Parse(data)
	number := 1 + strings.Count(string(archive.Comment), "\n")
	for _, f := range archive.Files {
		header := line{f.Name, fmt.Sprintf("testdata/%s.txtar:%d", topic, number)}
		lines := splitLines(topic, number+1, f.Data)
		number += 1 + strings.Count(string(f.Data), "\n")
		kind, argument, _ := strings.Cut(f.Name, " ")
		var current *section
		if len(out) > 0 {
			current = out[len(out)-1]
		}
		switch kind {
		case "section":
			s := &section{topic: topic, name: argument, files: map[string][]byte{}}
			for name, content := range shared {
				s.files[name] = content
			}
			if err := s.directives(lines); err != nil {
				return nil, err
			}
			if slices.ContainsFunc(out, func(o *section) bool { return o.name == s.name }) {
				return nil, header.errorf("section %q stands twice", s.name)
			}
			out = append(out, s)
		case "requests", "documents", "table":
			if current == nil {
				return nil, header.errorf("%s before the first section", kind)
			}
			current.parts = append(current.parts, part{kind, argument, lines})
		default:
			if !strings.Contains(f.Name, "/") {
				return nil, header.errorf("%q is no path of a policy directory", f.Name)
			}
			content, err := expand(string(f.Data))
			if err != nil {
				return nil, header.errorf("%v", err)
			}
			// The newline before the next marker is the archive's, not the
			// file's, so that a broken file can end anywhere.
			content = strings.TrimSuffix(content, "\n")
			if current == nil {
				shared[f.Name] = []byte(content)
			} else {
				current.files[f.Name] = []byte(content)
			}
		}
	}
	return out, nil
}

func splitLines(topic string, number int, data []byte) []line {
	var out []line
	for i, text := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		out = append(out, line{strings.TrimSpace(text), fmt.Sprintf("testdata/%s.txtar:%d", topic, number+i)})
	}
	return out
}

var directive = regexp.MustCompile(`^([a-z-]+): +(.*)$`)

func (s *section) directives(lines []line) error {
	var prose []string
	for _, l := range lines {
		m := directive.FindStringSubmatch(l.text)
		if m == nil {
			prose = append(prose, l.text)
			continue
		}
		switch m[1] {
		case "rules":
			s.rules = append(s.rules, strings.Fields(m[2])...)
		case "default-org":
			s.defaultOrg = m[2]
		case "platform-org":
			s.platformOrgs = append(s.platformOrgs, strings.Fields(m[2])...)
		case "broken":
			s.broken = append(s.broken, strings.Fields(m[2])...)
		case "refused":
			s.refused = append(s.refused, strings.Fields(m[2])...)
		case "deny-only":
			s.denyOnly = m[2] == "yes"
		case "seen":
			s.seen = seen(strings.Fields(m[2]))
		case "remove":
			for _, name := range strings.Fields(m[2]) {
				if _, ok := s.files[name]; !ok {
					return l.errorf("no shared file %q", name)
				}
				delete(s.files, name)
			}
		default:
			return l.errorf("no directive %q", m[1])
		}
	}
	s.prose = strings.TrimSpace(strings.Join(prose, "\n"))
	if len(s.rules) == 0 || s.prose == "" {
		return fmt.Errorf("testdata/%s.txtar: section %q needs prose and rules", s.topic, s.name)
	}
	return nil
}

// seen reads the keys that whoever asks can see: names, and beginnings with a `*`.
// A `-` stands for none.
func seen(words []string) *policy.KeySet {
	set := &policy.KeySet{}
	for _, w := range words {
		if beginning, ok := strings.CutSuffix(w, "*"); ok {
			set.Beginnings = append(set.Beginnings, beginning)
		} else if w != "-" {
			set.Names = append(set.Names, w)
		}
	}
	return set
}

// cases makes the cases of the section's parts.
func (s *section) cases() ([]Case, error) {
	var out []Case
	var world *World // shared by all requests of the section
	for _, p := range s.parts {
		switch p.kind {
		case "requests":
			if world == nil {
				w, err := newWorld(s.files, s.defaultOrg, s.platformOrgs, s.broken, s.refused)
				if err != nil {
					return nil, fmt.Errorf("%s/%s: %w", s.topic, s.name, err)
				}
				world = w
			}
			cs, err := s.requests(p.lines, world)
			if err != nil {
				return nil, err
			}
			out = append(out, cs...)
		case "documents":
			cs, err := s.documents(p)
			if err != nil {
				return nil, err
			}
			out = append(out, cs...)
		case "table":
			cs, err := s.table(p.lines)
			if err != nil {
				return nil, err
			}
			out = append(out, cs...)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("testdata/%s.txtar: section %q asks nothing", s.topic, s.name)
	}
	for i := range out {
		out[i].Name = path.Join(s.topic, s.name, strconv.Itoa(i+1))
		if note := out[i].Source; note != "" {
			out[i].Source = s.prose + "\n" + note
		} else {
			out[i].Source = s.prose
		}
		out[i].Rules, out[i].Seen, out[i].DenyOnly = s.rules, s.seen, s.denyOnly
		if w := &out[i].Want; w.Outcome == policy.Allow && (len(w.Determining) == 0) != s.denyOnly {
			return nil, fmt.Errorf("testdata/%s.txtar: section %q: an allow names its statements, and one that asks about Denies only names none", s.topic, s.name)
		}
	}
	return out, nil
}

// comment is what the lines that begin with # say of the rows below them.
type comment struct {
	text string
	used bool // there was a row; the next such line begins anew
}

// reads takes a line that begins with #, and reports whether it is one.
func (c *comment) reads(l line) bool {
	text, is := strings.CutPrefix(l.text, "#")
	if !is {
		return false
	}
	if c.used {
		*c = comment{}
	}
	c.text = strings.TrimSpace(c.text + "\n" + strings.TrimSpace(text))
	return true
}

func (s *section) requests(lines []line, world *World) ([]Case, error) {
	var out []Case
	var note comment
	lets := map[string]string{}
	for _, l := range lines {
		switch {
		case l.text == "":
			note = comment{}
		case note.reads(l):
		case strings.HasPrefix(l.text, "let "):
			if err := let(lets, l); err != nil {
				return nil, err
			}
		default:
			note.used = true
			ask, want, ok := cutLast(l.text, "=>")
			if !ok {
				return nil, l.errorf("no =>")
			}
			c, err := newCase(ask, want, lets, world, l)
			if err != nil {
				return nil, err
			}
			c.Source = note.text
			out = append(out, c)
		}
	}
	return out, nil
}

func let(lets map[string]string, l line) error {
	name, want, ok := strings.Cut(strings.TrimPrefix(l.text, "let "), "=")
	if !ok {
		return l.errorf("let NAME = WANT")
	}
	lets[strings.TrimSpace(name)] = strings.TrimSpace(want)
	return nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return strings.TrimSpace(s[:i]), strings.TrimSpace(s[i+len(sep):]), true
}

func newCase(ask, want string, lets map[string]string, world *World, l line) (Case, error) {
	body, err := readAsk(ask)
	if err != nil {
		return Case{}, l.errorf("%v", err)
	}
	if full, ok := lets[want]; ok {
		want = full
	}
	w, err := readWant(want, world)
	if err != nil {
		return Case{}, l.errorf("%v", err)
	}
	return Case{At: l.at, World: world, Body: body, Want: w}, nil
}

var repetition = regexp.MustCompile(`<<(\d+)([:,])(.*?)>>`)

// expand writes out the repetitions `<<N:TEXT>>` and `<<N,TEXT>>` in text.
func expand(text string) (string, error) {
	var failed error
	text = repetition.ReplaceAllStringFunc(text, func(m string) string {
		parts := repetition.FindStringSubmatch(m)
		n, err := strconv.Atoi(parts[1])
		if err != nil || n > 1<<20 {
			failed = fmt.Errorf("bad repetition %s", m)
			return ""
		}
		var b strings.Builder
		for i := range n {
			if i > 0 && parts[2] == "," {
				b.WriteByte(',')
			}
			b.WriteString(strings.ReplaceAll(parts[3], "#", strconv.Itoa(i)))
		}
		return b.String()
	})
	return text, failed
}
