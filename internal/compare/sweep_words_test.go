package compare

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"postern/internal/action"
	"postern/internal/conditionkey"
	"postern/internal/request"
	"postern/internal/value"
	"postern/policy"
)

// sweepWords makes random requests of the words of directories: their names and
// patterns with the wildcards filled, the values of their conditions, what lies
// beside these, and words of nobody's. It shares nothing with the search that it
// tests but the tables of actions and keys.
type sweepWords struct {
	*rand.Rand
	orgs, ids, groups, actions, paths, uids, types []string
	tagKeys, tagValues                             []string
	buckets                                        []string
	typed                                          []policy.Resource
	keys                                           map[string][]string // the values that conditions compare with, by key
	names                                          []string            // of keys, sorted
	claims                                         map[string][]string
	claimNames                                     []string
	// aimed are the statements that only one of the directories has.
	aimed []aim
	made  []*policy.Request
	// differ says that the directories do not say the same.
	differ bool
}

// An aim is a statement, and the bucket of whose policy it is; "" for one of an
// organization policy.
type aim struct {
	statement   *policy.Statement
	org, bucket string
}

func newSweepWords(r *rand.Rand, made []*policy.Request, dirs ...*policy.Directory) *sweepWords {
	w := &sweepWords{Rand: r, keys: map[string][]string{}, claims: map[string][]string{}, made: made}
	w.orgs, w.ids, w.groups = []string{"o9"}, []string{"role/x", "coreweave/y"}, []string{"x"}
	w.actions, w.types = []string{"s3:GetObject", "s3:Frobnicate", "stack:read"}, []string{"stack", "environment"}
	w.tagKeys, w.tagValues, w.uids = []string{"t"}, []string{"x", ""}, []string{"u9"}
	add := func(list *[]string, words ...string) {
		for _, word := range words {
			if word != "" && !slices.Contains(*list, word) {
				*list = append(*list, word)
			}
		}
	}
	var walk func(reflect.Value)
	walk = func(v reflect.Value) {
		switch x := v.Interface().(type) {
		case policy.PrincipalPattern:
			add(&w.orgs, x.Org)
			switch x.Kind {
			case policy.PrincipalExact:
				add(&w.ids, x.Name)
			case policy.PrincipalPrefix:
				add(&w.ids, x.Name, x.Name+"x")
			case policy.PrincipalGroup:
				add(&w.groups, x.Name)
			case policy.PrincipalToken:
				add(&w.ids, "token/"+x.Name)
			}
		case policy.Condition:
			key := conditionkey.Fold(x.Key)
			values := w.keys[key]
			for _, v := range x.Values {
				add(&values, w.beside(x.Operator.Test.Family(), v)...)
			}
			w.keys[key] = values
		case policy.Statement:
			add(&w.actions, x.Actions...)
			for _, p := range x.Resources {
				bucket, path, _ := strings.Cut(p, "/")
				add(&w.buckets, bucket)
				add(&w.paths, path)
			}
		case policy.Role, policy.PermissionSet, policy.Binding, policy.Rule:
		case policy.ResourcePattern:
			add(&w.types, x.Type)
			if x.UID {
				add(&w.uids, x.Pattern)
			} else if x.Type != "" {
				w.typed = append(w.typed, policy.Resource{Type: x.Type, ID: x.Pattern})
			}
		case policy.TagRequirement:
			add(&w.tagKeys, x.Key)
			add(&w.tagValues, x.Values...)
		case policy.ClaimPattern:
			w.claims[x.Path] = append(w.claims[x.Path], x.Pattern)
		case policy.Issuer:
			w.claims["iss"] = append(w.claims["iss"], x.URL)
		case policy.Group:
			add(&w.groups, x.Name)
		case policy.Token:
			add(&w.ids, "token/"+x.Name)
		case policy.Entity:
			add(&w.ids, x.Principal)
			if x.Type != "" {
				w.typed = append(w.typed, policy.Resource{Type: x.Type, ID: x.ID})
			}
		case policy.Tag:
			add(&w.tagKeys, x.Key)
			add(&w.tagValues, x.Value)
		case policy.Expression:
			add(&w.tagKeys, x.Key)
			add(&w.tagValues, x.Text)
			add(&w.uids, x.Text)
		case policy.Descriptor:
			add(&w.actions, x.Permissions...)
		}
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				f := v.Type().Field(i)
				if !f.IsExported() {
					continue
				}
				if f.Name == "Actions" {
					add(&w.actions, v.Field(i).Interface().([]string)...)
				}
				walk(v.Field(i))
			}
		}
	}
	for _, d := range dirs {
		add(&w.orgs, d.PlatformOrganizations...)
		for _, name := range sortedKeys(d.Organizations) {
			add(&w.orgs, name)
			walk(reflect.ValueOf(d.Organizations[name]))
		}
		for _, name := range sortedKeys(d.Buckets) {
			add(&w.buckets, name)
			walk(reflect.ValueOf(d.Buckets[name]))
		}
	}
	add(&w.buckets, "nobodys-1")
	add(&w.paths, "k", "a/b")
	w.names, w.claimNames = sortedKeys(w.keys), sortedKeys(w.claims)
	if len(dirs) == 2 {
		w.aimAt(dirs[0], dirs[1])
		w.aimAt(dirs[1], dirs[0])
		w.differ = len(w.aimed) > 0 || len(dirs[0].Buckets) != len(dirs[1].Buckets)
		for name, o := range dirs[0].Organizations {
			if p := dirs[1].Organizations[name]; p == nil || len(piecesOnly(pieces(o.Access), pieces(p.Access)))+len(piecesOnly(pieces(p.Access), pieces(o.Access))) > 0 {
				w.differ = true
			}
		}
	}
	return w
}

// aimAt notes the statements that only a has.
func (w *sweepWords) aimAt(a, b *policy.Directory) {
	has := map[string]bool{}
	each := func(d *policy.Directory, do func(key string, at aim)) {
		for _, org := range sortedKeys(d.Organizations) {
			for _, doc := range d.Organizations[org].Policies {
				for i := range doc.Statements {
					do(org+"\n"+normal(&doc.Statements[i], doc.Variables), aim{&doc.Statements[i], org, ""})
				}
			}
		}
		for _, name := range sortedKeys(d.Buckets) {
			if doc := d.Buckets[name].Policy; doc != nil {
				for i := range doc.Statements {
					do(name+"/\n"+normal(&doc.Statements[i], doc.Variables), aim{&doc.Statements[i], d.Buckets[name].Owner, name})
				}
			}
		}
	}
	each(b, func(key string, _ aim) { has[key] = true })
	each(a, func(key string, at aim) {
		if !has[key] {
			w.aimed = append(w.aimed, at)
		}
	})
}

// beside are texts at and beside a value of a condition.
func (w *sweepWords) beside(f policy.Family, v string) []string {
	out := []string{v}
	switch f {
	case policy.FamilyNumeric:
		if n, ok := value.Number(v); ok {
			out = append(out, strconv.FormatFloat(n-1, 'g', -1, 64), strconv.FormatFloat(n+1, 'g', -1, 64))
		}
	case policy.FamilyDate:
		if t, ok := value.Date(v); ok && t.Seconds > 0 && t.Seconds < lastDated {
			out = append(out, string(value.AppendTime(nil, t.Seconds-1)), string(value.AppendTime(nil, t.Seconds+1)))
		}
	case policy.FamilyBool, policy.FamilyNull:
		out = []string{"true", "false"}
	case policy.FamilyIP:
		if p, _, ok := value.Prefix(v); ok {
			out = append(edges(p), "192.0.2.1")
		}
	case policy.FamilyArn:
		if _, id, ok := strings.Cut(v, ":iam::"); ok {
			_, id, _ = strings.Cut(id, ":")
			w.ids = append(w.ids, id)
		}
	}
	return out
}

func (w *sweepWords) pick(list []string) string { return list[w.IntN(len(list))] }
func (w *sweepWords) chance(n int) bool         { return w.IntN(n) == 0 }

// filled puts words in the place of wildcards and variables.
func (w *sweepWords) filled(pattern string) string {
	var out strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '*' && !w.chance(12):
			out.WriteString([]string{"", "x", "a", "a/b", "x1", "日"}[w.IntN(6)])
		case c == '?' && !w.chance(12):
			out.WriteString([]string{"x", "a", "/", "é", "b"}[w.IntN(5)])
		case c == '$' && strings.HasPrefix(pattern[i:], "${") && strings.Contains(pattern[i:], "}") && !w.chance(12):
			end := i + strings.IndexByte(pattern[i:], '}')
			name := pattern[i+2 : end]
			switch {
			case name == "*" || name == "?" || name == "$":
				out.WriteString(name)
			case strings.Contains(name, "OrgID"):
				out.WriteString(w.pick(w.orgs))
			default:
				out.WriteString([]string{"x", "a", "y", "b", "u1"}[w.IntN(5)])
			}
			i = end
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// request makes a request; false if it is none that a door lets through.
func (w *sweepWords) request(now int64) (*policy.Request, bool) {
	q := &policy.Request{Now: now + int64(w.IntN(3)-1)*int64(w.IntN(2))*86400*400}
	if len(w.made) > 0 && !w.chance(4) {
		made := w.made[w.IntN(len(w.made))]
		*q = *asStated(made)
		if !w.chance(3) {
			q.Context = slices.Clone(q.Context)
			w.mixed(q)
			return q, request.Check(q) == nil
		}
	}
	w.caller(q)
	q.Action = w.action(w.actions)
	w.resource(q)
	w.context(q, w.names)
	w.aim(q)
	return q, request.Check(q) == nil
}

// mixed takes parts of other requests, and some of the words.
func (w *sweepWords) mixed(q *policy.Request) {
	other := func() *policy.Request { return w.made[w.IntN(len(w.made))] }
	switch w.IntN(8) {
	case 0, 1:
		o := other()
		q.Principal = o.Principal
	case 2, 3:
		o := other()
		q.Action, q.Resource = o.Action, o.Resource
	case 4:
		o := other()
		q.Context = slices.Clone(asStated(o).Context)
	case 5:
		q.Action = w.action(w.actions)
	}
	if len(q.Principal.IDs) == 0 {
		w.caller(q)
	}
	if w.chance(12) {
		q.Principal.Org = ""
	}
	if w.chance(3) {
		w.aim(q)
	}
}

func (w *sweepWords) caller(q *policy.Request) {
	p := policy.Principal{Org: w.pick(w.orgs)}
	if w.chance(16) {
		p.Org = ""
	}
	for range 1 + w.IntN(3)*w.IntN(2) {
		if id := w.filled(w.pick(w.ids)); !slices.Contains(p.IDs, id) && (len(p.IDs) == 0 || !strings.HasPrefix(id, "token/")) {
			p.IDs = append(p.IDs, id)
		}
	}
	if strings.HasPrefix(p.IDs[0], "token/") {
		p.IDs = p.IDs[:1]
	} else {
		for range w.IntN(3) {
			p.Groups = append(p.Groups, w.pick(w.groups))
		}
		if len(w.claimNames) > 0 && w.chance(2) {
			p.ClaimsStated = true
			for _, path := range w.claimNames {
				if w.chance(4) {
					continue
				}
				a := policy.Attribute{Key: path}
				for range 1 + w.IntN(4)/3 {
					a.Values = append(a.Values, policy.Value{Kind: policy.ValueString, Text: w.filled(w.pick(w.claims[path]))})
				}
				p.Claims = append(p.Claims, a)
			}
		}
	}
	q.Principal = p
}

// action makes a name that one of the patterns matches, or any name.
func (w *sweepWords) action(patterns []string) string {
	if w.chance(6) {
		return action.Name(action.ID(w.IntN(action.Count())))
	}
	pattern := w.pick(patterns)
	if pattern == "*" {
		return action.Name(action.ID(w.IntN(action.Count())))
	}
	if strings.ContainsAny(pattern, "*?") {
		g, _ := readGlob(lower(pattern), false)
		from := w.IntN(action.Count())
		for i := range action.Count() {
			if name := action.Name(action.ID((from + i) % action.Count())); g.matches(lower(name)) {
				return name
			}
		}
	}
	return w.filled(pattern)
}

func (w *sweepWords) resource(q *policy.Request) {
	q.Resource = policy.Resource{}
	switch class := action.ClassOf(q.Action); {
	case class.WholeOrganization():
		q.Resource.Type, q.Resource.ID = "organization", "*"
	case class == action.IAM:
		q.Resource.Type, q.Resource.ID = w.pick(w.types), "x"
		if len(w.typed) > 0 && !w.chance(4) {
			r := w.typed[w.IntN(len(w.typed))]
			q.Resource.Type, q.Resource.ID = r.Type, w.filled(r.ID)
		}
		if q.Resource.Type == "organization" {
			q.Resource.ID = "*"
		}
		if w.chance(3) {
			q.Resource.UID = w.pick(w.uids)
		}
		if q.Resource.TagsKnown = !w.chance(4); q.Resource.TagsKnown {
			for _, k := range w.tagKeys {
				if w.chance(2) {
					q.Resource.Tags = append(q.Resource.Tags, policy.Tag{Key: k, Value: w.pick(w.tagValues)})
				}
			}
		}
	default:
		w.stored(q, w.pick(w.buckets), w.pick(w.paths))
	}
	if w.chance(16) {
		q.Resource.Org = w.pick(w.orgs)
	}
}

// stored asks about a bucket or an object in it, as the action is asked.
func (w *sweepWords) stored(q *policy.Request, bucket, path string) {
	q.Resource.Type, q.Resource.ID = "bucket", w.filled(bucket)
	onObject := true
	if id, ok := action.Lookup(q.Action); ok {
		onObject = action.KindOf(id) == action.OnObject
	}
	if q.Resource.ID == "" {
		q.Resource.ID = w.pick(w.buckets)
	}
	if onObject != w.chance(8) {
		if path = w.filled(path); path == "" {
			path = "k"
		}
		q.Resource.Type, q.Resource.ID = "object", q.Resource.ID+"/"+path
	}
}

// context states some of the keys.
func (w *sweepWords) context(q *policy.Request, names []string) {
	for _, name := range names {
		if !w.chance(3) {
			w.state(q, name, w.keys[name])
		}
	}
}

// state states a key with some of the values, or with others.
func (w *sweepWords) state(q *policy.Request, key string, values []string) {
	kind, name := conditionkey.Split(key)
	a := policy.Attribute{Key: key}
	n := [...]int{0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3}[w.IntN(11)]
	for range n {
		text := []string{"x", "", "a", "true", "10", "y"}[w.IntN(6)]
		if len(values) > 0 && !w.chance(5) {
			text = w.filled(w.pick(values))
		}
		a.Values = append(a.Values, policy.Value{Kind: policy.ValueString, Text: text})
	}
	if w.chance(16) {
		a.Values, a.Unreadable = nil, true
	}
	put := func(list *[]policy.Attribute) {
		i := slices.IndexFunc(*list, func(b policy.Attribute) bool { return conditionkey.Fold(a.Key) == conditionkey.Fold(b.Key) })
		if i < 0 {
			*list = append(slices.Clip(*list), a)
		} else {
			*list = slices.Clone(*list)
			(*list)[i] = a
		}
	}
	switch kind {
	case conditionkey.PrincipalOrg, conditionkey.ResourceOrg, conditionkey.SubjectType, conditionkey.SubjectID, conditionkey.ResourceType,
		conditionkey.ResourceID, conditionkey.ActionName, conditionkey.Tag, conditionkey.Resource:
	case conditionkey.Groups:
		q.Principal.Groups = nil
		for _, v := range a.Values {
			q.Principal.Groups = append(q.Principal.Groups, v.Text)
		}
	case conditionkey.Claim:
		_, a.Key, _ = strings.Cut(name, ":")
		if !strings.HasPrefix(q.Principal.IDs[0], "token/") {
			q.Principal.ClaimsStated = true
			i := slices.IndexFunc(q.Principal.Claims, func(b policy.Attribute) bool { return a.Key == b.Key })
			if i < 0 {
				q.Principal.Claims = append(slices.Clip(q.Principal.Claims), a)
			}
		}
	case conditionkey.SubjectProperty:
		a.Key = name
		put(&q.Principal.Properties)
	case conditionkey.ResourceProperty:
		a.Key = name
		put(&q.Resource.Properties)
	case conditionkey.ActionProperty:
		a.Key = name
		put(&q.ActionProperties)
	case conditionkey.CurrentTime, conditionkey.EpochTime:
		if w.chance(2) && len(a.Values) == 1 {
			if t, ok := value.Date(a.Values[0].Text); ok && t.Seconds >= 0 && t.Seconds <= lastDated {
				q.Now = t.Seconds
				return
			}
		}
		for _, b := range q.Context {
			if k, _ := conditionkey.Split(b.Key); k == conditionkey.CurrentTime || k == conditionkey.EpochTime {
				return
			}
		}
		if len(a.Values) == 1 && w.chance(3) {
			put(&q.Context)
		}
	case conditionkey.PrincipalArn, conditionkey.PrincipalAccount, conditionkey.Username:
		if w.chance(4) {
			put(&q.Context)
		}
	default:
		put(&q.Context)
	}
}

// aim makes some dimensions of a request those of a statement that only one
// directory has.
func (w *sweepWords) aim(q *policy.Request) {
	if len(w.aimed) == 0 || w.chance(4) {
		return
	}
	at := w.aimed[w.IntN(len(w.aimed))]
	s := at.statement
	p := s.Principals[w.IntN(len(s.Principals))]
	if !w.chance(4) && (p.Kind == policy.PrincipalExact || p.Kind == policy.PrincipalPrefix) {
		id := p.Name
		if p.Kind == policy.PrincipalPrefix && w.chance(2) {
			id += "x"
		}
		if !strings.HasPrefix(q.Principal.IDs[0], "token/") && !slices.Contains(q.Principal.IDs, id) && !s.NotPrincipal {
			q.Principal.IDs = append([]string{id}, q.Principal.IDs[:w.IntN(len(q.Principal.IDs)+1)]...)
		}
	}
	if !w.chance(3) {
		if q.Principal.Org = at.org; p.Org != "" && !s.NotPrincipal {
			q.Principal.Org = p.Org
		}
	}
	if w.chance(4) {
		return
	}
	if !s.NotAction {
		if q.Action = w.action(s.Actions); action.ClassOf(q.Action) == action.IAM {
			q.Action = "s3:GetObject"
		}
	} else if action.ClassOf(q.Action) == action.IAM || action.ClassOf(q.Action).WholeOrganization() {
		q.Action = "s3:PutObject"
	}
	if action.ClassOf(q.Action).WholeOrganization() {
		q.Resource = policy.Resource{Type: "organization", ID: "*", Properties: q.Resource.Properties}
	} else {
		bucket, path, cut := strings.Cut(s.Resources[w.IntN(len(s.Resources))], "/")
		if at.bucket != "" {
			bucket = at.bucket
		} else if strings.HasPrefix(bucket, "*") || s.NotResource {
			bucket = w.pick(w.buckets)
		}
		if !cut || s.NotResource {
			path = w.pick(w.paths)
		}
		q.Resource = policy.Resource{Org: q.Resource.Org, Properties: q.Resource.Properties}
		w.stored(q, bucket, path)
	}
	for _, c := range s.Conditions {
		if !w.chance(8) {
			w.state(q, c.Key, c.Values)
		}
	}
}
