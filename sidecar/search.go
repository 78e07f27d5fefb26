package sidecar

import (
	"time"

	"github.com/valyala/fasthttp"

	"postern/index"
	"postern/internal/request"
)

// searching is how many searches work at once; others wait. Each is bounded
// (see index), so that the wait is, and checks keep the other cores.
const searching = 1

// search answers the three search endpoints (specification 3.2, 6).
func (s *Server) search(ctx *fasthttp.RequestCtx, st *state, at endpoint, began time.Time) int {
	snapshot, refused := s.asked(ctx, st)
	if refused != 0 {
		return refused
	}
	open := [...]request.Open{request.OpenSubject, request.OpenResource, request.OpenAction}[at-endpointSearchSubject]
	q, err := st.decoder.Search(ctx.Request.Body(), open, s.now(began))
	if err != nil {
		return refuse(ctx, 400, err.Error())
	}
	page := index.Page{Limit: q.Limit, Token: q.Token}
	var found index.Found
	s.searches <- struct{}{}
	defer func() { <-s.searches }()
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
