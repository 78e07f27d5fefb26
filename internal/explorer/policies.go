package explorer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"postern/index"
	"postern/internal/policyjson"
	"postern/policy"
)

// names remembers the buckets of each organization, of one generation of one
// snapshot.
type names struct {
	mutex   sync.Mutex
	of      *index.Snapshot
	buckets map[string][]string
}

// bucketsOf returns the buckets of an organization, sorted.
func (n *names) bucketsOf(s *index.Snapshot, org string) []string {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.of != s {
		n.of, n.buckets = s, map[string][]string{}
		for name, owner := range s.Buckets() {
			n.buckets[owner] = append(n.buckets[owner], name)
		}
		for _, list := range n.buckets {
			slices.Sort(list)
		}
	}
	return n.buckets[org]
}

// bucketsIn asks for a part of the buckets of an organization.
type bucketsIn struct {
	Side         int    `json:"side"`
	Organization string `json:"organization"`
	// Filter is what names have to contain.
	Filter string `json:"filter"`
	From   int    `json:"from"`
	Limit  int    `json:"limit"`
}

type bucketsOut struct {
	Total   int         `json:"total"`
	Buckets []bucketOut `json:"buckets"`
}

// bucketOut is one bucket of a list.
type bucketOut struct {
	Name       string `json:"name"`
	Policy     bool   `json:"policy"`
	Broken     bool   `json:"broken"`
	Statements int    `json:"statements"`
	Contested  bool   `json:"contested"`
}

// maxListed bounds one part of a list.
const maxListed = 500

// buckets answers a part of the buckets of an organization.
func (s *Server) buckets(ctx context.Context, in bucketsIn) (bucketsOut, error) {
	_, snapshot, err := s.side(ctx, in.Side)
	if err != nil {
		return bucketsOut{}, err
	}
	if in.From < 0 || in.Limit < 0 || in.Limit > maxListed {
		return bucketsOut{}, badRequest{fmt.Errorf("a part has 0 to %d names", maxListed)}
	}
	out := bucketsOut{Buckets: []bucketOut{}}
	for _, name := range s.names.bucketsOf(snapshot, in.Organization) {
		if !strings.Contains(name, in.Filter) {
			continue
		}
		if out.Total >= in.From && len(out.Buckets) < in.Limit {
			b, _ := snapshot.Bucket(name)
			o := bucketOut{Name: name, Policy: b.Policy != nil, Broken: b.PolicyUnavailable, Contested: len(b.Claimants) > 0}
			if b.Policy != nil {
				o.Statements = b.Policy.Len()
			}
			out.Buckets = append(out.Buckets, o)
		}
		out.Total++
	}
	return out, nil
}

// documentsIn asks for the files of an organization beside those of its buckets; ""
// asks for the organizations alone.
type documentsIn struct {
	Side         int    `json:"side"`
	Organization string `json:"organization"`
}

type documentsOut struct {
	Organizations []organizationOut `json:"organizations"`
	Files         []fileOut         `json:"files"`
}

// organizationOut is one organization of the tree.
type organizationOut struct {
	Name        string `json:"name"`
	Statements  int    `json:"statements"`
	Buckets     int    `json:"buckets"`
	Files       int    `json:"files"`
	Quarantined int    `json:"quarantined"`
}

// fileOut is one file of an organization; Folder is "" for its buckets.json.
type fileOut struct {
	Folder   string `json:"folder"`
	Name     string `json:"name"`
	Broken   bool   `json:"broken"`
	Warnings int    `json:"warnings"`
}

// folders are those of an organization whose files are listed whole.
var folders = []string{"access-policies", "iam"}

// documents answers the tree of a directory.
func (s *Server) documents(ctx context.Context, in documentsIn) (documentsOut, error) {
	side, _, err := s.side(ctx, in.Side)
	if err != nil {
		return documentsOut{}, err
	}
	out := documentsOut{Organizations: []organizationOut{}, Files: []fileOut{}}
	status := side.Status()
	known := false
	for _, o := range status.Organizations {
		quarantined := 0
		for _, q := range status.Quarantined {
			if strings.HasPrefix(q.Unit, o.Name+"/") {
				quarantined++
			}
		}
		out.Organizations = append(out.Organizations, organizationOut{o.Name, o.Statements, o.Buckets, o.Files, quarantined})
		known = known || o.Name == in.Organization
	}
	if !known {
		return out, nil
	}
	for _, f := range listed(side.Files, in.Organization) {
		path := f.path(in.Organization)
		f.Broken = broken(status, path)
		for _, w := range status.Warnings {
			if w.Position.File == path {
				f.Warnings++
			}
		}
		out.Files = append(out.Files, f)
	}
	return out, nil
}

// path is where a file lies below the policy directory.
func (f fileOut) path(org string) string {
	if f.Folder == "" {
		return org + "/" + f.Name
	}
	return org + "/" + f.Folder + "/" + f.Name
}

// listed are the policy files of an organization as its folders list them, those of
// its buckets aside.
func listed(files fs.FS, org string) (out []fileOut) {
	for _, folder := range append([]string{""}, folders...) {
		path := org
		if folder != "" {
			path += "/" + folder
		}
		entries, err := fs.ReadDir(files, path)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if folder == "" && e.Name() == "buckets.json" || folder != "" && strings.HasSuffix(e.Name(), ".json") && !strings.HasPrefix(e.Name(), ".") {
				out = append(out, fileOut{Folder: folder, Name: e.Name()})
			}
		}
	}
	return out
}

// broken reports that a file is of a unit that is quarantined.
func broken(status *policy.Status, path string) bool {
	return slices.ContainsFunc(status.Quarantined, func(q policy.QuarantinedUnit) bool {
		return q.Unit == path || strings.HasPrefix(path, q.Unit+"/")
	})
}

// documentIn asks for one file: that of a bucket, or one that documents listed.
type documentIn struct {
	Side         int    `json:"side"`
	Organization string `json:"organization"`
	Bucket       string `json:"bucket"`
	Folder       string `json:"folder"`
	Name         string `json:"name"`
}

// documentOut is a file with what is known of it.
type documentOut struct {
	File       string         `json:"file"`
	Text       string         `json:"text"`
	Cut        bool           `json:"cut"`
	Statements []statementOut `json:"statements"`
	Notes      []note         `json:"notes"`
}

// statementOut is a statement and what it matches today.
type statementOut struct {
	Name    string `json:"name"`
	Index   int    `json:"index"`
	Line    int    `json:"line"`
	Effect  string `json:"effect"`
	Matches string `json:"matches"`
}

// note is an error or a warning at its line.
type note struct {
	Line     int    `json:"line"`
	Severity string `json:"severity"`
	Text     string `json:"text"`
}

// maxText bounds the part of a file that is shown, in bytes.
const maxText = 1 << 20

// document answers one file. Its path is made of names that the snapshot or a listing
// has: what the page sends is only looked up there.
func (s *Server) document(ctx context.Context, in documentIn) (documentOut, error) {
	side, snapshot, err := s.side(ctx, in.Side)
	if err != nil {
		return documentOut{}, err
	}
	path := pathOf(side, snapshot, in)
	if path == "" {
		return documentOut{}, errNoFile
	}
	out := documentOut{File: path, Statements: []statementOut{}, Notes: []note{}}
	data, err := fs.ReadFile(side.Files, path)
	if err != nil {
		return documentOut{}, fmt.Errorf("the file cannot be read now")
	}
	status := side.Status()
	for _, w := range status.Warnings {
		if w.Position.File == path {
			out.Notes = append(out.Notes, note{w.Position.Line, "warning", w.Text()})
		}
	}
	for _, q := range status.Quarantined {
		for _, d := range q.Diagnostics {
			if d.Position.File == path {
				out.Notes = append(out.Notes, note{d.Position.Line, "error", d.Text()})
			}
		}
	}
	doc := parsed(path, in.Bucket, in.Folder, data)
	if doc != nil {
		m := s.matching(snapshot, in)
		for i := range doc.Statements {
			st := &doc.Statements[i]
			out.Statements = append(out.Statements, statementOut{st.Name, i, st.Line, st.Effect.String(), m.describe(st)})
		}
	}
	if out.Cut = len(data) > maxText; out.Cut {
		data = data[:maxText]
	}
	out.Text = strings.ToValidUTF8(string(data), "\ufffd")
	return out, nil
}

// errNoFile is told of a file that no listing has.
var errNoFile = badRequest{errors.New("there is no such file")}

// pathOf returns where a file that was asked for lies, from the names that the
// snapshot or a listing has; "" if they have none such.
func pathOf(side *Side, snapshot *index.Snapshot, in documentIn) string {
	if in.Bucket != "" {
		if b, ok := snapshot.Bucket(in.Bucket); ok && (b.Policy != nil || b.PolicyUnavailable) {
			return b.Owner + "/buckets/" + in.Bucket + ".json"
		}
		return ""
	}
	if _, ok := snapshot.Organization(in.Organization); ok {
		for _, f := range listed(side.Files, in.Organization) {
			if f.Folder == in.Folder && f.Name == in.Name {
				return f.path(in.Organization)
			}
		}
	}
	return ""
}

// parsed returns the statements of a bucket's or an organization's file; nil of others,
// and if they cannot be read.
func parsed(path, bucket, folder string, data []byte) (doc *policy.Document) {
	if bucket != "" {
		doc, _ = policyjson.ParseBucket(path, bucket, data, policyjson.Limits{})
	} else if folder == "access-policies" {
		doc, _ = policyjson.ParseOrganization(path, data, policyjson.Limits{})
	}
	return doc
}
