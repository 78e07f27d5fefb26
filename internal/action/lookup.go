package action

// The names of known actions lie in a small hash table with open addressing. A
// few bytes of a name, in lower case, give the slot; equality of names decides.
// The table is filled once, with names that no user chooses, so probing stays
// short.
const (
	slotBits = 10
	minName  = 8 // the length of the shortest known name
)

var slots [1 << slotBits]uint16 // ID + 1

// place returns the slot at which the search for a name of at least minName
// bytes begins.
func place(name string) uint32 {
	const lower = 0x2020202020202020
	n := len(name)
	first := load(name) | lower
	last := load(name[n-8:]) | lower
	return uint32((last*0x9e3779b97f4a7c15 ^ (first+uint64(n))*0xc2b2ae3d27d4eb4f) >> (64 - slotBits))
}

func load(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func addSlot(id ID) {
	i := place(table[id].name)
	for slots[i] != 0 {
		i = (i + 1) % (1 << slotBits)
	}
	slots[i] = uint16(id + 1)
}

// Lookup finds a known action by its name, without regard to ASCII case. It
// does not allocate.
func Lookup(name string) (ID, bool) {
	if len(name) < minName {
		return 0, false
	}
	for i := place(name); slots[i] != 0; i = (i + 1) % (1 << slotBits) {
		id := ID(slots[i] - 1)
		if known := table[id].name; known == name || equalFold(known, name) {
			return id, true
		}
	}
	return 0, false
}

// equalFold compares without regard to ASCII case.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
