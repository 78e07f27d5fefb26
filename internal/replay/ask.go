package replay

import (
	"bytes"
	"slices"
	"strings"

	"postern/index"
	"postern/internal/jsonscan"
	"postern/internal/request"
	"postern/policy"
)

// asker asks lines. One goroutine has it.
type asker struct {
	config  *Config
	scan    jsonscan.Scanner
	decoder request.Decoder
	scratch index.Scratch
	line    line
	seen    map[string]*policy.KeySet
	second  []byte // the text of the last time, to its seconds
	at      int64

	counts      Counts
	lines       int64
	reasons     map[Reasons]int64
	differences []Difference
}

func newAsker(c *Config) *asker { return &asker{config: c, seen: map[string]*policy.KeySet{}} }

// piece asks the lines of a piece, and leaves with it what they came to.
func (a *asker) piece(p *piece) {
	defer close(p.done)
	a.counts, a.lines, a.reasons, a.differences = Counts{}, 0, map[Reasons]int64{}, nil
	for rest := p.lines; len(rest) > 0; {
		text := rest
		if end := bytes.IndexByte(rest, '\n'); end >= 0 {
			text, rest = rest[:end], rest[end+1:]
		} else {
			rest = nil
		}
		if text = bytes.TrimSuffix(text, []byte{'\r'}); len(text) == 0 {
			continue
		}
		a.lines++
		a.one(text, p.number<<32|a.lines)
	}
	out := *a
	p.asker = &out
}

// one asks one line.
func (a *asker) one(text []byte, place int64) {
	l := &a.line
	if !l.read(&a.scan, text) {
		a.counts.Cut++
		return
	}
	now, ok := a.clock(l.time)
	switch {
	case !ok:
		a.counts.Cut++
		return
	case a.config.Since != "" && earlier(l.time, a.config.Since):
		a.counts.Early++
		return
	case l.dropped:
		a.counts.DroppedAllows += l.dropAllows
		a.counts.DroppedDenies += l.dropDenies
		return
	case l.other:
		a.counts.Others++
		return
	case l.truncated:
		a.counts.Undecidable++
		return
	case l.request == nil:
		a.counts.Unasked++
		return
	}
	q, err := a.decoder.Evaluation(l.request, now)
	if err != nil {
		// It was let through then, so that what is missing in the log is why it
		// is not now.
		a.counts.Undecidable++
		return
	}
	if q.DenyOnly = l.denyOnly; l.seen != nil {
		if q.Seen, ok = a.keySet(l.seen); !ok {
			a.counts.Undecidable++
			return
		}
	}
	a.organizations(q)
	var d policy.Decision
	if l.masked == nil {
		d = a.config.Snapshot.Decide(q, &a.scratch)
	} else if d, ok = a.masked(q); !ok {
		a.counts.Undecidable++
		return
	}
	a.counts.Asked++
	kind := Gained
	switch allows := d.Outcome == policy.Allow; {
	case allows && !l.decision:
		a.counts.Gained++
	case !allows && l.decision:
		kind = Lost
		a.counts.Lost++
	case allows && d.MaxOpenSeconds != l.maxOpen:
		kind = Changed
		a.counts.Changed++
		if d.MaxOpenSeconds == 0 || l.maxOpen != 0 && d.MaxOpenSeconds > l.maxOpen {
			a.counts.Longer++
		}
	default:
		a.counts.Same++
		return
	}
	a.reasons[Reasons{string(l.reason), d.Reason.String()}]++
	if a.config.Max == 0 || len(a.differences) < a.config.Max {
		a.differences = append(a.differences, Difference{
			Kind: kind, Line: bytes.Clone(text), Request: bytes.Clone(l.request), Is: a.config.Snapshot.Explain(q), start: string(l.start), seq: l.seq, place: place,
		})
	}
}

// organizations fills what the request did not state and the line says
// (specification 8.6). An owner that a folder gave is for the folders of now to give.
func (a *asker) organizations(q *policy.Request) {
	if q.Principal.Org == "" {
		q.Principal.Org = unescaped(a.line.caller)
	}
	if a.config.DefaultOrganization == "" || q.Resource.Org != "" || string(a.line.owner) != a.config.DefaultOrganization {
		return
	}
	bucket, _, _ := strings.Cut(q.Resource.ID, "/")
	if _, listed := a.config.Snapshot.Bucket(bucket); !listed {
		q.Resource.Org = a.config.DefaultOrganization
	}
}

func unescaped(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	return string(jsonscan.Unescape(nil, raw))
}

// clock is the second of a time; most lines have that of the line before.
func (a *asker) clock(text []byte) (int64, bool) {
	const toSeconds = len("2006-01-02T15:04:05")
	if len(text) > toSeconds && text[len(text)-1] == 'Z' && bytes.Equal(text[:toSeconds], a.second) {
		return a.at, true
	}
	at, ok := seconds(text)
	if ok && len(text) > toSeconds && text[len(text)-1] == 'Z' {
		a.second, a.at = append(a.second[:0], text[:toSeconds]...), at
	}
	return at, ok
}

// earlier compares times in the form of the log, which are ordered as their texts.
func earlier(text []byte, since string) bool { return string(text) < since }

// keySet reads the keys that a door sees, which few sets are.
func (a *asker) keySet(text []byte) (*policy.KeySet, bool) {
	if s, ok := a.seen[string(text)]; ok {
		return s, s != nil
	}
	var out policy.KeySet
	var s jsonscan.Scanner
	s.Reset(text, jsonscan.MaxDepth, 0, false)
	object(&s, func(name []byte) {
		list := map[string]*[]string{"names": &out.Names, "beginnings": &out.Beginnings, "except": &out.Except}[string(name)]
		if list == nil {
			s.Skip()
			return
		}
		*list = texts(&s)
	})
	found := &out
	if s.Failed() {
		found = nil
	}
	if len(a.seen) < 1000 {
		a.seen[string(text)] = found
	}
	return found, found != nil
}

// texts reads a list of strings.
func texts(s *jsonscan.Scanner) (out []string) {
	if !s.EnterArray() {
		return nil
	}
	for s.Element() {
		raw, _, ok := s.Text()
		if !ok {
			return nil
		}
		out = append(out, unescaped(raw))
	}
	return slices.Clip(out)
}
