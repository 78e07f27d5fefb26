package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"postern/index"
	"postern/internal/diagnostic"
	"postern/internal/request"
	"postern/loader"
	"postern/policy"
)

const checkExamples = `  postern check -policies /etc/postern -org acme -principal role/Admin -action s3:GetObject -resource my-bucket/key
  postern check -policies /etc/postern -org acme -principal saml/jean -principal role/Viewer \
      -action s3:ListBucket -resource my-bucket -context s3:prefix=projects -explain
  postern check -policies /etc/postern -org acme -principal coreweave/u1001 -action cwobject:CreateAccessKey
  postern check -policies /etc/postern -request evaluation.json -json

Exit status: 0 allow, 1 deny, 2 error.
`

type checkOptions struct {
	policyFlags
	principals, groups, context        list
	org, resourceOrg, action, resource string
	requestFile                        string
	explain, json                      bool
}

func (o *checkOptions) define(fs *flags) {
	o.policyFlags.define(fs)
	fs.Var(&o.principals, "principal", "`ID` of the caller, as provider/name; may be repeated for a caller with several")
	fs.organization(&o.org, "org", "`ORG`: the caller's organization")
	fs.Var(&o.groups, "group", "IAM `GROUP` of the caller; may be repeated")
	fs.organization(&o.resourceOrg, "resource-org", "`ORG`: the organization that owns the resource, where the directory does not say")
	fs.StringVar(&o.action, "action", "", "the `ACTION`, as in s3:GetObject")
	fs.StringVar(&o.resource, "resource", "*", "the `RESOURCE`: BUCKET, BUCKET/KEY, type:id, or * for the whole organization")
	fs.Var(&o.context, "context", "condition key and value, as `KEY=VALUE`; may be repeated, the same key for a list")
	fs.StringVar(&o.requestFile, "request", "", "read an AuthZEN evaluation from `FILE`, - for standard input, in place of the flags above")
	fs.BoolVar(&o.explain, "explain", false, "say which statements decided, or which came nearest")
	fs.BoolVar(&o.json, "json", false, "print JSON")
}

func runCheck(args []string, env lookup, in io.Reader, out, errs io.Writer) int {
	fs := newFlags("check", "check -policies DIR -org ORG -principal ID -action A [-resource R] [flags]", checkExamples)
	var o checkOptions
	o.define(fs)
	rest, err := fs.parse(args, env, out)
	if isHelp(err) {
		return exitOK
	}
	if err == nil && len(rest) > 0 {
		err = usagef("takes no arguments, but got %q; write -resource %s or the like", rest[0], rest[0])
	}
	if err == nil {
		err = o.check()
	}
	var r *policy.Request
	if err == nil {
		r, err = o.request(in, time.Now())
	}
	var snapshot *index.Snapshot
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
		defer stop()
		snapshot, err = o.load(ctx, "check", errs)
	}
	if err != nil {
		return complain(errs, "check", err)
	}
	e := policy.Explanation{}
	if o.explain {
		e = snapshot.Explain(r)
	} else {
		e.Decision = snapshot.Decide(r, new(index.Scratch))
		e.Hints = snapshot.Hints(r, e.Decision)
	}
	print := printText
	if o.json {
		print = printJSON
	}
	if err := print(out, &e, o.explain); err != nil {
		return complain(errs, "check", err)
	}
	if e.Decision.Outcome != policy.Allow {
		return exitDenied
	}
	return exitOK
}

// request builds the request from -request or from the flags, by the same
// checks as the HTTP door.
func (o *checkOptions) request(in io.Reader, now time.Time) (*policy.Request, error) {
	if o.requestFile != "" {
		if len(o.principals)+len(o.groups)+len(o.context) > 0 || o.org+o.resourceOrg+o.action != "" || o.resource != "*" {
			return nil, usagef("-request holds the whole request; leave out -principal, -org, -group, -resource-org, -action, -resource and -context")
		}
		data, err := readInput(o.requestFile, in)
		if err != nil {
			return nil, err
		}
		r, err := new(request.Decoder).Evaluation(data, now.Unix())
		if err != nil {
			return nil, fmt.Errorf("-request %s: %w", o.requestFile, err)
		}
		return r, nil
	}
	if o.action == "" {
		return nil, usagef("-action is missing; write -action s3:GetObject or the like, or -request FILE")
	}
	if len(o.principals) == 0 {
		return nil, usagef("-principal is missing; write -principal provider/name, like role/Admin or coreweave/UID")
	}
	resource, err := request.ParseResource(o.resource, o.action)
	if err != nil {
		return nil, inFlags(err)
	}
	resource.Org = o.resourceOrg
	r := &policy.Request{
		Principal: policy.Principal{Org: o.org, IDs: slices.Clone(o.principals), Groups: slices.Clone(o.groups)},
		Action:    o.action,
		Resource:  resource,
		Now:       now.Unix(),
	}
	if r.Context, err = contextOf(o.context); err != nil {
		return nil, err
	}
	if err := request.Check(r); err != nil {
		return nil, inFlags(err)
	}
	return r, nil
}

// contextOf reads the values of -context. The values of a key that is given more than
// once are a list.
func contextOf(given list) (out []policy.Attribute, err error) {
	for _, c := range given {
		key, value, ok := strings.Cut(c, "=")
		if !ok {
			return nil, usagef("-context %q has no value; write -context %s=VALUE", c, c)
		}
		i := slices.IndexFunc(out, func(a policy.Attribute) bool { return a.Key == key })
		if i < 0 {
			i = len(out)
			out = append(out, policy.Attribute{Key: key})
		}
		out[i].Values = append(out[i].Values, policy.Value{Kind: policy.ValueString, Text: value})
	}
	return out, nil
}

// inFlags returns an error about a request in terms of flags. internal/request words it
// in terms of the members of an AuthZEN body.
func inFlags(err error) error {
	e, ok := errors.AsType[*request.Error](err)
	if !ok {
		return err
	}
	path := e.Path
	for _, f := range []struct{ member, flag string }{
		{"subject.properties.org", "-org"},
		{"subject.properties.groups", "-group"},
		{"subject", "-principal"},
		{"action", "-action"},
		{"resource.properties.org", "-resource-org"},
		{"resource", "-resource"},
		{"context", "-context"},
	} {
		rest, ok := strings.CutPrefix(path, f.member)
		if !ok {
			continue
		}
		path = f.flag
		if f.flag == "-context" && rest != "" {
			path += " " + rest[1:] // the key
		}
		break
	}
	return usagef("%s: %s", path, flagWords.Replace(e.Message))
}

// flagWords replaces advice on how to write a body by advice on flags.
var flagWords = strings.NewReplacer(
	"write its name into subject.properties.groups", "write -group NAME",
	`write {"type": "token", "id": "NAME"} as the subject, with no other identifier`, "write -principal token/NAME and no other",
	"remove principals, groups and claims", "remove -group and the other -principal",
	`write the type "bucket" with the id BUCKET, or "object" with BUCKET/KEY`, "write -resource BUCKET or -resource BUCKET/KEY",
	`write {"type": "organization", "id": "*"}`, "write -resource '*', or leave it out",
)

// maxInput bounds a request that is read from a file, as -max-body does at the
// HTTP door.
const maxInput = 1 << 20

func readInput(name string, in io.Reader) ([]byte, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxInput {
		return nil, fmt.Errorf("-request %s has more than %d bytes", name, maxInput)
	}
	return data, nil
}

// load reads the policy directory once, for the command verb. Broken files deny as in
// serve; load reports them on errs, so that the reason of such a deny can be seen.
func (o *checkOptions) load(ctx context.Context, verb string, errs io.Writer) (*index.Snapshot, error) {
	current := new(index.Current)
	config := o.config(current, slog.New(slog.DiscardHandler))
	config.PassHold = true
	l, err := loader.New(config)
	if err != nil {
		return nil, err
	}
	if err := l.Load(ctx); err != nil {
		return nil, o.unread(err)
	}
	s := l.Status()
	if idle := o.idleDefault(s); idle != "" {
		fmt.Fprintf(errs, "postern %s: %s\n", verb, idle)
	}
	if len(s.Quarantined) > 0 {
		for _, q := range s.Quarantined {
			if err := diagnostic.Print(errs, q.Diagnostics, nil, diagnostic.Options{}); err != nil {
				return nil, err
			}
		}
		fmt.Fprintf(errs, "postern %s: %d broken, and what it could speak of is denied; postern validate %s shows more\n", verb, len(s.Quarantined), o.policies)
	}
	return current.Load(), nil
}
