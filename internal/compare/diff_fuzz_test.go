package compare

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/index"
	"postern/internal/action"
	"postern/internal/policygen"
	"postern/internal/reference"
	"postern/policy"
)

// FuzzCompare compares random directories with others made of them, by the
// reference: each random request that is decided otherwise lies in a class that
// is reported, or unknown, in its direction; each witness is decided otherwise.
func FuzzCompare(f *testing.F) {
	for i := range 16 {
		f.Add(uint64(i), []byte{})
	}
	f.Fuzz(func(t *testing.T, seed uint64, data []byte) {
		r := rand.New(&byteSource{data: data, rest: rand.NewPCG(seed, 12)})
		differencesAreTold(t, r, 200)
	})
}

// available leaves out what is broken: such directories are not compared.
func available(d *policy.Directory) *policy.Directory {
	out := edited(d, func(*policy.Document) {})
	for _, o := range out.Organizations {
		o.PoliciesUnavailable, o.IAMUnavailable, o.BucketsUnavailable = false, false, false
	}
	for _, b := range out.Buckets {
		b.PolicyUnavailable = false
	}
	return out
}

// another is a directory that is like d, but for a few changes.
func another(r *rand.Rand, d *policy.Directory) *policy.Directory {
	out := edited(d, func(doc *policy.Document) {
		if r.IntN(3) > 0 {
			return
		}
		for range 1 + r.IntN(2) {
			switch i := r.IntN(len(doc.Statements)); r.IntN(3) {
			case 0:
				relative(r, doc)
			case 1:
				if len(doc.Statements) > 1 {
					doc.Statements = slices.Delete(doc.Statements, i, i+1)
				}
			case 2:
				relative(r, doc)
				doc.Statements = slices.Delete(doc.Statements, i, i+1)
			}
		}
	})
	for _, name := range slices.Sorted(maps.Keys(out.Buckets)) {
		b := out.Buckets[name]
		switch r.IntN(max(16, len(out.Buckets))) { // a few of many
		case 0:
			b.Policy = nil
		case 1:
			b.Owner = slices.Sorted(maps.Keys(out.Organizations))[r.IntN(len(out.Organizations))]
			b.Claimants = nil
		case 2:
			delete(out.Buckets, name)
		}
	}
	if names := slices.Sorted(maps.Keys(out.Organizations)); len(names) > 1 && r.IntN(12) == 0 {
		gone := names[r.IntN(len(names))]
		delete(out.Organizations, gone)
		for name, b := range out.Buckets {
			if b.Owner == gone || slices.Contains(b.Claimants, gone) {
				delete(out.Buckets, name)
			}
		}
	}
	return out
}

// anotherAccess changes iam documents of a directory: bindings go, change their
// effect or their members, groups lose members.
func anotherAccess(r *rand.Rand, d *policy.Directory) {
	for _, name := range slices.Sorted(maps.Keys(d.Organizations)) {
		o := d.Organizations[name]
		o.Access = slices.Clone(o.Access)
		for i, doc := range o.Access {
			if r.IntN(2) == 0 {
				continue
			}
			c := *doc
			c.Bindings, c.Groups, c.Roles = slices.Clone(doc.Bindings), slices.Clone(doc.Groups), slices.Clone(doc.Roles)
			if len(c.Bindings) > 0 {
				b := r.IntN(len(c.Bindings))
				switch r.IntN(3) {
				case 0:
					c.Bindings = slices.Delete(c.Bindings, b, b+1)
				case 1:
					c.Bindings[b].Effect = policy.EffectAllow + policy.EffectDeny - c.Bindings[b].Effect
				case 2:
					c.Bindings[b].Members = c.Bindings[b].Members[:1]
				}
			}
			if len(c.Groups) > 0 && r.IntN(3) == 0 {
				g := r.IntN(len(c.Groups))
				c.Groups[g].Members = nil
			}
			if len(c.Roles) > 0 && r.IntN(3) == 0 {
				role := &c.Roles[r.IntN(len(c.Roles))]
				role.Rules = slices.Clone(role.Rules)
				for i := range role.Rules {
					role.Rules[i].MaxOpenSeconds = uint64(r.IntN(3) * 60)
				}
			}
			o.Access[i] = &c
		}
	}
}

var compared struct{ pairs, differing, gained, lost, changed, unknown int }

func differencesAreTold(t *testing.T, r *rand.Rand, asked int) {
	t.Helper()
	made, requests := policygen.SmallFrom(r)
	access := r.IntN(3) == 0
	if access {
		made, requests = policygen.SmallAccessFrom(r)
	}
	made = available(made)
	old := withRelatives(r, made)
	new := another(r, old)
	if access {
		anotherAccess(r, new)
	}
	defaultOf(old)
	defaultOf(new)
	holdDiff(t, old, new, mixed(r, requests, asked))
}

// defaultOf leaves a default organization in force where no other has a folder.
func defaultOf(d *policy.Directory) {
	for name := range d.Organizations {
		if name != d.DefaultOrganization {
			d.DefaultOrganization = ""
			return
		}
	}
}

func holdDiff(t *testing.T, old, new *policy.Directory, requests []*policy.Request) {
	t.Helper()
	sides := [2]Side{}
	for i, d := range []*policy.Directory{old, new} {
		var ds []policy.Diagnostic
		if sides[i], ds = sideOf(d); policy.HasErrors(ds) {
			t.Skip(ds[0].Message)
		}
	}
	// A cause has little time, and all of them together too: fuzzing takes what
	// is slow for hung. What is not come to is unknown.
	last := time.Now().Add(2 * time.Second)
	diff := compareWithin(sides[0], sides[1], 1_767_225_600, func() *budget {
		end := time.Now().Add(100 * time.Millisecond)
		if end.After(last) {
			end = last
		}
		return &budget{branches: 5000, end: end}
	})
	compared.pairs++
	compared.gained += len(diff.Gained)
	compared.lost += len(diff.Lost)
	compared.changed += len(diff.Changed)
	compared.unknown += len(diff.Unknown)
	before, after := reference.New(old), reference.New(new)
	direction := func(q *policy.Request) (Direction, bool) {
		was, is := before.Evaluate(q).Decision, after.Evaluate(q).Decision
		switch allowed, allows := was.Outcome == policy.Allow, is.Outcome == policy.Allow; {
		case !allowed && allows:
			return Gained, true
		case allowed && !allows:
			return Lost, true
		case allowed && was.MaxOpenSeconds != is.MaxOpenSeconds:
			return Changed, true
		}
		return 0, false
	}
	for want, list := range [...][]Change{Gained: diff.Gained, Lost: diff.Lost, Changed: diff.Changed} {
		for _, c := range list {
			checked(t, c.Witness)
			if d, differs := direction(c.Witness); !differs || d != Direction(want) {
				t.Fatalf("the witness of %+v does not differ: %+v", c.Class, *c.Witness)
			}
			var sc index.Scratch
			was, is := sides[0].Snapshot.Decide(c.Witness, &sc).Outcome == policy.Allow, sides[1].Snapshot.Decide(c.Witness, &sc).Outcome == policy.Allow
			if want != int(Changed) && was == is {
				t.Fatalf("the index does not decide otherwise on %+v of %+v", *c.Witness, c.Class)
			}
			if !lies(old, new, c.Class, c.Witness) {
				t.Fatalf("the witness %+v is not in its class %+v\nold %s\nnew %s", *c.Witness, c.Class, statementOf(old, c.Cause.Statement), statementOf(new, c.Cause.Statement))
			}
		}
	}
	for _, u := range diff.Unknown {
		if len(u.Why) == 0 {
			t.Fatalf("nothing says why %+v is unknown", u)
		}
	}
	for _, q := range requests {
		d, differs := direction(q)
		if !differs {
			continue
		}
		compared.differing++
		told := slices.ContainsFunc([...][]Change{Gained: diff.Gained, Lost: diff.Lost, Changed: diff.Changed}[d], func(c Change) bool { return lies(old, new, c.Class, q) }) ||
			slices.ContainsFunc(diff.Unknown, func(u Unknown) bool { return (u.Any || u.Direction == d) && lies(old, new, u.Class, q) })
		if !told {
			was, is := before.Evaluate(q), after.Evaluate(q)
			for _, ref := range append(was.Determining, is.Determining...) {
				t.Logf("%s: old %s\nnew %s", ref.File, statementOf(old, ref), statementOf(new, ref))
			}
			t.Fatalf("%s, and no class has it: %+v\nold %+v\nnew %+v\n%s", d, *q, was.Decision, is.Decision, written(diff))
		}
	}
}

func written(d *Diff) string {
	var b strings.Builder
	for _, list := range [][]Change{d.Gained, d.Lost, d.Changed} {
		for _, c := range list {
			fmt.Fprintf(&b, "%s %+v\n", c.Direction, c.Class)
		}
	}
	for _, u := range d.Unknown {
		fmt.Fprintf(&b, "unknown %+v %q\n", u.Class, u.Why)
	}
	return b.String()
}

// lies reports that a request is in a class.
func lies(old, new *policy.Directory, c Class, q *policy.Request) bool {
	d := old
	if c.Cause.New {
		d = new
	}
	caller := q.Principal.Org
	for _, d := range []*policy.Directory{old, new} {
		if caller == "" {
			caller = d.DefaultOrganization
		}
	}
	if c.Organization != "" && c.Organization != caller {
		return false
	}
	bucket, _, _ := strings.Cut(q.Resource.ID, "/")
	if q.Resource.Kind == policy.ResourceOrganization {
		bucket = ""
	}
	if c.Bucket != "" && c.Bucket != bucket || c.Type != "" && c.Type != q.Resource.Type {
		return false
	}
	if c.Owner != "" && bucket != "" {
		owners := []string{q.Resource.Org}
		for _, d := range []*policy.Directory{old, new} {
			if b := d.Buckets[bucket]; b != nil {
				owners = append(owners, b.Owner)
			} else if q.Resource.Org == "" {
				owners = append(owners, d.DefaultOrganization)
			}
		}
		if action.ClassOf(q.Action).OrganizationOnly() {
			owners = append(owners, c.Owner) // a bucket that is to be has no owner
		}
		if !slices.Contains(owners, c.Owner) {
			return false
		}
	}
	if c.Cause.Fact != "" {
		return true
	}
	if id, ok := action.Lookup(q.Action); ok && len(action.Beside(id)) > 0 {
		return true // statements are held to several actions
	}
	return satisfies(d, c.Cause.Statement, q, caller)
}

// satisfies asks the reference whether a request satisfies a statement, in a
// directory where nothing else decides.
func satisfies(d *policy.Directory, ref policy.StatementRef, q *policy.Request, caller string) bool {
	everything := policy.Statement{Effect: policy.EffectAllow, Actions: []string{"*"}, Resources: []string{"*"}, Principals: []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}}
	alone := func(doc *policy.Document) *policy.Document {
		c := *doc
		c.Statements = []policy.Statement{doc.Statements[ref.Index]}
		if c.Statements[0].Effect == policy.EffectDeny {
			c.Statements = append(c.Statements, everything)
		}
		return &c
	}
	allAllowed := &policy.Document{Kind: policy.KindOrganization, Name: "all", Statements: []policy.Statement{everything}}
	world := &policy.Directory{BuiltIn: d.BuiltIn, Organizations: map[string]*policy.DirectoryOrganization{}, Buckets: map[string]*policy.DirectoryBucket{}}
	asked := *q
	asked.Principal.Org = caller
	if ref.Layer == policy.LayerOrganization {
		for org, o := range d.Organizations {
			for _, doc := range o.Policies {
				if doc.File == ref.File {
					if org != caller { // a Deny that reaches foreign callers
						return slices.ContainsFunc(doc.Statements[ref.Index].Principals, func(p policy.PrincipalPattern) bool { return p.Kind == policy.PrincipalEveryone })
					}
					world.Organizations[caller] = &policy.DirectoryOrganization{Policies: []*policy.Document{alone(doc)}}
				}
			}
		}
		if asked.Resource.Kind != policy.ResourceOrganization {
			asked.Resource.Org = caller
		}
	} else {
		world.Organizations[caller] = &policy.DirectoryOrganization{Policies: []*policy.Document{allAllowed}}
		for name, b := range d.Buckets {
			if b.Policy != nil && b.Policy.File == ref.File {
				world.Buckets[name] = &policy.DirectoryBucket{Owner: b.Owner, Policy: alone(b.Policy)}
			}
		}
	}
	if o := d.Organizations[caller]; o != nil && world.Organizations[caller] != nil {
		world.Organizations[caller].Access = o.Access // it says which tokens there are
	}
	allowed := reference.New(world).Evaluate(&asked).Decision.Outcome == policy.Allow
	return allowed == (ref.Effect == policy.EffectAllow)
}

// TestDiffOfManyWorlds is FuzzCompare over many seeds, and sees that it finds
// something.
func TestDiffOfManyWorlds(t *testing.T) {
	compared = struct{ pairs, differing, gained, lost, changed, unknown int }{}
	seeds := uint64(40)
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			differencesAreTold(t, rand.New(rand.NewPCG(seed, 13)), 150)
		})
	}
	t.Logf("%+v", compared)
	if compared.pairs == 40 && (compared.differing < 100 || compared.gained < 20 || compared.lost < 20) {
		t.Errorf("%+v: the worlds or the search went wrong", compared)
	}
}

// statementOf writes a statement that a message is about.
func statementOf(d *policy.Directory, ref policy.StatementRef) string {
	find := func(doc *policy.Document) string {
		if doc == nil || doc.File != ref.File || ref.Index >= len(doc.Statements) {
			return ""
		}
		return fmt.Sprintf("%+v", doc.Statements[ref.Index])
	}
	out := ""
	for _, o := range d.Organizations {
		for _, doc := range o.Policies {
			out += find(doc)
		}
	}
	for _, b := range d.Buckets {
		out += find(b.Policy)
	}
	return out
}
