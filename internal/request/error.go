package request

import (
	"strconv"
	"unicode/utf8"
)

// Error is a bad request, which a door answers with 400, or with the item's
// error where Item is not negative.
type Error struct {
	// Item is the place, from 0, of the batch item that is wrong; -1 where the
	// body as a whole is refused.
	Item int
	// Path is where in the body, as in `subject.properties.org`; "" for the
	// body itself.
	Path string
	// Message says what is wrong and what to write instead.
	Message string
}

// Error returns `path: message`. The text may quote a little of the request,
// so it belongs in an answer and not in a log.
func (e *Error) Error() string {
	path := e.Path
	if e.Item >= 0 {
		at := "evaluations[" + strconv.Itoa(e.Item) + "]"
		if path != "" {
			at += "." + path
		}
		path = at
	}
	if path == "" {
		return e.Message
	}
	return path + ": " + e.Message
}

// shown is how much of a text of the caller's a message quotes, in bytes.
const shown = 64

// quote makes s safe and short enough for a message.
func quote(s string) string {
	if short := shorten(s); len(short) < len(s) {
		return strconv.Quote(short) + "..."
	}
	return strconv.Quote(s)
}

// shorten cuts s to what a message shows of it.
func shorten(s string) string {
	if len(s) <= shown {
		return s
	}
	n := shown
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// fault is what a check found: nothing if message is "".
type fault struct {
	path    string
	message string
	bound   bool // a bound was passed
}

func (f fault) found() bool { return f.message != "" }

// err makes the fault an error of the item, -1 for the whole body.
func (f fault) err(item int) error {
	return &Error{Item: item, Path: f.path, Message: f.message}
}

func wrong(path, message string) fault  { return fault{path: path, message: message} }
func beyond(path, message string) fault { return fault{path: path, message: message, bound: true} }

func element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
