package policyjson

import (
	"strings"

	"postern/internal/action"
	"postern/internal/pattern"
	"postern/internal/value"
	"postern/policy"
)

const wantBucket = `{"Version": "2012-10-17", "Statement": [...]}`

// The elements of a bucket policy, in the order of these constants.
const (
	bucketVersion = iota
	bucketID
	bucketStatements
)

const (
	version2012 = "2012-10-17"
	version2008 = "2008-10-17"
)

var bucketTop = fieldSet{
	what:    "a bucket policy",
	anyCase: true,
	fields: []field{
		bucketVersion:    {"Version", `"2012-10-17" or "2008-10-17"`, `"Version": "2012-10-17"`},
		bucketID:         {"Id", "a string, or leave it out", ""},
		bucketStatements: {"Statement", "a list of statements, or one statement", `"Statement": [{...}]`},
	},
}

const (
	stSid = iota
	stEffect
	stPrincipal
	stNotPrincipal
	stAction
	stNotAction
	stResource
	stNotResource
	stCondition
)

const (
	wantPrincipal = `an object such as {"AWS": "arn:aws:iam::ORG:role/NAME"}`
	wantAction    = `an action such as "s3:GetObject", or a list of them`
	wantResource  = `a resource such as "arn:aws:s3:::BUCKET/KEY", or a list of them`
)

var bucketStatementSet = fieldSet{
	what:    "a statement of a bucket policy",
	anyCase: true,
	fields: []field{
		stSid:          {"Sid", "a string, or leave it out", ""},
		stEffect:       {"Effect", `"Allow" or "Deny"`, `"Effect": "Allow" or "Effect": "Deny"`},
		stPrincipal:    {"Principal", wantPrincipal, ""},
		stNotPrincipal: {"NotPrincipal", wantPrincipal, ""},
		stAction:       {"Action", wantAction, ""},
		stNotAction:    {"NotAction", wantAction, ""},
		stResource:     {"Resource", wantResource, ""},
		stNotResource:  {"NotResource", wantResource, ""},
		stCondition:    {"Condition", `an object such as {"StringEquals": {"cw:PrincipalOrgID": "ORG"}}, or leave it out`, ""},
	},
}

// bucketPolicy reads the policy of bucket, which is "" if it is not known.
func (d *decoder) bucketPolicy(bucket string) *policy.Document {
	d.bucket = bucket
	doc := d.newDocument(policy.KindBucket)
	if !d.object(wantBucket) {
		return nil
	}
	at := d.s.Offset()
	version := ""
	f := d.fields(&bucketTop, func(i int) {
		f := &bucketTop.fields[i]
		switch i {
		case bucketVersion:
			text, at, ok := d.text(f)
			if ok && text != version2008 && text != version2012 {
				d.report(at, msgVersion, quote(text), f.want)
			}
			version = text
		case bucketID:
			if text, at, ok := d.text(f); ok && text != "" && d.shortName(quote(f.name), text, at) {
				doc.Name = text
				doc.NameLine, doc.NameColumn = d.place(at)
			}
		case bucketStatements:
			if version == "" {
				version = d.versionAhead()
			}
			// If the version is missing or wrong, which is an error, variables
			// are read as in the current version, to which it will be
			// corrected.
			d.variables = version != version2008
			doc.Statements = d.statements(f, true, d.bucketStatement)
		}
	})
	doc.Variables = version == version2012
	d.missing(&bucketTop, &f, at)
	d.s.End()
	return doc
}

// versionAhead finds the Version of a bucket policy before its statements are
// read, wherever in the file it stands (many programs write keys in
// alphabetical order), since it tells whether `${` begins a variable. It
// returns "" if there is none before the end of the file or the first error.
func (d *decoder) versionAhead() string {
	return d.textAhead(d.data, func(key string) bool { return value.EqualFoldASCII(key, "Version") })
}

func (d *decoder) bucketStatement(st *policy.Statement) {
	at := d.s.Offset()
	st.Line, st.Column = d.place(at)
	cs := &d.conditionList
	cs.reset()
	d.foreign = d.foreign[:0]
	f := d.fields(&bucketStatementSet, func(i int) {
		f := &bucketStatementSet.fields[i]
		switch i {
		case stSid:
			if text, at, ok := d.text(f); ok && text != "" && d.shortName(quote(f.name), text, at) {
				st.Name = text
				d.statementName(text, at)
			}
		case stEffect:
			if allow, ok := d.effect(f); ok {
				st.Effect = effectOf(allow)
			}
		case stPrincipal, stNotPrincipal:
			st.Principals = d.bucketPrincipals(f, i == stNotPrincipal)
			st.NotPrincipal = i == stNotPrincipal
		case stAction, stNotAction:
			st.Actions = d.entries(f, true, d.bucketAction)
			st.NotAction = i == stNotAction
		case stResource, stNotResource:
			st.Resources = d.entries(f, true, d.bucketResource)
			st.NotResource = i == stNotResource
		case stCondition:
			d.conditions(f, cs)
		}
	})
	d.missing(&bucketStatementSet, &f, at)
	d.pair(&f, at, stPrincipal, `"Principal": {"AWS": "arn:aws:iam::ORG:role/NAME"}, or whom it is for`)
	d.pair(&f, at, stAction, `"Action": "s3:GetObject", or what it is about`)
	d.pair(&f, at, stResource, `"Resource": ["arn:aws:s3:::BUCKET", "arn:aws:s3:::BUCKET/KEY"], or what is meant`)
	if f.has(stNotPrincipal) && !f.has(stPrincipal) && st.Effect == policy.EffectAllow {
		d.report(f.at[stNotPrincipal]-1, msgNotPrincipalAllow)
	}
	d.foreignPrincipals(st.Effect)
	d.conditionWarnings(cs, st.Effect)
	st.Conditions = d.conditionLists.keep(cs.list)
}

// pair demands exactly one of element i and its `Not` form, element i+1.
func (d *decoder) pair(f *found, at, i int, add string) {
	one, not := &bucketStatementSet.fields[i], &bucketStatementSet.fields[i+1]
	switch {
	case f.has(i) && f.has(i+1):
		if d.emptyBeside(f, i) {
			return
		}
		first, second := f.at[i]-1, f.at[i+1]-1
		d.reportOther(max(first, second), min(first, second), msgBoth, quote(one.name), quote(not.name))
	case !d.s.Failed() && !f.has(i) && !f.has(i+1) && !f.mentioned[i] && !f.mentioned[i+1]:
		d.report(at, msgNeither, quote(one.name), quote(not.name), add)
	}
}

// emptyBeside reports that one of the elements i and i+1 is empty while the
// other is not, as some consoles write them. The message replaces the one about
// the empty element.
func (d *decoder) emptyBeside(f *found, i int) bool {
	one, not := d.emptyElement(f, i), d.emptyElement(f, i+1)
	if (one == nil) == (not == nil) {
		return false
	}
	empty, key := one, i
	name, counterpart := bucketStatementSet.fields[i].name, bucketStatementSet.fields[i+1].name
	if one == nil {
		empty, key = not, i+1
		name, counterpart = counterpart, name
	}
	*empty = problem{msgEmptyBeside, f.at[key] - 1, -1, []any{quote(name), quote(counterpart)}}
	return true
}

// emptyElement returns the problem that element i of the statement read last is
// empty, or nil if it is not.
func (d *decoder) emptyElement(f *found, i int) *problem {
	name := quote(bucketStatementSet.fields[i].name)
	for k := len(d.problems) - 1; k >= 0 && d.problems[k].offset > f.at[i]-1; k-- {
		p := &d.problems[k]
		if (p.code == msgEmptyList || p.code == msgPrincipalEmpty) && p.args[0] == name {
			return p
		}
	}
	return nil
}

func (d *decoder) bucketAction(_ *field, text string, at int) string {
	if id, ok := action.Lookup(text); ok && action.ClassOfID(id).S3() {
		return text // the usual case
	}
	switch {
	case !d.short(text, at):
	case d.variables && hasVariable(text):
		d.report(at, msgActionVariable, quote(text))
	case !d.actionForm(text, at), text == "*":
	case !action.ClassOf(text).S3():
		d.report(at, msgActionNever, quote(text))
	default:
		d.knownAction(text, at)
	}
	return text
}

const resourcePrefix = "arn:aws:s3:::"

// bucketResource returns a resource in short form.
func (d *decoder) bucketResource(f *field, text string, at int) string {
	if text == "*" {
		return text
	}
	short, ok := strings.CutPrefix(text, resourcePrefix)
	switch {
	case !ok || short == "":
		d.notBucketResource(text, at)
	case !d.short(short, at), d.variables && !d.variablesIn(short, at):
	case d.bucket != "" && !canMatch(short, d.bucket, d.variables):
		d.report(at, msgResourceNever, quote(text), quote(d.bucket), quote(resourcePrefix+d.bucket+clip(keysOf(short))))
	}
	d.priced(short, at)
	return short
}

// keysOf returns what stands behind the bucket in a resource in short form, with
// its slash: nothing if the resource is a bucket, and a key to fill in if it ends there.
func keysOf(short string) string {
	slash := strings.IndexByte(short, '/')
	switch {
	case slash < 0:
		return ""
	case slash == len(short)-1:
		return "/KEY"
	}
	return short[slash:]
}

// notBucketResource reports a resource that cannot stand in a bucket policy,
// with what to write instead.
func (d *decoder) notBucketResource(text string, at int) {
	write := quote(resourcePrefix + orBucket(d.bucket) + "/KEY")
	if service := otherService(text); service != "" {
		d.report(at, msgResourceService, quote(text), quote(service), write)
		return
	}
	short, ok := s3Resource(text, d.bucket)
	switch {
	case ok && short == text && d.bucket != "" && strings.Contains(text, "/") && !canMatch(text, d.bucket, d.variables):
		// The keys alone, without their bucket. With the ARN's beginning alone they
		// would be those of another one.
		d.report(at, msgResourceForm, quote(text), quote(resourcePrefix+d.bucket+"/"+clip(text)))
	case ok:
		d.report(at, msgResourceForm, quote(text), instead(resourcePrefix+short))
	default:
		d.report(at, msgResourceForm, quote(text), write)
	}
}

// variableAt returns the place of the first `${` in text, or -1.
func variableAt(text string) int {
	i := strings.IndexByte(text, '$')
	if i < 0 {
		return -1
	}
	if n := strings.Index(text[i:], "${"); n >= 0 {
		return i + n
	}
	return -1
}

func hasVariable(text string) bool { return variableAt(text) >= 0 }

// variablesIn checks the grammar of every `${` in text, in linear time.
func (d *decoder) variablesIn(text string, at int) bool {
	for {
		i := variableAt(text)
		if i < 0 {
			return true
		}
		text = text[i:]
		end := strings.IndexByte(text, '}') + 1
		if end == 0 {
			end = len(text)
		}
		if _, err := pattern.Parse(text[:end], true); err != nil {
			if end > 2*maxQuoted {
				d.report(at, msgVariableLong)
			} else {
				d.report(at, msgVariable, err.Error())
			}
			return false
		}
		text = text[end:]
	}
}

// canMatch reports whether a resource pattern can match bucket or an object in
// it. It may say yes where a variable stands.
func canMatch(p, bucket string, variables bool) bool {
	i := 0 // bytes of bucket + "/" that are matched
	for p != "" {
		if i == len(bucket)+1 {
			return true // what is left of p is not empty, and matches some key
		}
		c := p[0]
		p = p[1:]
		switch {
		case c == '*':
			return true
		case c == '?':
			i++
			continue
		case c == '$' && variables && strings.HasPrefix(p, "{"):
			if len(p) < 3 || p[2] != '}' || strings.IndexByte("*?$", p[1]) < 0 {
				return true
			}
			c, p = p[1], p[3:]
		}
		if i < len(bucket) && c != bucket[i] || i == len(bucket) && c != '/' {
			return false
		}
		i++
	}
	return i == len(bucket)
}
