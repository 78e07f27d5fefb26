package request

import (
	"encoding/binary"
	"strconv"
	"unsafe"

	"postern/internal/conditionkey"
	"postern/internal/value"
	"postern/policy"
)

// checkAttributes checks the bounds of a list of condition keys and that no
// two keys are equal after folding (specification 1.7).
func checkAttributes(path string, list []policy.Attribute) fault {
	if len(list) > MaxMembers {
		return beyond(path, "at most "+strconv.Itoa(MaxMembers)+" keys can be stated")
	}
	for i := range list {
		if len(list[i].Values) > MaxValues {
			return beyond(path+"."+shorten(list[i].Key), "at most "+strconv.Itoa(MaxValues)+" values can be stated")
		}
		for _, v := range list[i].Values {
			if len(v.Text) > MaxString {
				return beyond(path+"."+shorten(list[i].Key), tooLong(MaxString))
			}
		}
	}
	return checkFolded(path, list)
}

// few is up to how many keys each is compared with each other.
const few = 8

// checkFolded finds keys that differ in ASCII case only. The list holds at most
// MaxMembers.
func checkFolded(path string, list []policy.Attribute) fault {
	if len(list) > few {
		return foldedMany(path, list)
	}
	for i := 1; i < len(list); i++ {
		for j := range list[:i] {
			if len(list[i].Key) == len(list[j].Key) && value.EqualFoldASCII(list[i].Key, list[j].Key) {
				return sameKey(path, list, i, j)
			}
		}
	}
	return fault{}
}

func sameKey(path string, list []policy.Attribute, i, j int) fault {
	return wrong(path+"."+shorten(list[i].Key), "the same key as "+quote(list[j].Key)+", since keys fold ASCII case; keep one")
}

// foldedMany is checkFolded for many keys: only those of equal tags are
// compared.
func foldedMany(path string, list []policy.Attribute) fault {
	if len(list) <= 4*few {
		var room [4 * few]uint64
		return foldedTags(path, list, room[:])
	}
	var room [MaxMembers]uint64
	return foldedTags(path, list, room[:])
}

// foldedTags is foldedMany with room for the tags.
func foldedTags(path string, list []policy.Attribute, tags []uint64) fault {
	for i := range list {
		tags[i] = foldTag(list[i].Key)
		for j, other := range tags[:i] {
			if other == tags[i] && value.EqualFoldASCII(list[i].Key, list[j].Key) {
				return sameKey(path, list, i, j)
			}
		}
	}
	return fault{}
}

// foldTag returns a number that is equal for keys that are equal after folding, and
// rarely equal for others.
func foldTag(key string) uint64 {
	const lower = 0x2020202020202020
	b := unsafe.Slice(unsafe.StringData(key), len(key))
	n := len(b)
	switch {
	case n >= 8:
		first, last := binary.LittleEndian.Uint64(b)|lower, binary.LittleEndian.Uint64(b[n-8:])|lower
		return first*0x9e3779b97f4a7c15 ^ last ^ uint64(n)
	case n >= 4:
		first, last := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[n-4:])
		return (uint64(first)<<32 | uint64(last)) | lower ^ uint64(n)
	case n > 0:
		return uint64(b[0]|0x20)<<16 | uint64(b[n/2]|0x20)<<8 | uint64(b[n-1]|0x20) | uint64(n)<<24
	}
	return 0
}

// checkContext refuses keys that are no caller's to state, and completes the
// time keys. It returns the list, which may have changed.
func checkContext(s *store, list []policy.Attribute) ([]policy.Attribute, fault) {
	current, epoch := -1, -1
	for i := range list {
		key := list[i].Key
		if key == "" {
			return list, wrong("context", "a condition key is empty; name it")
		}
		switch kind, _ := conditionkey.Split(key); {
		case kind.ServerSet():
			return list, wrong("context."+shorten(key), "postern sets this key itself, from the request's subject, action and resource; remove it from the context")
		case kind == conditionkey.CurrentTime:
			current = i
		case kind == conditionkey.EpochTime:
			epoch = i
		}
	}
	if current < 0 && epoch < 0 {
		return list, fault{}
	}
	return completeTime(s, list, current, epoch)
}
