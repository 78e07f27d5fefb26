package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"postern/index"
	"postern/internal/compare"
	"postern/internal/diagnostic"
	"postern/internal/policyjson"
	"postern/loader"
	"postern/policy"
)

// policyTexts are the contents of bucket files, each kept once: most of many
// are equal in the two directories that are compared.
type policyTexts struct {
	mutex sync.Mutex
	texts map[string]string
}

func (t *policyTexts) keep(data []byte) string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if text, ok := t.texts[string(data)]; ok {
		return text
	}
	if t.texts == nil {
		t.texts = map[string]string{}
	}
	text := string(data)
	t.texts[text] = text
	return text
}

// sideFiles gathers the files of a directory while it is loaded.
type sideFiles struct {
	texts    *policyTexts
	limits   policyjson.Limits
	mutex    sync.Mutex
	policies map[string]*policy.Document       // by path
	access   map[string]*policy.AccessDocument // by path
	buckets  map[string]string                 // content by path
	names    map[string]struct{}               // of all buckets
}

// inspect is loader.Config.Inspect. It keeps nothing of what it is given, and
// so reads organizations' files anew.
func (s *sideFiles) inspect(path, bucket string, data []byte, f policyjson.File) []policy.Diagnostic {
	switch {
	case bucket != "":
		text := s.texts.keep(data)
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.buckets[path], s.names[strings.Clone(bucket)] = text, struct{}{}
	case f.Document != nil:
		doc, _ := policyjson.ParseOrganization(path, slices.Clone(data), s.limits)
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.policies[path] = doc
	case f.Access != nil:
		doc, _ := policyjson.ParseAccess(path, slices.Clone(data), s.limits)
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.access[path] = doc
	default:
		s.mutex.Lock()
		defer s.mutex.Unlock()
		for _, name := range f.Buckets {
			s.names[strings.Clone(name)] = struct{}{}
		}
	}
	return nil
}

// readSide loads a policy directory for a comparison, and returns how it is. If
// a unit of it is quarantined, that has been told on errs, and there is no side.
func readSide(ctx context.Context, p *policyFlags, texts *policyTexts, errs io.Writer) (compare.Side, *policy.Status, error) {
	files := sideFiles{texts: texts, policies: map[string]*policy.Document{}, access: map[string]*policy.AccessDocument{},
		buckets: map[string]string{}, names: map[string]struct{}{}}
	current := new(index.Current)
	config := p.config(current, slog.New(slog.DiscardHandler))
	config.PassHold, config.Inspect = true, files.inspect
	l, err := loader.New(config)
	if err != nil {
		return compare.Side{}, nil, err
	}
	if err := l.Load(ctx); err != nil {
		return compare.Side{}, nil, err
	}
	status := l.Status()
	if len(status.Quarantined) > 0 {
		for _, q := range status.Quarantined {
			if err := diagnostic.Print(errs, inDirectory(p.policies, q.Diagnostics), nil, diagnostic.Options{}); err != nil {
				return compare.Side{}, nil, err
			}
		}
		return compare.Side{}, status, nil
	}
	side := compare.Side{
		PlatformOrganizations: p.platformOrgs.list,
		Organizations:         map[string]*policy.DirectoryOrganization{},
		Buckets:               map[string]compare.BucketFile{},
		Snapshot:              current.Load(),
	}
	only := p.defaultOrg
	for _, o := range status.Organizations {
		side.Organizations[o.Name] = &policy.DirectoryOrganization{}
		if o.Name != p.defaultOrg {
			only = ""
		}
	}
	side.DefaultOrganization = only
	organization := func(path string) *policy.DirectoryOrganization {
		name, _, _ := strings.Cut(path, "/")
		return side.Organizations[name]
	}
	for path, doc := range files.policies {
		if o := organization(path); o != nil {
			o.Policies = append(o.Policies, doc)
		}
	}
	for path, doc := range files.access {
		if o := organization(path); o != nil {
			o.Access = append(o.Access, doc)
		}
	}
	for name := range files.names {
		b, ok := side.Snapshot.Bucket(name)
		if !ok {
			continue
		}
		file := compare.BucketFile{Owner: b.Owner, Claimants: b.Claimants, HasPolicy: b.Policy != nil}
		if file.HasPolicy {
			path := b.Owner + "/buckets/" + name + ".json"
			text, read := files.buckets[path]
			if !read {
				return compare.Side{}, nil, fmt.Errorf("%s changed while it was read; try again", path)
			}
			file.Content = text
			file.Read = func() *policy.Document {
				doc, _ := policyjson.ParseBucket(path, name, []byte(text), policyjson.Limits{})
				return doc
			}
		}
		side.Buckets[name] = file
	}
	return side, status, nil
}

// inDirectory puts the directory in front of the paths of diagnostics.
func inDirectory(dir string, ds []policy.Diagnostic) []policy.Diagnostic {
	out := slices.Clone(ds)
	for i := range out {
		out[i].Position.File = strings.TrimSuffix(dir, "/") + "/" + out[i].Position.File
	}
	return out
}
