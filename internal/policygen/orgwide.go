package policygen

import (
	"strconv"

	"postern/policy"
)

// Orgwide is the workload `orgwide`: n statements on 2,000 users and 50 roles,
// of which none names a bucket: resources are `*`, `pre*` and `*/x/*`. There
// are 1,000 buckets. Denies are of the narrower two forms. n is at least 10.
func Orgwide(n int, seed uint64) *Workload {
	const users, roles, buckets = 2000, 50, 1000
	b := newBuilder(seed, n, buckets)
	lists := actionLists(b.generator, objectActions)
	projects := max(50, n/20)
	of := map[string][]int32{} // by principal
	for i := range n {
		name := user(b.IntN(users))
		if b.chance(4) {
			name = role(b.IntN(roles))
		}
		of[name] = append(of[name], int32(i))
		resource := "*/" + numbered("x", b.IntN(projects)) + "/*"
		bucket := bucketName(b.IntN(buckets))
		switch form := b.IntN(10); {
		case i%10 == 7: // a Deny
			if form < 5 {
				resource = bucket + "*"
			}
		case form == 0:
			resource = "*"
		case form < 5:
			resource = bucket[:len(bucket)-b.between(0, 2)] + "*"
		}
		b.add(b.principals.list(policy.PrincipalPattern{Kind: policy.PrincipalExact, Name: name}), pick(b.generator, lists...), 0, resource)
	}
	w := b.workload("orgwide", nil)
	w.relevant = func(r *policy.Request) [][]*policy.Statement {
		var layer []*policy.Statement
		for _, id := range r.Principal.IDs {
			for _, i := range of[id] {
				layer = append(layer, &b.statements[i])
			}
		}
		return [][]*policy.Statement{layer}
	}
	w.draw = func(g generator, effect policy.Effect) *policy.Request {
		s := b.target(g, effect)
		var ids []string
		if effect == policy.EffectNone {
			ids = []string{user(g.IntN(2 * users))}
		} else {
			ids = []string{user(g.IntN(users)), role(g.IntN(roles))}
			ids[g.IntN(2)] = s.Principals[0].Name
		}
		resource := s.Resources[0]
		bucket, key := bucketName(g.IntN(buckets)), g.key("")
		switch {
		case resource == "*":
		case resource[0] == '*': // `*/x/*`
			key = g.key("in" + strconv.Itoa(g.IntN(100)) + resource[1:len(resource)-1])
			if g.chance(4) {
				key = g.key(resource[2 : len(resource)-1])
			}
		default: // `pre*`
			digits := "0123456789"
			bucket = resource[:len(resource)-1]
			for len(bucket) < len(bucketName(0)) {
				bucket += digits[g.IntN(10):][:1]
			}
		}
		return objectRequest(acme, ids, fillAction(g, pick(g, s.Actions...)), bucket, key)
	}
	return w
}
