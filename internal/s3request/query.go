package s3request

import "strings"

// query is what the query of a request says.
type query struct {
	marks, params, signed names
	// What the parameters say that are condition keys; plus reports that a value
	// held a raw `+`, which one store reads as itself and another as a space.
	prefix, delimiter, maxKeys parameter
	versionID                  string
	// What the signature says, and the operation that the client meant.
	algorithm, credential, date, signedHeaders, operation string
}

type parameter struct {
	text   string
	stated bool
	plus   bool
}

// query reads a raw query, without its `?` (specification 7.1, Query): names are
// decoded once and compared byte for byte.
func (r *Reader) query(raw string, q *query) Reason {
	*q = query{}
	for i := 0; i < len(raw); i++ {
		// `;` parts the query for some servers.
		if c := raw[i]; c <= ' ' || c >= 0x7f || c == '#' || c == '\\' || c == ';' {
			return UnknownOperation
		}
	}
	var seen names
	for more := raw != ""; more; {
		var pair string
		pair, raw, more = strings.Cut(raw, "&")
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, ok := r.unescape(rawName, false)
		if !ok {
			return UnknownOperation
		}
		at, known := nameAt[name]
		if !known || seen.has(at) {
			return UnknownOperation
		}
		seen.add(at)
		text, ok := r.unescape(rawValue, true)
		if !ok || !validKey(text, true) || !queryNames[at].value.fits(text) {
			return UnknownOperation
		}
		switch n := &queryNames[at]; {
		case n.mark:
			q.marks.add(at)
		case n.signature:
			q.signed.add(at)
		default:
			q.params.add(at)
		}
		p := parameter{text, true, strings.IndexByte(rawValue, '+') >= 0}
		switch at {
		case isPrefix:
			q.prefix = p
		case isDelimiter:
			q.delimiter = p
		case isMaxKeys:
			q.maxKeys = p
		case isVersionID:
			if p.plus {
				return UnknownOperation
			}
			q.versionID = text
		case isAlgorithm:
			q.algorithm = text
		case isCredential:
			q.credential = text
		case isDate:
			q.date = text
		case isSignedHeaders:
			q.signedHeaders = text
		case isXID:
			q.operation = text
		}
	}
	return None
}

// fits reports whether a value is what the name must have.
func (v value) fits(text string) bool {
	switch v {
	case noValue:
		return text == ""
	case someValue:
		return text != ""
	case digits:
		return decimal(text, 5)
	case two:
		return text == "2"
	}
	return true
}
