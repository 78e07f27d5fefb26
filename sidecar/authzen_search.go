package sidecar

import (
	"time"

	"github.com/valyala/fasthttp"

	"postern/index"
	"postern/internal/request"
)

// What one page costs at most: a page that reaches it is short, and has a token.
const (
	pageTime  = time.Second // of work, the wait for turns left out
	pageBytes = 1 << 20     // of names
)

// search answers the three search endpoints (specification 3.2, 6).
func (s *Server) search(ctx *fasthttp.RequestCtx, st *state, at endpoint, body []byte, began time.Time) int {
	snapshot, refused := s.asked(ctx, st)
	if refused != 0 {
		return refused
	}
	open := [...]request.Open{request.OpenSubject, request.OpenResource, request.OpenAction}[at-endpointSearchSubject]
	q, err := st.decoder.Search(body, open, s.now(began))
	if err != nil {
		return refuse(ctx, 400, err.Error())
	}
	org := q.Request.Principal.Org
	if !st.task.begin(s, st.conn, began, body) || !st.task.turn(org, time.Now()) {
		return st.task.unfinished(ctx)
	}
	page := index.Page{Limit: q.Limit, Token: q.Token, Bytes: pageBytes,
		More: func() bool { return st.task.goOn(org) && st.task.worked < pageTime }}
	var found index.Found
	switch open {
	case request.OpenSubject:
		found, err = snapshot.SearchSubjects(q.Request, page)
	case request.OpenResource:
		found, err = snapshot.SearchResources(q.Request, page)
	default:
		found, err = snapshot.SearchActions(q.Request, page)
	}
	if err != nil {
		return refuse(ctx, 400, "page.token: "+err.Error())
	}
	if st.task.stopped != goesOn {
		return st.task.unfinished(ctx)
	}
	before := `{"name":`
	switch open {
	case request.OpenSubject:
		typ := q.Request.Principal.IDs[0]
		before = `{"type":` + string(appendString(nil, typ[:len(typ)-1])) + `,"id":`
	case request.OpenResource:
		before = `{"type":` + string(appendString(nil, q.Request.Resource.Type)) + `,"id":`
	}
	st.buf = appendFound(st.buf[:0], &found, before)
	return s.json(ctx, st, 200)
}
