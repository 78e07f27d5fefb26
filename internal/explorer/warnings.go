package explorer

import (
	"cmp"
	"context"
	"io/fs"
	"slices"
	"strings"

	"postern/index"
	"postern/internal/lint"
	"postern/internal/policyjson"
	"postern/policy"
)

// warningsIn asks for what `postern validate` warns of in an organization.
type warningsIn struct {
	Side         int    `json:"side"`
	Organization string `json:"organization"`
}

type warningsOut struct {
	Warnings []warningOut `json:"warnings"`
	// Left is how many buckets were not looked at.
	Left int `json:"left"`
}

// warningOut is one warning; Bucket, or Folder and Name, are what document is asked by.
type warningOut struct {
	File   string `json:"file"`
	Bucket string `json:"bucket"`
	Folder string `json:"folder"`
	Name   string `json:"name"`
	Line   int    `json:"line"`
	Code   string `json:"code"`
	Text   string `json:"text"`
}

// maxLinted is how many buckets are looked at for their warnings.
const maxLinted = 5000

// warnings looks at the files of an organization as `postern validate` does.
func (s *Server) warnings(ctx context.Context, in warningsIn) (warningsOut, error) {
	side, snapshot, err := s.side(ctx, in.Side)
	if err != nil {
		return warningsOut{}, err
	}
	out := warningsOut{Warnings: []warningOut{}}
	if _, ok := snapshot.Organization(in.Organization); !ok {
		return out, nil
	}
	work, err := s.work.begin(ctx)
	if err != nil {
		return warningsOut{}, err
	}
	defer s.work.end()
	found, left, err := s.lint(side, snapshot, in.Organization, work)
	if err != nil {
		return warningsOut{}, err
	}
	out.Left = left
	for _, d := range found {
		w := warningOut{File: d.Position.File, Line: d.Position.Line, Code: d.Code.String(), Text: d.Text()}
		rest := strings.TrimPrefix(d.Position.File, in.Organization+"/")
		if name, ok := strings.CutPrefix(rest, "buckets/"); ok {
			w.Bucket = strings.TrimSuffix(name, ".json")
		} else if folder, name, ok := strings.Cut(rest, "/"); ok {
			w.Folder, w.Name = folder, name
		} else {
			w.Name = rest
		}
		out.Warnings = append(out.Warnings, w)
	}
	return out, nil
}

// lint returns the warnings about the files of an organization, sorted, and how many
// buckets it did not look at.
func (s *Server) lint(side *Side, snapshot *index.Snapshot, org string, work *pace) (found []policy.Diagnostic, left int, err error) {
	var organizations, lists []string
	for _, o := range side.Status().Organizations {
		organizations = append(organizations, o.Name)
		if _, err := fs.Stat(side.Files, o.Name+"/buckets.json"); err == nil {
			lists = append(lists, o.Name)
		}
	}
	known := lint.NewDirectory(organizations, lists)
	files := reader{side: side}
	look := func(path, bucket string, parse func(data []byte) (policyjson.File, []policy.Diagnostic)) {
		data := files.read(path)
		if data == nil {
			return
		}
		f, ds := parse(data)
		found = append(found, ds...)
		if !policy.HasErrors(ds) {
			found = append(found, known.Warnings(path, bucket, data, f)...)
		}
	}
	for _, f := range listed(side.Files, org) {
		if f.Folder == "" {
			continue
		}
		if err := work.more(); err != nil {
			return nil, 0, err
		}
		path := f.path(org)
		look(path, "", func(data []byte) (policyjson.File, []policy.Diagnostic) {
			return policyjson.Parse(path, data, policyjson.Limits{})
		})
	}
	names := s.names.bucketsOf(snapshot, org)
	looked := 0
	for i, name := range names {
		b, _ := snapshot.Bucket(name)
		if b.Policy == nil && !b.PolicyUnavailable {
			continue
		}
		if looked++; looked > maxLinted {
			left = len(names) - i
			break
		}
		if err := work.more(); err != nil {
			return nil, 0, err
		}
		path := org + "/buckets/" + name + ".json"
		look(path, name, func(data []byte) (policyjson.File, []policy.Diagnostic) {
			doc, ds := policyjson.ParseBucket(path, name, data, policyjson.Limits{})
			return policyjson.File{Kind: policy.KindBucket, Document: doc}, ds
		})
		delete(files.data, path)
	}
	found = append(found, known.Whole(func(path string) []byte { return files.read(path) }, func(bucket string) bool {
		_, ok := snapshot.Bucket(bucket)
		return ok
	})...)
	slices.SortStableFunc(found, func(a, b policy.Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Position.File, b.Position.File), cmp.Compare(a.Position.Line, b.Position.Line), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(found), left, nil
}
