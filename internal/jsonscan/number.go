package jsonscan

// NumberText reads a number and returns it as written; it aliases the data.
func (s *Scanner) NumberText() ([]byte, bool) {
	if s.Peek() != Number {
		return nil, s.fail(s.pos, msgWantNumber)
	}
	n := NumberLen(s.data[s.pos:])
	if n == 0 {
		return nil, s.fail(s.pos, msgNumber)
	}
	raw := s.data[s.pos : s.pos+n]
	s.pos += n
	if s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c >= '0' && c <= '9', c == '.', c == 'e', c == 'E', c == '+', c == '-':
			return nil, s.fail(s.pos-n, msgNumber)
		}
	}
	return raw, true
}

// NumberLen returns the length of the longest JSON number at the start of b,
// 0 if there is none.
func NumberLen(b []byte) int {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i >= len(b):
		return 0
	case b[i] == '0':
		i++
	case b[i] >= '1' && b[i] <= '9':
		i += digits(b[i:])
	default:
		return 0
	}
	if i+1 < len(b) && b[i] == '.' {
		if n := digits(b[i+1:]); n > 0 {
			i += 1 + n
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		j := i + 1
		if j < len(b) && (b[j] == '+' || b[j] == '-') {
			j++
		}
		if n := digits(b[j:]); n > 0 {
			i = j + n
		}
	}
	return i
}

func digits(b []byte) int {
	i := 0
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}
