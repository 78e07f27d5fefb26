package explorer

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"postern/index"
	"postern/internal/policyjson"
	"postern/internal/request"
	"postern/policy"
)

// matrixIn asks who may do what: principals against the actions of one resource, or
// against the buckets of an organization for one action.
type matrixIn struct {
	Side         int    `json:"side"`
	Organization string `json:"organization"` // of the callers
	Bucket       string `json:"bucket"`
	Key          string `json:"key"` // for actions on objects
	// Actions are the columns; of one action, Buckets are.
	Actions []string `json:"actions"`
	Buckets []string `json:"buckets"`
	// Filter is what a principal's name has to contain.
	Filter  string          `json:"filter"`
	Context json.RawMessage `json:"context"`
}

// matrixOut has a row for each principal and each pattern, and a cell for each column,
// which is a number in Kinds.
type matrixOut struct {
	Columns []columnOut `json:"columns"`
	Rows    []rowOut    `json:"rows"`
	Kinds   []kindOut   `json:"kinds"`
	// More is how many rows were left out.
	More int `json:"more"`
}

// columnOut is one column; Problem says why it cannot be asked.
type columnOut struct {
	Action     string `json:"action"`
	Resource   string `json:"resource"`
	Type       string `json:"type"`
	Evaluation any    `json:"evaluation,omitempty"`
	Problem    string `json:"problem,omitempty"`
}

// rowOut is one principal, or with Wide all that a wildcard stands for, of which ID is
// one that no policy names.
type rowOut struct {
	Name  string `json:"name"`
	ID    string `json:"id"`
	Wide  bool   `json:"wide"`
	Cells []int  `json:"cells"`
}

// kindOut is what a cell says.
type kindOut struct {
	// Decision is "allow", "deny" or "conditional": then it depends on the context.
	Decision string   `json:"decision"`
	Allowed  bool     `json:"allowed"` // as things stand
	Reason   string   `json:"reason"`
	Layer    string   `json:"layer"`
	Keys     []string `json:"keys,omitempty"`
}

// The bounds of one matrix.
const (
	maxRows    = 500
	maxColumns = 200
	maxCells   = 40_000
)

// fresh is a name that no policy has, for what a wildcard stands for.
const fresh = "zz-nobody-has-this-name"

// matrix answers a matrix.
func (s *Server) matrix(ctx context.Context, in matrixIn) (matrixOut, error) {
	side, snapshot, err := s.side(ctx, in.Side)
	if err != nil {
		return matrixOut{}, err
	}
	columns, requests, err := columnsOf(&in)
	if err != nil {
		return matrixOut{}, err
	}
	work, err := s.work.begin(ctx)
	if err != nil {
		return matrixOut{}, err
	}
	defer s.work.end()
	m := table{snapshot: snapshot, conditions: conditions{files: reader{side: side}}, numbers: map[kindKey]int{}}
	out := matrixOut{Columns: columns, Rows: rowsOf(snapshot, side, &in)}
	most := min(maxRows, maxCells/max(len(columns), 1))
	if out.More = max(len(out.Rows)-most, 0); out.More > 0 {
		out.Rows = out.Rows[:most]
	}
	for i := range out.Rows {
		row := &out.Rows[i]
		row.Cells = make([]int, len(columns))
		for c, r := range requests {
			if err := work.more(); err != nil {
				return matrixOut{}, err
			}
			row.Cells[c] = -1
			if r != nil {
				row.Cells[c] = m.cell(r, row.ID)
			}
		}
	}
	for i := range columns {
		if requests[i] != nil {
			requests[i].Principal.IDs = []string{"role/x"}
			columns[i].Evaluation = s.config.Evaluation(requests[i])
		}
	}
	out.Kinds = m.kinds
	return out, nil
}

// columnsOf returns the columns, and for each that can be asked a request whose caller
// is filled in later.
func columnsOf(in *matrixIn) ([]columnOut, []*policy.Request, error) {
	var columns []columnOut
	add := func(action, bucket string) {
		c := columnOut{Action: action, Resource: bucket, Type: "bucket"}
		if id, ok := lookup(action); ok {
			c.Type = typeOf(id)
		}
		switch c.Type {
		case "object":
			c.Resource = bucket + "/" + in.Key
		case "organization":
			c.Resource = "*"
		}
		columns = append(columns, c)
	}
	if len(in.Buckets) > 0 {
		if len(in.Actions) != 1 {
			return nil, nil, badRequest{fmt.Errorf("buckets are compared for one action")}
		}
		for _, b := range in.Buckets {
			add(in.Actions[0], b)
		}
	} else {
		for _, a := range in.Actions {
			add(a, in.Bucket)
		}
	}
	if len(columns) > maxColumns {
		return nil, nil, badRequest{fmt.Errorf("a matrix has at most %d columns", maxColumns)}
	}
	requests := make([]*policy.Request, len(columns))
	now := time.Now().Unix()
	for i := range columns {
		c := &columns[i]
		body := map[string]any{
			"subject":  map[string]any{"type": "role", "id": "x", "properties": map[string]any{"org": in.Organization}},
			"action":   map[string]any{"name": c.Action},
			"resource": map[string]any{"type": c.Type, "id": c.Resource},
		}
		if len(in.Context) > 0 {
			body["context"] = in.Context
		}
		data, err := json.Marshal(body)
		if err != nil {
			return nil, nil, badRequest{err}
		}
		r, err := new(request.Decoder).Evaluation(data, now)
		if err != nil {
			c.Problem = err.Error()
			continue
		}
		requests[i] = r
	}
	return columns, requests, nil
}

// rowsOf returns the rows: first what wildcards stand for, then the principals that
// policies name.
func rowsOf(snapshot *index.Snapshot, side *Side, in *matrixIn) []rowOut {
	known := snapshot.Principals(in.Organization, in.Bucket)
	wide := map[string]string{} // a pattern's text, and a name that it matches
	for _, p := range append([]string{"role/"}, known...) {
		provider, _, _ := strings.Cut(p, "/")
		if provider != "token" {
			wide["any other "+provider+"/* of "+in.Organization] = provider + "/" + fresh
		}
	}
	for _, doc := range policiesOf(snapshot, side, in) {
		for _, st := range doc.Statements {
			for _, p := range st.Principals {
				if p.Kind == policy.PrincipalPrefix && (p.Org == "" || p.Org == in.Organization) && !strings.HasSuffix(p.Name, "/") {
					wide[p.Name+"* of "+in.Organization] = p.Name + fresh
				}
			}
		}
	}
	rows := []rowOut{}
	add := func(name, id string, wide bool) {
		if strings.Contains(name, in.Filter) {
			rows = append(rows, rowOut{Name: name, ID: id, Wide: wide})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wide)) {
		add(name, wide[name], true)
	}
	for _, name := range known {
		add(name, name, false)
	}
	return rows
}

// policiesOf reads the policies that name principals of a matrix: those of the
// organization, and that of the bucket.
func policiesOf(snapshot *index.Snapshot, side *Side, in *matrixIn) (out []*policy.Document) {
	files := reader{side: side}
	if _, ok := snapshot.Organization(in.Organization); ok {
		for _, f := range listed(side.Files, in.Organization) {
			if f.Folder != "access-policies" {
				continue
			}
			path := f.path(in.Organization)
			if doc, _ := policyjson.ParseOrganization(path, files.read(path), policyjson.Limits{}); doc != nil {
				out = append(out, doc)
			}
		}
	}
	if b, ok := snapshot.Bucket(in.Bucket); ok && b.Policy != nil {
		path := b.Owner + "/buckets/" + in.Bucket + ".json"
		if doc, _ := policyjson.ParseBucket(path, in.Bucket, files.read(path), policyjson.Limits{}); doc != nil {
			out = append(out, doc)
		}
	}
	return out
}

// table works out cells, and gives each kind of cell a number.
type table struct {
	snapshot   *index.Snapshot
	scratch    index.Scratch
	conditions conditions
	kinds      []kindOut
	numbers    map[kindKey]int
}

// kindKey tells kinds of cells apart.
type kindKey struct {
	decision            string
	allowed             bool
	reason, layer, keys string
}

// nothingSeen is the sight of one who sees no key: what is not stated may be anything,
// so what is allowed nevertheless depends on no context (specification 7, Keys).
var nothingSeen = &policy.KeySet{}

// cell decides a request for one caller.
func (t *table) cell(r *policy.Request, caller string) int {
	r.Principal.IDs = []string{caller}
	d := t.snapshot.Decide(r, &t.scratch)
	k := kindOut{Decision: "deny", Allowed: d.Outcome == policy.Allow, Reason: d.Reason.String(), Layer: d.Layer.String()}
	if k.Allowed {
		k.Decision = "allow"
		r.Seen = nothingSeen
		if t.snapshot.Decide(r, &t.scratch).Outcome != policy.Allow {
			k.Decision, k.Keys = "conditional", t.keys(r)
		}
		r.Seen = nil
	} else if keys := t.keys(r); len(keys) > 0 {
		k.Decision, k.Keys = "conditional", keys
	}
	is := kindKey{k.Decision, k.Allowed, k.Reason, k.Layer, strings.Join(k.Keys, "\n")}
	number, ok := t.numbers[is]
	if !ok {
		number = len(t.kinds)
		t.numbers[is] = number
		t.kinds = append(t.kinds, k)
	}
	return number
}

// keys are the condition keys because of which a request is denied, if it is because
// of conditions alone.
func (t *table) keys(r *policy.Request) []string {
	e := t.snapshot.Explain(r)
	keys := map[string]bool{}
	switch n := e.Nearest; {
	case len(e.Determining) > 0:
		for _, ref := range e.Determining {
			of := t.conditions.of(ref)
			if len(of) == 0 {
				return nil
			}
			for _, key := range of {
				keys[key] = true
			}
		}
	case n != nil && len(n.Failed) == 1 && n.Failed[0] == "condition":
		for _, c := range n.Conditions {
			keys[c.Key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// conditions tells which keys the conditions of statements have.
type conditions struct {
	files     reader
	documents map[string]*policy.Document
}

// of returns the keys of a statement of an organization or a bucket policy.
func (c *conditions) of(ref policy.StatementRef) (keys []string) {
	doc, read := c.documents[ref.File]
	if !read {
		data := c.files.read(ref.File)
		switch ref.Layer {
		case policy.LayerOrganization:
			doc, _ = policyjson.ParseOrganization(ref.File, data, policyjson.Limits{})
		case policy.LayerBucket:
			name := strings.TrimSuffix(ref.File[strings.LastIndexByte(ref.File, '/')+1:], ".json")
			doc, _ = policyjson.ParseBucket(ref.File, name, data, policyjson.Limits{})
		}
		if c.documents == nil {
			c.documents = map[string]*policy.Document{}
		}
		c.documents[ref.File] = doc
	}
	if doc == nil || ref.Index >= len(doc.Statements) {
		return nil
	}
	for _, condition := range doc.Statements[ref.Index].Conditions {
		keys = append(keys, condition.Key)
	}
	return keys
}
