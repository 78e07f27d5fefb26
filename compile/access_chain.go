package compile

import (
	"slices"
	"strconv"
	"strings"

	"postern/policy"
)

// maxHeight bounds how long a chain of includes, or of groups in groups, may
// be. Whatever follows such a chain, deciding included, recurses as deep.
const maxHeight = 1000

// chains is the graph of the references between definitions of one kind:
// permission sets, roles, groups or records.
type chains struct {
	words chainWords
	names []string
	edges [][]chainEdge // the references of each definition, in the order of names
	place map[string]int
}

// chainEdge is a reference to another definition, with its position.
type chainEdge struct {
	to int
	at policy.Position
}

// chainWords are the words that messages use for a kind of definition.
type chainWords struct{ itself, remove, long, mend string }

var (
	setWords    = chainWords{"the permission set %q includes itself", "remove one of the includes", "the permission set %q starts a chain of more than %d includes", "include what is needed more directly"}
	roleWords   = chainWords{"the role %q includes itself", "remove one of the includes", "the role %q starts a chain of more than %d includes", "include what is needed more directly"}
	groupWords  = chainWords{"the group %q is a member of itself", "remove one of the members", "the group %q starts a chain of more than %d groups in groups", "list members more directly"}
	recordWords = chainWords{"the record %q composes itself", "remove one of the ids", "the record %q starts a chain of more than %d records that compose each other", "compose what is needed more directly"}
)

func newChains(words chainWords) *chains { return &chains{words: words, place: map[string]int{}} }

// add adds a definition. References are added with refer, after all
// definitions.
func (c *chains) add(name string) {
	if _, twice := c.place[name]; !twice {
		c.place[name] = len(c.names)
		c.names, c.edges = append(c.names, name), append(c.edges, nil)
	}
}

// refer adds a reference. One to a name that is not defined is left out.
func (c *chains) refer(from, to string, at policy.Position) {
	if k, ok := c.place[to]; ok {
		i := c.place[from]
		c.edges[i] = append(c.edges[i], chainEdge{k, at})
	}
}

// cycles reports definitions that include themselves, directly or through
// others, and chains of includes that are longer than maxHeight.
func (u *access) cycles() {
	sets, roles, groups, records := newChains(setWords), newChains(roleWords), newChains(groupWords), newChains(recordWords)
	for _, d := range u.defining() {
		for i := range d.PermissionSets {
			sets.add(d.PermissionSets[i].Name)
		}
		for i := range d.Roles {
			roles.add(d.Roles[i].Name)
		}
		for i := range d.Groups {
			groups.add(d.Groups[i].Name)
		}
		for i := range d.Records {
			records.add(d.Records[i].ID)
		}
	}
	for _, s := range u.sets {
		for _, r := range s.Include {
			sets.refer(s.Name, r.Name, r.At)
		}
	}
	for _, s := range u.roles {
		for _, r := range s.Include {
			roles.refer(s.Name, r.Name, r.At)
		}
	}
	for _, g := range u.groups {
		for i := range g.Members {
			if m := &g.Members[i]; m.Kind == policy.PrincipalGroup {
				groups.refer(g.Name, m.Name, m.At)
			}
		}
	}
	for id, r := range u.byID {
		compositions(r.Details, func(ref policy.Reference) { records.refer(id, ref.Name, ref.At) })
	}
	for _, c := range []*chains{sets, roles, groups, records} {
		c.check(u)
	}
}

// shortestCycles is the number of cycles of one kind of which the shortest path
// is searched for; others are reported without one.
const shortestCycles = 100

// check follows every reference once. It does not recurse, as a file may hold
// chains of any length.
func (c *chains) check(u *access) {
	const onStack, done = 1, 2
	state := make([]uint8, len(c.names))
	next := make([]int, len(c.names))   // the place of the next reference to follow
	height := make([]int, len(c.names)) // the length of the longest chain that begins here
	tallest := make([]int, len(c.names))
	cycles := 0
	var stack []int
	for start := range c.names {
		if state[start] != 0 {
			continue
		}
		stack = append(stack[:0], start)
		state[start] = onStack
		for len(stack) > 0 {
			from := stack[len(stack)-1]
			if next[from] < len(c.edges[from]) {
				e := c.edges[from][next[from]]
				next[from]++
				switch state[e.to] {
				case onStack:
					way := stack[slices.Index(stack, e.to):]
					if cycles++; cycles <= shortestCycles {
						way = c.shortest(e.to, from)
					}
					u.report(isError, e.at, c.words.itself+c.way(append(slices.Clone(way), e.to))+"; "+c.words.remove, c.names[e.to])
				case done:
					if height[e.to] >= height[from] {
						height[from], tallest[from] = height[e.to]+1, next[from]-1
					}
				default:
					state[e.to] = onStack
					stack = append(stack, e.to)
				}
				continue
			}
			state[from] = done
			stack = stack[:len(stack)-1]
			if height[from] == maxHeight+1 { // longer chains contain this one, and are not reported
				way := []int{from}
				for at := from; height[at] > 0; {
					at = c.edges[at][tallest[at]].to
					way = append(way, at)
				}
				u.report(isError, c.edges[from][tallest[from]].at, c.words.long+c.way(way)+"; "+c.words.mend, c.names[from], maxHeight)
			}
			if len(stack) > 0 {
				if above := stack[len(stack)-1]; height[from] >= height[above] {
					height[above], tallest[above] = height[from]+1, next[above]-1
				}
			}
		}
	}
}

// shortest returns the shortest path from a definition to one that refers back
// to it.
func (c *chains) shortest(from, to int) []int {
	before := map[int]int{from: -1}
	for queue := []int{from}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == to {
			break
		}
		for _, e := range c.edges[queue[0]] {
			if _, seen := before[e.to]; !seen {
				before[e.to] = queue[0]
				queue = append(queue, e.to)
			}
		}
	}
	var way []int
	for at := to; at >= 0; at = before[at] {
		way = append(way, at)
	}
	slices.Reverse(way)
	return way
}

// maxWay is the number of names that a message shows of a path, from its start;
// the last name is always shown.
const maxWay = 8

// way writes the names on a path, for a message. Names are escaped for use in a
// format.
func (c *chains) way(way []int) string {
	if len(way) == 2 && way[0] == way[1] {
		return ""
	}
	var b strings.Builder
	for i, at := range way {
		switch {
		case i == 0:
			b.WriteString(": ")
		case i > maxWay && i < len(way)-1:
			continue
		case i == len(way)-1 && len(way) > maxWay+2:
			b.WriteString(" > ... > ")
		default:
			b.WriteString(" > ")
		}
		b.WriteString(strings.ReplaceAll(strconv.Quote(c.names[at]), "%", "%%"))
	}
	return b.String()
}

// compositions calls f for every record that a tree composes, at any depth.
func compositions(n *policy.Descriptor, f func(policy.Reference)) {
	if n == nil {
		return
	}
	for _, r := range n.Include {
		f(r)
	}
	for _, e := range n.Entries {
		compositions(e, f)
	}
	compositions(n.Then, f)
	compositions(n.Else, f)
	for i := range n.Options {
		compositions(n.Options[i].Node, f)
	}
}
