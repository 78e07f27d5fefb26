package loadgen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Post renders a POST of a JSON body, as an AuthZEN client of a local server
// would send it; headers are further lines, as in "X-Request-ID: 1".
func Post(path, body string, headers ...string) []byte {
	b := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", path, len(body))
	for _, h := range headers {
		b = append(append(b, h...), "\r\n"...)
	}
	return append(append(b, "\r\n"...), body...)
}

// maxAnswer bounds an answer with its headers, in bytes.
const maxAnswer = 16 << 20

// reader reads answers from a connection. Between answers buf is empty: a
// client that has no request under way gets nothing.
type reader struct {
	from io.Reader
	buf  []byte
}

var errMore = errors.New("bytes follow the answer that no request asked for")

// next reads one answer, which has to have a status, and returns its body. It
// is valid until the next call.
func (r *reader) next(status int) (body []byte, err error) {
	have, head, length := 0, 0, 0
	for {
		if have == len(r.buf) {
			if have >= maxAnswer {
				return nil, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
			}
			r.buf = append(make([]byte, 0, max(4096, 2*have)), r.buf...)
			r.buf = r.buf[:cap(r.buf)]
		}
		n, err := r.from.Read(r.buf[have:])
		have += n
		if head == 0 {
			from := max(have-n-3, 0)
			if end := bytes.Index(r.buf[from:have], []byte("\r\n\r\n")); end >= 0 {
				head = from + end + 4
				var wrong error
				if length, wrong = contentLength(r.buf[:head-2], status); wrong != nil {
					return nil, wrong
				}
			}
		}
		switch {
		case head > 0 && have == head+length:
			return r.buf[head:have], nil
		case head > 0 && have > head+length:
			return nil, errMore
		case err != nil:
			if have > 0 && err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// protocol is what a status line begins with; three digits and a space follow.
const protocol = "HTTP/1.1 "

// contentLength checks the status line and returns the length that the headers
// state. The last line has its end.
func contentLength(head []byte, status int) (int, error) {
	line, _, _ := bytes.Cut(head, []byte("\r\n"))
	digits, found := bytes.CutPrefix(line, []byte(protocol))
	if !found || len(digits) < 4 || digits[3] != ' ' || (int(digits[0]-'0')*10+int(digits[1]-'0'))*10+int(digits[2]-'0') != status {
		return 0, fmt.Errorf("status %q, want %d", line, status)
	}
	const name = "content-length:"
	for at := len(line) + len("\r\n"); at < len(head); {
		end := at + bytes.IndexByte(head[at:], '\n')
		if end-at > len(name) && head[at]|0x20 == 'c' && bytes.EqualFold(head[at:at+len(name)], []byte(name)) {
			return strconv.Atoi(string(bytes.TrimSpace(head[at+len(name) : end])))
		}
		at = end + 1
	}
	return 0, errors.New("the answer has no Content-Length")
}

// Decision reads the answer of one evaluation: an object whose first member is
// `decision`. What follows the decision is passed over, but the object has to
// end where the body ends.
func Decision(body []byte) (allowed bool, err error) {
	allowed, rest, err := decision(body)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%q follows the answer", rest)
	}
	return allowed, err
}

// Decisions reads the answer of a batch, appends the decision of each item to
// dst and returns it.
func Decisions(dst []bool, body []byte) ([]bool, error) {
	rest, found := bytes.CutPrefix(body, []byte(`{"evaluations":[`))
	for found {
		allowed, after, err := decision(rest)
		if err != nil {
			return dst, fmt.Errorf("item %d: %w", len(dst), err)
		}
		dst = append(dst, allowed)
		rest, found = bytes.CutPrefix(after, []byte(","))
	}
	if string(rest) != "]}" {
		return dst, fmt.Errorf("no answer of a batch: %.80q", body)
	}
	return dst, nil
}

// decision reads one answer at the start of b, and returns what follows it.
func decision(b []byte) (allowed bool, rest []byte, err error) {
	switch {
	case bytes.HasPrefix(b, []byte(`{"decision":true`)):
		allowed, rest = true, b[len(`{"decision":true`):]
	case bytes.HasPrefix(b, []byte(`{"decision":false`)):
		rest = b[len(`{"decision":false`):]
	default:
		return false, nil, fmt.Errorf("no decision: %.80q", b)
	}
	if len(rest) > 0 && (rest[0] == '}' || rest[0] == ',') {
		for i, depth, quoted := 0, 1, false; i < len(rest); i++ {
			switch c := rest[i]; {
			case quoted && c == '\\':
				i++
			case c == '"':
				quoted = !quoted
			case quoted:
			case c == '{':
				depth++
			case c == '}':
				if depth--; depth == 0 {
					return allowed, rest[i+1:], nil
				}
			}
		}
	}
	return false, nil, fmt.Errorf("a cut-off answer: %.80q", b)
}
