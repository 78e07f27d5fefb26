package s3request

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// Hosts are the names under which a store is asked (specification 7.1, Host).
type Hosts struct {
	// Domains are asked as BUCKET.DOMAIN, and by themselves in path style. Names
	// are asked in path style. Both are in lower case, without port or dot at the
	// end.
	Domains, Names []string
}

// bucket returns the bucket that a Host names, "" in path style; false if it is
// neither.
func (h *Hosts) bucket(host string) (string, bool) {
	if len(h.Domains) == 0 {
		return "", true
	}
	name := host
	if i := strings.LastIndexByte(name, ':'); i >= 0 && strings.IndexByte(name[i:], ']') < 0 && (name[0] == '[' || strings.IndexByte(name, ':') == i) {
		if !decimal(name[i+1:], 5) {
			return "", false
		}
		name = name[:i]
	}
	if len(name) > 1 && name[0] == '[' && name[len(name)-1] == ']' {
		a, err := netip.ParseAddr(name[1 : len(name)-1])
		return "", err == nil && a.Is6()
	}
	name = strings.TrimSuffix(name, ".")
	if equalFold(name, "localhost") {
		return "", true
	}
	for _, own := range h.Names {
		if equalFold(name, own) {
			return "", true
		}
	}
	longest := -1
	for i, domain := range h.Domains {
		if n := len(name) - len(domain); n >= 0 && equalFold(name[n:], domain) && (n == 0 || n > 1 && name[n-1] == '.') &&
			(longest < 0 || len(domain) > len(h.Domains[longest])) {
			longest = i
		}
	}
	if longest < 0 {
		return "", isIPv4(name)
	}
	bucket := strings.TrimSuffix(name[:len(name)-len(h.Domains[longest])], ".")
	if bucket == "" {
		return "", true
	}
	for i := 0; i < len(bucket); i++ {
		// A store may take the name as it is sent, or in lower case; and one with an
		// empty label is no name of a host.
		if c := bucket[i]; c >= 'A' && c <= 'Z' || c == '.' && (i == 0 || i == len(bucket)-1 || bucket[i+1] == '.') {
			return "", false
		}
	}
	return bucket, validBucket(bucket)
}

// address is a bucket and a key, as the store behind will read them.
type address struct {
	bucket string
	// key is the object's key; spaced the same with its raw `+` read as spaces, ""
	// where it holds none.
	key, spaced string
}

// path reads a raw path (specification 7.1, Path). bucket is the one that the
// Host named, "" in path style. The path begins with `/`, but for a copy's source,
// which may leave it out.
func (r *Reader) path(raw, bucket string, opaque bool) (address, bool) {
	for i := 0; i < len(raw); i++ {
		if c := raw[i]; c <= ' ' || c >= 0x7f || c == '#' || c == '\\' {
			return address{}, false
		}
	}
	a := address{bucket: bucket}
	rest := strings.TrimPrefix(raw, "/")
	if bucket == "" {
		var name string
		var slash bool
		name, rest, slash = strings.Cut(rest, "/")
		if name == "" {
			return a, !slash // `/` is the service; `//` is nothing
		}
		decoded, ok := r.unescape(name, false)
		if !ok || !validBucket(decoded) {
			return a, false
		}
		a.bucket = decoded
	}
	if len(rest) >= 3 && rest[0] == '%' && rest[1] == '2' && rest[2]|0x20 == 'f' {
		return a, false // it may be taken for the slash behind the bucket
	}
	key, ok := r.unescape(rest, false)
	if !ok || !validKey(key, opaque) {
		return a, false
	}
	a.key = key
	if strings.IndexByte(rest, '+') >= 0 {
		a.spaced, _ = r.unescape(rest, true)
		if !validKey(a.spaced, opaque) {
			return a, false
		}
	}
	return a, true
}

// isIPv4 reports whether a name is an IPv4 address. (netip allocates for those
// that are none.)
func isIPv4(name string) bool {
	for n := 1; ; n++ {
		part, rest, more := strings.Cut(name, ".")
		if !decimal(part, 3) || part[0] == '0' && len(part) > 1 || len(part) == 3 && part > "255" {
			return false
		}
		if !more {
			return n == 4
		}
		name = rest
	}
}

// validBucket reports whether a bucket can have that name (specification 4): 1 to
// 255 of `A-Z a-z 0-9 . - _`.
func validBucket(name string) bool {
	if len(name) == 0 || len(name) > 255 {
		return false
	}
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return name != "." && name != ".."
}

// validKey reports whether a decoded key is taken: UTF-8 without NUL, and, unless
// opaque, without a segment that a store may resolve (`.`, `..`, or an empty one
// that is not the last). The key of a bucket is "".
func validKey(key string, opaque bool) bool {
	if !utf8.ValidString(key) || strings.IndexByte(key, 0) >= 0 {
		return false
	}
	if opaque || key == "" {
		return true
	}
	for rest, more := key, true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if segment == "." || segment == ".." || segment == "" && more {
			return false
		}
	}
	return true
}

// unescape decodes %XX once, and `+` as a space where plus says so. The result
// aliases raw, or the reader's memory. It is false where an escape is bad.
func (r *Reader) unescape(raw string, plus bool) (string, bool) {
	if strings.IndexByte(raw, '%') < 0 && !(plus && strings.IndexByte(raw, '+') >= 0) {
		return raw, true
	}
	from := len(r.text)
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '%':
			if i+2 >= len(raw) {
				return "", false
			}
			high, ok1 := hex(raw[i+1])
			low, ok2 := hex(raw[i+2])
			if !ok1 || !ok2 {
				return "", false
			}
			r.text = append(r.text, high<<4|low)
			i += 2
		case c == '+' && plus:
			r.text = append(r.text, ' ')
		default:
			r.text = append(r.text, c)
		}
	}
	return r.since(from), true
}

func hex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// decimal reports whether s is 1 to most of 0-9.
func decimal(s string, most int) bool {
	if len(s) == 0 || len(s) > most {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// equalFold compares without regard to ASCII case; lower is in lower case.
func equalFold(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
