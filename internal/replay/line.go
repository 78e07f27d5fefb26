package replay

import (
	"strconv"
	"time"

	"postern/internal/jsonscan"
)

// line is what a line of the log says, as far as it counts here. Its texts alias the
// line.
type line struct {
	time, reason, start    []byte
	seq                    uint64
	request, seen, masked  []byte // as written; nil where there is none
	caller, owner          []byte // escaped, as written between the quotes
	truncated, denyOnly    bool
	decided, decision      bool
	maxOpen                uint64
	dropped, other         bool
	dropAllows, dropDenies int64
}

// read takes a line apart; false if it is no line of a log. What it has no use for
// may be anything.
func (l *line) read(s *jsonscan.Scanner, data []byte) bool {
	*l = line{}
	s.Reset(data, jsonscan.MaxDepth, 0, true)
	if s.Peek() != jsonscan.Object || !s.EnterObject() {
		return false
	}
	for s.Member() {
		name, _ := s.Key()
		switch string(name) {
		case "time":
			l.time, _, _ = s.Text()
		case "seq":
			l.seq = number(s)
		case "instance":
			object(s, func(name []byte) {
				if string(name) == "start" {
					l.start, _, _ = s.Text()
				} else {
					s.Skip()
				}
			})
		case "request":
			l.request = raw(s, data)
		case "seen":
			l.seen = raw(s, data)
		case "masked":
			l.masked = raw(s, data)
		case "truncated":
			l.truncated = truth(s)
		case "deny_only":
			l.denyOnly = truth(s)
		case "effective":
			object(s, func(name []byte) {
				switch string(name) {
				case "caller":
					l.caller, _, _ = s.Text()
				case "owner":
					l.owner, _, _ = s.Text()
				default:
					s.Skip()
				}
			})
		case "decision":
			l.decision = truth(s)
			l.decided = !s.Failed()
		case "reason":
			l.reason, _, _ = s.Text()
		case "max_open_seconds":
			l.maxOpen = number(s)
		case "dropped":
			l.dropped = true
			object(s, func(name []byte) {
				switch string(name) {
				case "allow":
					l.dropAllows = int64(number(s))
				case "deny":
					l.dropDenies = int64(number(s))
				default:
					s.Skip()
				}
			})
		case "start", "stop", "reload":
			l.other = true
			s.Skip()
		default:
			s.Skip()
		}
	}
	return !s.Failed() && s.End() && len(l.time) > 0 && (l.decided || l.dropped || l.other)
}

// raw is a value as it is written.
func raw(s *jsonscan.Scanner, data []byte) []byte {
	s.Peek() // white space before it
	from := s.Offset()
	s.Skip()
	return data[from:s.Offset()]
}

// object reads the members of an object; do reads each value.
func object(s *jsonscan.Scanner, do func(name []byte)) {
	if !s.EnterObject() {
		return
	}
	for s.Member() {
		name, _ := s.Key()
		do(name)
	}
}

func number(s *jsonscan.Scanner) uint64 {
	text, ok := s.NumberText()
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func truth(s *jsonscan.Scanner) bool {
	kind, ok := s.Literal()
	return ok && kind == jsonscan.True
}

// seconds is the time of a line in seconds since 1970; false if it is none.
func seconds(text []byte) (int64, bool) {
	t, err := time.Parse(time.RFC3339Nano, string(text))
	return t.Unix(), err == nil
}
