package sidecar

import (
	"bytes"
	"slices"
	"strings"
)

// endpoint is a place in table.
type endpoint uint8

// The endpoints that code names.
const (
	// endpointOther is of requests to no endpoint, and of those whose head could
	// not be read.
	endpointOther endpoint = iota
	// endpointEvaluation is on the plain path (repeat.go, counters.single).
	endpointEvaluation
)

// The paths that more than table needs.
const (
	pathEvaluation = "/access/v1/evaluation"
	pathMetadata   = "/.well-known/authzen-configuration"
)

// endpoints is how many rows table has.
const endpoints = 14

// table has a row for each endpoint: all that tells one from another.
var table = [...]struct {
	path, method string
	name         string // the label `endpoint` of the metrics
	metadata     string // the member of the metadata that has its URL, "" if none has
	// probe: it is for those who watch the process, and is answered where others
	// are not any more (places.go), and by Server.Watch.
	probe bool
	// below: paths that begin with the path and a slash belong to it too. method
	// "" is any.
	below bool
	// hosts: whoever has the secret may come with the Host and Origin of another.
	hosts bool
	// repeats: clients that keep a connection send the same head with each request,
	// and the answer 200 is JSON (repeat.go).
	repeats bool
	// forms: the heads that come over a connection are of one form (form.go).
	forms bool
	// has reports whether a server has the endpoint; nil is always.
	has  func(*Server) bool
	door door // either of the two
	page page
}{
	endpointOther:      {name: "other"},
	endpointEvaluation: {path: pathEvaluation, method: "POST", name: "evaluation", metadata: "access_evaluation_endpoint", repeats: true, door: evaluationDoor{}},
	{path: "/access/v1/evaluations", method: "POST", name: "evaluations", metadata: "access_evaluations_endpoint", door: batchDoor{}},
	{path: "/access/v1/search/subject", method: "POST", name: "search_subject", metadata: "search_subject_endpoint", door: searchSubject},
	{path: "/access/v1/search/resource", method: "POST", name: "search_resource", metadata: "search_resource_endpoint", door: searchResource},
	{path: "/access/v1/search/action", method: "POST", name: "search_action", metadata: "search_action_endpoint", door: searchAction},
	{path: pathMetadata, method: "GET", name: "metadata", page: metadataPage{}},
	{path: "/metrics", method: "GET", name: "metrics", probe: true, page: metricsPage{}},
	{path: "/healthz", method: "GET", name: "healthz", probe: true, page: healthPage{}},
	{path: "/readyz", method: "GET", name: "readyz", probe: true, page: readyPage{}},
	{path: "/v1/status", method: "GET", name: "status", page: statusPage{}},
	{path: pathAuthorize, below: true, name: "authorize", hosts: true, forms: true, has: func(s *Server) bool { return s.forward != nil }, door: forwardDoor{}},
	{path: "/ceph/v1/authorize", method: "POST", name: "ceph", repeats: true, has: func(s *Server) bool { return s.ceph != nil }, door: cephDoor{}},
	{path: "/minio/v1/authorize", method: "POST", name: "minio", repeats: true, has: func(s *Server) bool { return s.minio != nil }, door: minioDoor{}},
}

var _ = [endpoints]struct{}([len(table)]struct{}{}) // the two agree

// codes are the statuses that are ever answered.
var codes = [...]int{200, 400, 401, 403, 404, 405, 408, 413, 429, 431, 500, 503}

// codeOf returns the place of a status in codes. Any other counts as 500.
func codeOf(status int) int {
	for i, c := range codes {
		if c == status {
			return i
		}
	}
	return otherCode
}

var otherCode = slices.Index(codes[:], 500)

// find tells which endpoint a request's target names: the path as it was sent,
// byte for byte. Nothing is decoded or cleaned, so that no proxy in front can
// take one path for another.
func find(target []byte) endpoint {
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		target = target[:i]
	}
	for at := endpointOther + 1; at < endpoints; at++ {
		row := &table[at]
		if string(target) == row.path || row.below && len(target) > len(row.path) && target[len(row.path)] == '/' && string(target[:len(row.path)]) == row.path {
			return at
		}
	}
	return endpointOther
}

// find is find for the endpoints that the server has.
func (s *Server) find(target []byte) endpoint {
	if at := find(target); s.has(at) {
		return at
	}
	return endpointOther
}

// has reports whether the server has an endpoint.
func (s *Server) has(at endpoint) bool { return table[at].has == nil || table[at].has(s) }

// probes names the probes' paths in a sentence.
var probes = func() string {
	var paths []string
	for _, e := range table {
		if e.probe {
			paths = append(paths, e.path)
		}
	}
	last := len(paths) - 1
	return strings.Join(paths[:last], ", ") + " and " + paths[last]
}()
