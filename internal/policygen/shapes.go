package policygen

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"postern/policy"
)

const acme = "acme" // the organization of the workloads that have one

// builder collects the statements of one organization's policies, found again
// by bucket.
type builder struct {
	generator
	seed       uint64
	buckets    int
	statements []policy.Statement
	denies     []int32 // numbers of the Denies
	bucket     []int32 // by statement: the bucket that it names
	principals arena[policy.PrincipalPattern]
	texts      arena[string]
}

func newBuilder(seed uint64, n, buckets int) *builder {
	return &builder{
		generator:  generator{rand.New(rand.NewPCG(seed, uint64(n)))},
		seed:       seed,
		buckets:    max(buckets, 1),
		statements: make([]policy.Statement, 0, n),
		bucket:     make([]int32, 0, n),
	}
}

// bucketName names the n-th bucket of a workload.
func bucketName(n int) string { return numbered("data-", n) }

// bucketNumber is the reverse.
func bucketNumber(resource string) int {
	bucket, _, _ := strings.Cut(resource, "/")
	n, _ := strconv.Atoi(strings.TrimPrefix(bucket, "data-"))
	return n
}

// statementNames are shared: a name is unique in its document only.
var statementNames = func() (names [statementsPerFile]string) {
	for i := range names {
		names[i] = numbered("s-", i)
	}
	return names
}()

// add adds a statement: every tenth is a Deny.
func (b *builder) add(principals []policy.PrincipalPattern, actions []string, bucket int, resource string) {
	s := policy.Statement{
		Name:       statementNames[len(b.statements)%statementsPerFile],
		Effect:     policy.EffectAllow,
		Principals: principals,
		Actions:    actions,
		Resources:  b.texts.list(resource),
	}
	if len(b.statements)%10 == 7 {
		s.Effect = policy.EffectDeny
		b.denies = append(b.denies, int32(len(b.statements)))
	}
	b.statements = append(b.statements, s)
	b.bucket = append(b.bucket, int32(bucket))
}

// target picks a statement with the given effect, any Allow for EffectNone.
func (b *builder) target(g generator, effect policy.Effect) *policy.Statement {
	if effect == policy.EffectDeny {
		return &b.statements[b.denies[g.IntN(len(b.denies))]]
	}
	for {
		if s := &b.statements[g.IntN(len(b.statements))]; s.Effect == policy.EffectAllow {
			return s
		}
	}
}

// workload ends the building. caller makes the identifiers of a caller that a
// principal pattern names, or of one whom it does not.
func (b *builder) workload(name string, caller func(g generator, p policy.PrincipalPattern, named bool) []string) *Workload {
	d := &policy.Directory{
		Organizations: map[string]*policy.DirectoryOrganization{acme: {Policies: organizationDocuments(acme, b.statements)}},
		Buckets:       make(map[string]*policy.DirectoryBucket, b.buckets),
	}
	for i := range b.buckets {
		d.Buckets[bucketName(i)] = &policy.DirectoryBucket{Owner: acme}
	}
	of := b.byBucket()
	return &Workload{
		Name:       name,
		Directory:  d,
		Statements: len(b.statements),
		seed:       b.seed,
		relevant: func(r *policy.Request) [][]*policy.Statement {
			var layer []*policy.Statement
			for _, i := range of(bucketNumber(r.Resource.ID)) {
				layer = append(layer, &b.statements[i])
			}
			return [][]*policy.Statement{layer}
		},
		draw: func(g generator, effect policy.Effect) *policy.Request {
			s := b.target(g, effect)
			action := fillAction(g, pick(g, s.Actions...))
			bucket, key, _ := strings.Cut(pick(g, s.Resources...), "/")
			key = fillKey(g, key)
			if len(key) > 200 {
				return nil
			}
			named := effect != policy.EffectNone
			if !named && g.chance(3) {
				named, key = true, g.key("")
			}
			return objectRequest(acme, caller(g, pick(g, s.Principals...), named), action, bucket, key)
		},
	}
}

// byBucket finds the statements that name a bucket.
func (b *builder) byBucket() func(bucket int) []int32 {
	first := make([]int32, b.buckets+1)
	for _, k := range b.bucket {
		first[k+1]++
	}
	for k := range b.buckets {
		first[k+1] += first[k]
	}
	ids := make([]int32, len(b.bucket))
	next := slices.Clone(first)
	for i, k := range b.bucket {
		ids[next[k]] = int32(i)
		next[k]++
	}
	b.bucket = nil
	return func(bucket int) []int32 {
		if bucket < 0 || bucket >= len(first)-1 {
			return nil
		}
		return ids[first[bucket]:first[bucket+1]]
	}
}

// fillAction makes an action that a pattern matches.
func fillAction(g generator, pattern string) string {
	for {
		if a := pick(g, objectActions...); glob(pattern, a) {
			return a
		}
	}
}

// fillKey makes a key that a pattern of keys matches.
func fillKey(g generator, pattern string) string {
	parts := strings.Split(pattern, "*")
	out := parts[0]
	for i, part := range parts[1:] {
		if i == len(parts)-2 && part == "" {
			return g.key(out)
		}
		out += "x" + strconv.Itoa(g.IntN(1_000_000)) + part
	}
	return out
}

// Users is the workload `users` (specification 5): one organization, n
// statements of 1 to 3 principals of n/5 users, 1 to 3 actions, one of n/10
// buckets and a key prefix of two levels; every tenth is a Deny. n is at least
// 10.
func Users(n int, seed uint64) *Workload {
	b := newBuilder(seed, n, n/10)
	users := max(n/5, 1)
	names := make([]string, users)
	for i := range names {
		names[i] = user(i)
	}
	lists := actionLists(b.generator, objectActions)
	for range n {
		var list [3]policy.PrincipalPattern
		count := b.between(1, 3)
		for i := range count {
			list[i] = policy.PrincipalPattern{Kind: policy.PrincipalExact, Name: names[b.IntN(users)]}
		}
		bucket := b.IntN(b.buckets)
		b.add(b.principals.list(list[:count]...), pick(b.generator, lists...), bucket, bucketName(bucket)+"/"+b.twoLevels()+"*")
	}
	return b.workload("users", func(g generator, p policy.PrincipalPattern, named bool) []string {
		if named {
			return []string{p.Name}
		}
		if g.chance(2) {
			return []string{user(users + g.IntN(users))} // nobody knows this one
		}
		return []string{user(g.IntN(users))}
	})
}

func (b *builder) twoLevels() string {
	return numbered("p", b.IntN(50)) + "/" + numbered("q", b.IntN(50)) + "/"
}

// actionFamilies are patterns of several actions, and some single actions.
var actionFamilies = []string{"s3:Get*", "s3:Put*", "s3:Delete*", "s3:GetObject*", "s3:PutObject*", "s3:*Object", "s3:GetObject", "s3:PutObject", "s3:RestoreObject"}

// Groups is the workload `groups`: n statements on 200 roles, a fifth of them
// on `*`; callers hold 1 to 20 roles; actions like `s3:Get*`. Buckets and keys
// are those of Users. n is at least 10.
func Groups(n int, seed uint64) *Workload {
	const roles = 200
	b := newBuilder(seed, n, n/10)
	lists := actionLists(b.generator, actionFamilies)
	everyone := []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}
	for i := range n {
		principals := everyone
		if i%5 != 3 {
			principals = b.principals.list(policy.PrincipalPattern{Kind: policy.PrincipalExact, Name: role(b.IntN(roles))})
		}
		bucket := b.IntN(b.buckets)
		b.add(principals, pick(b.generator, lists...), bucket, bucketName(bucket)+"/"+b.twoLevels()+"*")
	}
	return b.workload("groups", func(g generator, p policy.PrincipalPattern, named bool) []string {
		ids := []string{user(g.IntN(10_000))}
		for range g.between(1, 20) {
			ids = append(ids, role(g.IntN(roles)))
		}
		if named && p.Kind == policy.PrincipalExact {
			ids[g.between(1, len(ids)-1)] = p.Name
		}
		return ids
	})
}

// Wildcards is the workload `wildcards`: prefixes that overlap, 1 to 6 deep, a
// `*` in the middle of every tenth resource, `*` as the principal of every
// second statement, the others on one of n/5 users. n/50 buckets. n is at
// least 10.
func Wildcards(n int, seed uint64) *Workload {
	b := newBuilder(seed, n, n/50)
	users := max(n/5, 1)
	lists := actionLists(b.generator, objectActions)
	everyone := []policy.PrincipalPattern{{Kind: policy.PrincipalEveryone}}
	for i := range n {
		principals := everyone
		if b.chance(2) {
			principals = b.principals.list(policy.PrincipalPattern{Kind: policy.PrincipalExact, Name: user(b.IntN(users))})
		}
		bucket := b.IntN(b.buckets)
		resource := bucketName(bucket)
		depth := b.between(1, 6)
		middle := -1
		if i%10 == 4 {
			depth = b.between(3, 6)
			middle = b.between(1, depth-2)
		}
		for level := range depth {
			if level == middle {
				resource += "/*"
				continue
			}
			resource += "/" + strconv.Itoa(level) + pick(b.generator, "-raw", "-train", "-eval")
		}
		b.add(principals, pick(b.generator, lists...), bucket, resource+"/*")
	}
	return b.workload("wildcards", func(g generator, p policy.PrincipalPattern, named bool) []string {
		if named && p.Kind == policy.PrincipalExact {
			return []string{p.Name}
		}
		return []string{user(g.IntN(2 * users))}
	})
}
