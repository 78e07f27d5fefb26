package explorer

import (
	"fmt"
	"slices"
	"strings"

	"postern/index"
	"postern/policy"
)

// matching knows the names that a statement's patterns are held against.
type matching struct {
	principals, buckets []string
	bucket              bool // the statements are of a bucket policy
}

// matching returns what statements of a file can match today.
func (s *Server) matching(snapshot *index.Snapshot, in documentIn) *matching {
	org := in.Organization
	if in.Bucket != "" {
		b, _ := snapshot.Bucket(in.Bucket)
		org = b.Owner
	}
	return &matching{snapshot.Principals(org, in.Bucket), s.names.bucketsOf(snapshot, org), in.Bucket != ""}
}

// describe says what a statement matches today, in a sentence for people: of the
// principals that policies name, and of the buckets that there are.
func (m *matching) describe(s *policy.Statement) string {
	who := m.who(s)
	if s.NotPrincipal {
		who = "everyone but " + who
	}
	if m.bucket {
		return who
	}
	what := m.what(s)
	if s.NotResource {
		what = "everything but " + what
	}
	return who + "; " + what
}

func (m *matching) who(s *policy.Statement) string {
	var exact, wide []string
	for _, p := range s.Principals {
		switch p.Kind {
		case policy.PrincipalEveryone:
			wide = append(wide, "every principal")
		case policy.PrincipalOrganization, policy.PrincipalAccount:
			wide = append(wide, "every principal of "+p.Org)
		case policy.PrincipalPrefix:
			n := 0
			for _, name := range m.principals {
				if strings.HasPrefix(name, p.Name) {
					n++
				}
			}
			wide = append(wide, fmt.Sprintf("%s* (%s by name)", p.Name, plural(n, "principal")))
		case policy.PrincipalNobody:
			wide = append(wide, "nobody")
		default:
			exact = append(exact, p.Name)
		}
	}
	slices.Sort(exact)
	return strings.Join(append(wide, some(slices.Compact(exact))...), ", ")
}

// what says which buckets the resources of a statement are in.
func (m *matching) what(s *policy.Statement) string {
	var exact, wide []string
	for _, r := range s.Resources {
		name, _, _ := strings.Cut(r, "/")
		switch {
		case strings.Contains(name, "${"):
			wide = append(wide, r+" (as the request says)")
		case strings.ContainsAny(name, "*?"):
			n := 0
			for _, b := range m.buckets {
				if glob(name, b) {
					n++
				}
			}
			wide = append(wide, fmt.Sprintf("%s (%s)", r, plural(n, "bucket")))
		default:
			exact = append(exact, r)
		}
	}
	slices.Sort(exact)
	return "on " + strings.Join(append(wide, some(slices.Compact(exact))...), ", ")
}

// some are the first of a list, and how many more there are.
func some(list []string) []string {
	const shown = 4
	if len(list) <= shown {
		return list
	}
	return append(slices.Clone(list[:shown]), fmt.Sprintf("and %d more", len(list)-shown))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// glob reports whether a name matches a pattern with `*` and `?`. It only counts names
// for people: what is decided, the index decides.
func glob(pattern, name string) bool {
	star, from := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
