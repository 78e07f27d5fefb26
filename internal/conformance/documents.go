package conformance

import (
	"strconv"
	"strings"
)

// documents reads a file of documents: `good TEXT => WANT ; WANT`, with a WANT
// for each `ask`, `bad TEXT` and `clash TEXT`. A TEXT is a whole policy file,
// or what stands in place of `@` in the template.
func (s *section) documents(p part) ([]Case, error) {
	var out []Case
	var asks []string
	var note comment
	template, fresh := "", false
	lets := map[string]string{}
	for _, l := range p.lines {
		word, rest, _ := strings.Cut(l.text, " ")
		rest = strings.TrimSpace(rest)
		switch {
		case l.text == "":
			note = comment{}
		case note.reads(l):
		case word == "let":
			if err := let(lets, l); err != nil {
				return nil, err
			}
		case word == "ask":
			if !fresh {
				asks = nil
			}
			asks, fresh = append(asks, rest), true
		case word == "template":
			template = rest
		case word == "good" || word == "bad" || word == "clash":
			fresh, note.used = false, true
			cs, err := s.row(p.argument, template, word, rest, asks, lets, l)
			if err != nil {
				return nil, err
			}
			for i := range cs {
				cs[i].Source = note.text
			}
			out = append(out, cs...)
		default:
			return nil, l.errorf("want let, ask, template, good, bad or clash")
		}
	}
	return out, nil
}

func (s *section) row(file, template, word, text string, asks []string, lets map[string]string, l line) ([]Case, error) {
	var wants []string
	var broken, refused []string
	if word != "good" {
		want := "bucket_policy_unavailable bucket"
		switch {
		case strings.Contains(file, "/access-policies/"):
			want = "organization_unavailable none"
		case strings.Contains(file, "/iam/"):
			want = "iam_unavailable iam"
		}
		if word == "bad" {
			broken = []string{file}
		} else {
			org, _, _ := strings.Cut(file, "/")
			refused = []string{org}
		}
		for range asks {
			wants = append(wants, want)
		}
	} else {
		document, list, ok := cutLast(text, "=>")
		if !ok {
			return nil, l.errorf("no =>")
		}
		text = document
		for _, w := range strings.Split(list, ";") {
			wants = append(wants, strings.TrimSpace(w))
		}
	}
	if len(wants) != len(asks) || len(asks) == 0 {
		return nil, l.errorf("%d asks and %d wants", len(asks), len(wants))
	}
	if quoted, ok := strings.CutPrefix(text, "raw "); ok {
		unquoted, err := strconv.Unquote(strings.TrimSpace(quoted))
		if err != nil {
			return nil, l.errorf("%v", err)
		}
		text = unquoted
	}
	if template != "" {
		text = strings.Replace(template, "@", text, 1)
	}
	text, err := expand(text)
	if err != nil {
		return nil, l.errorf("%v", err)
	}
	files := map[string][]byte{}
	for name, content := range s.files {
		files[name] = content
	}
	files[file] = []byte(text)
	world, err := newWorld(files, s.defaultOrg, s.platformOrgs, append(broken, s.broken...), append(refused, s.refused...))
	if err != nil {
		return nil, l.errorf("%v", err)
	}
	var out []Case
	for i, ask := range asks {
		c, err := newCase(ask, wants[i], lets, world, l)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}
