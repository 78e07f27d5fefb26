package search

import (
	"encoding/base64"
	"encoding/binary"
	"errors"

	"github.com/cespare/xxhash/v2"

	"postern/policy"
)

// ErrToken is what a search answers to a page's token that it did not give out,
// or that it gave out for another search.
var ErrToken = errors.New("this token is not of a page of this search; leave it out to begin at the first page")

// A token holds all that the next page needs, so that nothing is kept between
// pages, and a reload in between harms nothing: base64url of a check, the limit,
// and the last name looked at. The check tells tokens of other searches and
// damaged ones; it is no seal, as there is nothing to protect: whoever makes a
// token up begins at a place of its choice among names that it may search.
const (
	tokenCheck = 8
	maxToken   = 4096 // bytes, encoded
)

// markOf tells searches apart: what is searched, by whom, on what.
func markOf(kind byte, r *policy.Request) uint64 {
	h := xxhash.New()
	put := func(s string) {
		var length [8]byte
		binary.LittleEndian.PutUint64(length[:], uint64(len(s)))
		_, _ = h.Write(length[:])
		_, _ = h.WriteString(s)
	}
	put(string(kind))
	put(r.Principal.Org)
	for _, id := range r.Principal.IDs {
		put(id)
	}
	if kind != 'a' {
		put(r.Action)
	}
	put(r.Resource.Type)
	if kind != 'r' {
		put(r.Resource.ID)
	}
	return h.Sum64()
}

// pageToken is the token of the page behind the name last.
func pageToken(limit int, last string, mark uint64) string {
	b := make([]byte, tokenCheck, tokenCheck+binary.MaxVarintLen64+len(last))
	b = binary.AppendUvarint(b, uint64(limit))
	b = append(b, last...)
	binary.LittleEndian.PutUint64(b, xxhash.Sum64(b[tokenCheck:])^mark)
	return base64.RawURLEncoding.EncodeToString(b)
}

// readToken is the reverse; ok is false for what pageToken did not make of mark.
func readToken(text string, mark uint64) (limit int, last string, ok bool) {
	if len(text) > maxToken {
		return 0, "", false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < tokenCheck || binary.LittleEndian.Uint64(b) != xxhash.Sum64(b[tokenCheck:])^mark {
		return 0, "", false
	}
	n, size := binary.Uvarint(b[tokenCheck:])
	if size <= 0 || n == 0 || n > MaxLimit {
		return 0, "", false
	}
	return int(n), string(b[tokenCheck+size:]), true
}
