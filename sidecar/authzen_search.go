package sidecar

import (
	"time"

	"postern/index"
	"postern/internal/request"
	"postern/policy"
)

// searchDoor is the door of one of the three searches (specification 3.2, 6).
type searchDoor struct {
	authzen
	open   request.Open
	find   func(*index.Snapshot, *policy.Request, index.Page) (index.Found, error)
	before func(*policy.Request) string // the beginning of each result, up to its name
}

var (
	searchSubject = searchDoor{open: request.OpenSubject, find: (*index.Snapshot).SearchSubjects, before: func(r *policy.Request) string {
		typ := r.Principal.IDs[0]
		return typed(typ[:len(typ)-1])
	}}
	searchResource = searchDoor{open: request.OpenResource, find: (*index.Snapshot).SearchResources, before: func(r *policy.Request) string {
		return typed(r.Resource.Type)
	}}
	searchAction = searchDoor{open: request.OpenAction, find: (*index.Snapshot).SearchActions, before: func(*policy.Request) string {
		return `{"name":`
	}}
)

func typed(typ string) string { return `{"type":` + string(appendString(nil, typ)) + `,"id":` }

// What one page costs at most: a page that reaches it is short, and has a token.
const (
	pageTime  = time.Second // of work, the wait for turns left out
	pageBytes = 1 << 20     // of names
)

func (s searchDoor) ask(x *exchange) reply {
	if status, message := s.head(x); status != 0 {
		return s.refuse(status, message)
	}
	q, err := x.decoder.Search(x.body, s.open, x.now)
	if err != nil {
		return s.refuse(400, err.Error())
	}
	org := q.Request.Principal.Org
	if !x.work() || !x.task.turn(org, time.Now()) {
		return x.unfinished()
	}
	found, err := s.find(x.snapshot, q.Request, index.Page{Limit: q.Limit, Token: q.Token, Bytes: pageBytes,
		More: func() bool { return x.task.goOn(org) && x.task.worked < pageTime }})
	switch {
	case err != nil:
		return s.refuse(400, "page.token: "+err.Error())
	case x.task.stopped != goesOn:
		return x.unfinished()
	}
	x.buf = appendFound(x.buf[:0], &found, s.before(q.Request))
	return x.json(200)
}
