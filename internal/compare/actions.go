package compare

import (
	"postern/internal/action"
)

// askedActions lists the actions of some classes that clauses tell apart, one of
// each kind, and one beyond the table for each service.
func askedActions(clauses []*clause, wanted func(action.Class) bool) []asked {
	var out []asked
	seen := map[string]bool{}
	for id := range action.ID(action.Count()) {
		class := action.ClassOfID(id)
		if !wanted(class) {
			continue
		}
		hands := append([]action.ID{id}, action.Beside(id)...)
		key := []byte{byte(class)}
		for _, h := range hands {
			key = append(key, byte(action.KindOf(h)))
			for from := 0; from < len(clauses); from += 8 {
				bits := byte(0)
				for i := from; i < min(from+8, len(clauses)); i++ {
					if clauses[i].known.has(h) {
						bits |= 1 << (i - from)
					}
				}
				key = append(key, bits)
			}
		}
		if !seen[string(key)] {
			seen[string(key)] = true
			out = append(out, asked{name: action.Name(id), class: class, hands: hands})
		}
	}
	for _, class := range []action.Class{action.Bucket, action.ControlPlane} {
		if wanted(class) {
			out = append(out, asked{class: class})
		}
	}
	return out
}
