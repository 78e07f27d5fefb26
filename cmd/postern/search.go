package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"postern/index"
	"postern/internal/request"
	"postern/policy"
)

const searchExamples = `Who may delete objects of this bucket?
  postern search -policies /etc/postern subjects -org acme -type role -action s3:DeleteObject -resource my-bucket/key

Which buckets can this role list, and what may it do with one of them?
  postern search -policies /etc/postern resources -org acme -principal role/Admin -action s3:ListBucket -type bucket
  postern search -policies /etc/postern actions -org acme -principal role/Admin -resource-type bucket -resource my-bucket

Which stacks can this user read? Who may read the audit log?
  postern search -policies /etc/postern resources -org acme -principal pulumi/alice -action stack:read -type stack
  postern search -policies /etc/postern subjects -org acme -type pulumi -action audit_logs:read -json

Only what policies name without wildcard, and the buckets of the directory, are
known and can be listed. Where a wildcard may allow others too, its pattern is
printed after the list, with the statement that it stands in.

Exit status: 0 something was found, a pattern included; 1 nothing was found, and
no pattern may allow anything; 2 error.
`

type searchOptions struct {
	checkOptions
	typ, resourceType string
	limit             int
}

func (o *searchOptions) define(fs *flags) {
	o.policyFlags.define(fs)
	fs.StringVar(&o.typ, "type", "", "the `TYPE` to find: for subjects a provider, as in role; for resources bucket, object, organization, stack, ...")
	fs.Var(&o.principals, "principal", "`ID` of the caller, as provider/name; may be repeated. Of subjects, what each has beside its own")
	fs.organization(&o.org, "org", "`ORG`: the caller's organization")
	fs.Var(&o.groups, "group", "IAM `GROUP` of the caller; may be repeated")
	fs.organization(&o.resourceOrg, "resource-org", "`ORG`: the organization that owns the resource, where the directory does not say")
	fs.StringVar(&o.action, "action", "", "the `ACTION`, as in s3:GetObject")
	fs.StringVar(&o.resource, "resource", "*", "the `RESOURCE`: BUCKET, BUCKET/KEY, type:id, or * for the whole organization")
	fs.StringVar(&o.resourceType, "resource-type", "", "for actions: the `TYPE` of -resource, which then is the id alone")
	fs.Var(&o.context, "context", "condition key and value, as `KEY=VALUE`; may be repeated, the same key for a list")
	fs.IntVar(&o.limit, "limit", 0, "`N`: find at most so many; 0 finds all")
	fs.BoolVar(&o.json, "json", false, "print JSON")
}

// searches are the words for what is searched.
var searches = map[string]request.Open{"subjects": request.OpenSubject, "resources": request.OpenResource, "actions": request.OpenAction}

func runSearch(args []string, env lookup, _ io.Reader, out, errs io.Writer) int {
	fs := newFlags("search", "search -policies DIR subjects|resources|actions [flags]", searchExamples)
	var o searchOptions
	o.define(fs)
	rest, err := fs.parse(args, env, out)
	if isHelp(err) {
		return exitOK
	}
	var open request.Open
	if err == nil && (len(rest) != 1 || searches[rest[0]] == request.OpenNone) {
		err = usagef("takes one word, subjects, resources or actions, but got %q", rest)
	}
	if err == nil {
		open = searches[rest[0]]
		err = o.check()
	}
	var r *policy.Request
	if err == nil {
		r, err = o.request(open, time.Now())
	}
	var snapshot *index.Snapshot
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
		defer stop()
		snapshot, err = o.load(ctx, "search", errs)
	}
	var found *index.Found
	if err == nil {
		found, err = o.find(snapshot, open, r)
	}
	if err == nil {
		err = o.print(out, open, found)
	}
	if err != nil {
		return complain(errs, "search", err)
	}
	if len(found.IDs) == 0 && found.Complete {
		return exitDenied
	}
	return exitOK
}

// request builds the request with the entity that is searched left open.
func (o *searchOptions) request(open request.Open, now time.Time) (*policy.Request, error) {
	switch {
	case o.limit < 0:
		return nil, usagef("-limit %d is below 0; leave it out to find all", o.limit)
	case open == request.OpenAction && o.typ != "":
		return nil, usagef("-type says what to find, and actions have no types; write -resource-type %s for that of -resource", o.typ)
	case open != request.OpenAction && o.typ == "":
		return nil, usagef("-type is missing; write the type to find, like -type role of subjects or -type bucket of resources")
	case open == request.OpenResource && o.resource != "*":
		return nil, usagef("-resource is what is searched; leave it out, and write -type")
	case open != request.OpenAction && o.resourceType != "":
		return nil, usagef("-resource-type is for actions; write -resource as postern check does")
	case open == request.OpenAction && o.action != "":
		return nil, usagef("-action is what is searched; leave it out")
	case open != request.OpenAction && o.action == "":
		return nil, usagef("-action is missing; write -action s3:GetObject or the like")
	case open != request.OpenSubject && len(o.principals) == 0:
		return nil, usagef("-principal is missing; write -principal provider/name, like role/Admin or coreweave/UID")
	}
	r := &policy.Request{
		Principal: policy.Principal{Org: o.org, IDs: slices.Clone(o.principals), Groups: slices.Clone(o.groups)},
		Action:    o.action,
		Now:       now.Unix(),
	}
	switch {
	case open == request.OpenResource:
		r.Resource.Type = o.typ
	case o.resourceType != "":
		r.Resource.Type, r.Resource.ID = o.resourceType, o.resource
	default:
		action := o.action
		if open == request.OpenAction && o.resource != "*" && (!strings.Contains(o.resource, ":") || strings.HasPrefix(o.resource, "arn:aws:s3:::") || strings.HasPrefix(o.resource, "s3://")) {
			action = "s3:" // a bucket or an object, as its text tells
		}
		var err error
		if r.Resource, err = request.ParseResource(o.resource, action); err != nil {
			return nil, inFlags(err)
		}
	}
	r.Resource.Org = o.resourceOrg
	if open == request.OpenSubject {
		r.Principal.IDs = append([]string{o.typ + "/"}, r.Principal.IDs...)
	}
	var err error
	if r.Context, err = contextOf(o.checkOptions.context); err != nil {
		return nil, err
	}
	if err := request.CheckSearch(r, open); err != nil {
		e, ok := errors.AsType[*request.Error](err)
		if ok && (open == request.OpenSubject && e.Path == "subject.type" || open == request.OpenResource && e.Path == "resource.type") {
			return nil, usagef("-type: %s", e.Message)
		}
		return nil, inFlags(err)
	}
	return r, nil
}

// find searches through all pages, up to -limit, and returns them as one. Its Next is not
// empty if -limit ended the search.
func (o *searchOptions) find(s *index.Snapshot, open request.Open, r *policy.Request) (*index.Found, error) {
	search := map[request.Open]func(*policy.Request, index.Page) (index.Found, error){
		request.OpenSubject: s.SearchSubjects, request.OpenResource: s.SearchResources, request.OpenAction: s.SearchActions,
	}[open]
	var all []string
	for page := (index.Page{Limit: index.MaxLimit}); ; {
		found, err := search(r, page)
		if err != nil {
			return nil, err
		}
		all = append(all, found.IDs...)
		switch {
		case o.limit > 0 && (len(all) > o.limit || len(all) == o.limit && found.Next != ""):
			return &index.Found{IDs: all[:o.limit], Next: "more"}, nil
		case found.Next == "":
			found.IDs = all
			return &found, nil
		}
		page.Token = found.Next
	}
}

// entity is one result of -json, as the HTTP API writes it (specification 6).
type entity struct {
	Type string `json:"type,omitempty"`
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// unlisted is what the search cannot list, as the HTTP API writes it
// (specification 3.2).
type unlisted struct {
	Complete  bool              `json:"complete"`
	Patterns  []unlistedPattern `json:"patterns,omitempty"`
	Truncated bool              `json:"truncated,omitempty"`
}

type unlistedPattern struct {
	Pattern   string `json:"pattern"`
	Document  string `json:"document"`
	Statement string `json:"statement"`
	File      string `json:"file"`
	Line      int    `json:"line"`
}

func (o *searchOptions) print(w io.Writer, open request.Open, found *index.Found) error {
	if o.json {
		return o.printJSON(w, open, found)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if open == request.OpenAction {
		fmt.Fprintln(t, "ACTION")
	} else {
		fmt.Fprintln(t, "TYPE\tID")
	}
	for _, id := range found.IDs {
		if open == request.OpenAction {
			fmt.Fprintln(t, printable(id))
		} else {
			fmt.Fprintf(t, "%s\t%s\n", o.typ, printable(id))
		}
	}
	t.Flush()
	if found.Next == "" && !found.Complete {
		fmt.Fprintln(t, "\nThis list is not complete: others that these patterns match may be allowed too.")
		fmt.Fprintln(t, "PATTERN\tOF")
		for _, p := range found.Patterns {
			fmt.Fprintf(t, "%s\t%s\n", printable(p.Text), describe(p.Statement))
		}
		if found.Truncated {
			fmt.Fprintln(t, "There may be more patterns than these.")
		}
	}
	return t.Flush()
}

func (o *searchOptions) printJSON(w io.Writer, open request.Open, found *index.Found) error {
	results := make([]entity, 0, len(found.IDs))
	for _, id := range found.IDs {
		if open == request.OpenAction {
			results = append(results, entity{Name: id})
		} else {
			results = append(results, entity{Type: o.typ, ID: id})
		}
	}
	out := struct {
		Results []entity  `json:"results"`
		Context *unlisted `json:"context,omitempty"` // absent where -limit ended the search
	}{Results: results}
	if found.Next == "" {
		u := &unlisted{Complete: found.Complete, Truncated: found.Truncated}
		for _, p := range found.Patterns {
			u.Patterns = append(u.Patterns, unlistedPattern{p.Text, p.Statement.Document, p.Statement.Statement, p.Statement.File, p.Statement.Line})
		}
		out.Context = u
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

// printable returns an id as it is shown on one line of a terminal: quoted if it has
// characters that do not print.
func printable(id string) string {
	if strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' || r >= 0x80 && r < 0xa0 }) {
		return fmt.Sprintf("%q", id)
	}
	return id
}
