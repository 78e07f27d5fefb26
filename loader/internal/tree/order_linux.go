package tree

import "slices"

// orderedAtOnce is how many names inOrder handles before it calls between: as many
// as take about a millisecond.
const orderedAtOnce = 1 << 12

// inOrder returns the names in byte order, each once. It uses the memory of names,
// calls between now and then, and ends with its error: to sort a hundred thousand
// names takes long enough for a change to wait for it.
func inOrder(names []string, between func() error) ([]string, error) {
	for run := range slices.Chunk(names, orderedAtOnce) {
		slices.Sort(run)
		if err := between(); err != nil {
			return nil, err
		}
	}
	if len(names) <= orderedAtOnce {
		return slices.Compact(names), nil
	}
	from, to := names, make([]string, 0, len(names))
	for width := orderedAtOnce; width < len(names); width *= 2 {
		to = to[:0]
		for both := range slices.Chunk(from, 2*width) {
			a, b := both[:min(width, len(both))], both[min(width, len(both)):]
			for len(a) > 0 && len(b) > 0 {
				if b[0] < a[0] {
					a, b = b, a
				}
				to, a = append(to, a[0]), a[1:]
				if len(to)%orderedAtOnce == 0 {
					if err := between(); err != nil {
						return nil, err
					}
				}
			}
			to = append(append(to, a...), b...)
		}
		from, to = to, from
	}
	return slices.Compact(from), nil
}
