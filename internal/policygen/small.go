package policygen

import (
	"math/rand/v2"
	"strconv"

	"postern/policy"
)

// Small makes a tiny world and requests to ask in it: 1 to 3 organizations and
// 1 to 4 buckets whose names, principals, actions, keys and condition values
// come from a few words, so that they collide and match often. Some worlds
// have a document of more than 64, or of more than 200, statements.
func Small(seed uint64) (*policy.Directory, []*policy.Request) {
	return SmallFrom(rand.New(rand.NewPCG(seed, 0x706f737465726e)))
}

// SmallFrom is Small with a source of randomness of the caller's.
func SmallFrom(source *rand.Rand) (*policy.Directory, []*policy.Request) {
	return newSmallWorld(source).world()
}

func newSmallWorld(source *rand.Rand) *smallWorld {
	w := &smallWorld{generator: generator{source}}
	w.organizations = []string{"o1", "o2", "o3"}[:w.between(1, 3)]
	w.buckets = []string{"b", "ab", "b-1", "b.a"}[:w.between(1, 4)]
	for range 6 {
		w.keys = append(w.keys, w.key())
	}
	return w
}

// world makes the directory and requests without an iam layer.
func (w *smallWorld) world() (*policy.Directory, []*policy.Request) {
	d := w.directory()
	var requests []*policy.Request
	for range w.between(16, 40) {
		requests = append(requests, w.request())
	}
	return d, requests
}

// smallWorld remembers the words of one world.
type smallWorld struct {
	generator
	organizations []string // those with a folder
	buckets       []string
	keys          []string
	// narrow asks for statements that rarely match: in documents with many, as
	// many wide ones would make every answer a Deny.
	narrow bool
}

// organization names an organization, mostly one with a folder.
func (w *smallWorld) organization() string {
	if w.chance(16) {
		return pick(w.generator, "o9", "O1", "o2")
	}
	return pick(w.generator, w.organizations...)
}

// key makes an object's key: a few short names between slashes, and now and
// then a character that is special in a pattern.
func (w *smallWorld) key() string {
	var key string
	for i := range w.between(1, 5) {
		if i > 0 && !w.chance(4) {
			key += "/"
		}
		key += w.segment()
	}
	if w.chance(5) {
		key += pick(w.generator, "/", "//", "/..", " ")
	}
	return key
}

func (w *smallWorld) segment() string {
	if w.chance(12) {
		return pick(w.generator, "*", "?", "${aws:username}", "$", "${*}", "\x00", "%2F")
	}
	return pick(w.generator, "a", "b", "a", "b", "ab", "é", "日a", "B")
}

func (w *smallWorld) directory() *policy.Directory {
	d := &policy.Directory{
		Organizations: map[string]*policy.DirectoryOrganization{},
		Buckets:       map[string]*policy.DirectoryBucket{},
	}
	// -default-org fills nothing once another organization's folder is there
	// (specification 1.5).
	if len(w.organizations) == 1 && w.chance(3) {
		d.DefaultOrganization = w.organizations[0]
	}
	// Some of these have a folder, some have none (specification 1.3).
	if w.chance(2) {
		d.PlatformOrganizations = []string{"o9", "o2", w.organizations[0]}
	}
	for _, name := range w.organizations {
		o := &policy.DirectoryOrganization{
			IAMUnavailable:     w.chance(10),
			BucketsUnavailable: w.chance(10),
		}
		if w.chance(24) {
			o.PoliciesUnavailable = true
		} else {
			for i := range pick(w.generator, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3) {
				o.Policies = append(o.Policies, w.organizationDocument(name, i))
			}
		}
		d.Organizations[name] = o
	}
	for _, name := range w.buckets {
		if w.chance(14) {
			continue // a bucket in no folder, whose owner a request may state
		}
		b := &policy.DirectoryBucket{Owner: pick(w.generator, w.organizations...)}
		switch {
		case w.chance(20):
			b.PolicyUnavailable = true
		case !w.chance(7):
			b.Policy = w.bucketDocument(b.Owner, name)
		}
		if w.chance(20) {
			for _, other := range w.organizations {
				if other != b.Owner {
					b.Claimants = append(b.Claimants, other)
				}
			}
		}
		d.Buckets[name] = b
	}
	return d
}

// statements decides how many statements a document has. The large ones reach
// the forms of postings that small parts never need.
func (w *smallWorld) statements() int {
	w.narrow = false
	switch w.IntN(40) {
	case 0:
		w.narrow = true
		return w.between(201, 260)
	case 1, 2:
		w.narrow = true
		return w.between(65, 100)
	case 3:
		w.narrow = true
		return w.between(60, 66)
	}
	return w.between(1, 6)
}

func (w *smallWorld) organizationDocument(org string, number int) *policy.Document {
	d := &policy.Document{
		Kind:       policy.KindOrganization,
		Name:       "p" + strconv.Itoa(number),
		NameLine:   1,
		NameColumn: 1,
		File:       org + "/access-policies/" + pick(w.generator, "p", "a", "z-") + strconv.Itoa(number) + ".json",
	}
	n := w.statements()
	for i := range n {
		s := policy.Statement{
			Name:       "s" + strconv.Itoa(i),
			Effect:     w.effect(3),
			Principals: some(w.generator, 3, w.organizationPrincipal),
			Actions:    some(w.generator, 3, w.organizationAction),
			Resources:  some(w.generator, 3, func() string { return w.resource(false) }),
		}
		// Without one wide Allow in most, little would pass the organization
		// step.
		if i == 0 && number == 0 && !w.chance(5) {
			s.Effect = policy.EffectAllow
			s.Principals = []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}
			s.Actions = []string{pick(w.generator, "*", "s3:*", "S3:*")}
			s.Resources = []string{pick(w.generator, "*", "*", "**", "?*")}
		}
		if onOrganizationOnly(s.Actions) {
			s.Resources[w.IntN(len(s.Resources))] = "*"
		}
		d.Statements = append(d.Statements, s)
	}
	w.shuffle(d)
	return d
}

func (w *smallWorld) bucketDocument(org, bucket string) *policy.Document {
	d := &policy.Document{
		Kind:      policy.KindBucket,
		File:      org + "/buckets/" + bucket + ".json",
		Variables: !w.chance(4),
	}
	if w.chance(2) {
		d.Name, d.NameLine, d.NameColumn = "id", 1, 1
	}
	n := w.statements()
	// In some documents one dimension alone tells statements apart, so that it
	// decides.
	onlyConditions, onlyResources := false, false
	if !w.narrow {
		onlyConditions, onlyResources = w.chance(4), w.chance(6)
	}
	for i := range n {
		s := policy.Statement{
			Effect:     w.effect(2),
			Principals: some(w.generator, 3, w.bucketPrincipal),
			Actions:    some(w.generator, 3, w.bucketAction),
			NotAction:  w.chance(8),
			Resources:  some(w.generator, 3, func() string { return w.resource(d.Variables) }),
		}
		if w.chance(2) {
			s.Name = "Sid" + strconv.Itoa(i)
		}
		s.NotResource = w.chance(8)
		s.NotPrincipal = s.Effect == policy.EffectDeny && w.chance(3)
		if !s.NotPrincipal && w.chance(20) {
			s.Principals = []policy.PrincipalPattern{{Kind: policy.PrincipalNobody}}
		}
		s.Conditions = w.conditions(d.Variables)
		if onlyConditions || onlyResources {
			s.Principals, s.NotPrincipal = []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}, false
			s.Actions, s.NotAction = []string{pick(w.generator, "*", "s3:*")}, false
		}
		if onlyConditions {
			s.Resources, s.NotResource = []string{"*"}, false
			for s.Conditions == nil {
				s.Conditions = w.conditions(d.Variables)
			}
		} else if onlyResources {
			s.Conditions = nil
		}
		if i == 0 && !w.chance(3) {
			s.Effect, s.NotPrincipal = policy.EffectAllow, false
			s.Principals = []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}
			s.Actions, s.NotAction = []string{"*"}, false
			s.Resources, s.NotResource = []string{pick(w.generator, "*", bucket+"*")}, false
		}
		d.Statements = append(d.Statements, s)
	}
	w.shuffle(d)
	return d
}

// shuffle puts the statements into random order and on lines of their own.
func (w *smallWorld) shuffle(d *policy.Document) {
	w.Shuffle(len(d.Statements), func(i, j int) { d.Statements[i], d.Statements[j] = d.Statements[j], d.Statements[i] })
	for i := range d.Statements {
		d.Statements[i].Line = 2 + i
		for j := range d.Statements[i].Conditions {
			d.Statements[i].Conditions[j].Line = 2 + i
		}
	}
}

// effect is a Deny once in n times, and more rarely where there are many
// statements.
func (w *smallWorld) effect(n int) policy.Effect {
	if w.chance(n) && (!w.narrow || w.chance(6)) {
		return policy.EffectDeny
	}
	return policy.EffectAllow
}
