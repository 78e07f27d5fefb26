package request

import (
	"strconv"

	"postern/internal/value"
	"postern/policy"
)

// The two keys that tell the time of a request (specification 1.7).
const (
	currentTime = "aws:CurrentTime"
	epochTime   = "aws:EpochTime"
)

// maxDated is the last second that aws:CurrentTime can spell with a year of
// four digits.
const maxDated = 253402300799

// completeTime sets both time keys from the one that list states, at current
// or epoch, -1 where it is not there: "the server's clock unless the context
// states one, which sets both" (specification 1.7). One that is stated as an
// empty list is not stated, and taken out.
func completeTime(s *store, list []policy.Attribute, current, epoch int) ([]policy.Attribute, fault) {
	stated := func(i int) bool { return i >= 0 && (list[i].Unreadable || len(list[i].Values) > 0) }
	hasCurrent, hasEpoch := stated(current), stated(epoch)
	switch {
	case hasCurrent && hasEpoch:
		c, okC := instant(&list[current], false)
		e, okE := instant(&list[epoch], true)
		if !okC || !okE || c != e {
			return list, wrong("context."+epochTime, "not the same time as "+currentTime+"; state one of the two, and the other follows from it")
		}
		return list, fault{}
	case hasCurrent:
		added := policy.Attribute{Key: epochTime, Unreadable: true}
		if c, ok := instant(&list[current], false); ok {
			added.Unreadable = false
			added.Values = s.value(policy.ValueNumber, strconv.AppendInt(s.tail(20), c, 10))
		}
		return put(list, epoch, added), fault{}
	case hasEpoch:
		added := policy.Attribute{Key: currentTime, Unreadable: true}
		if e, ok := instant(&list[epoch], true); ok && e <= maxDated {
			added.Unreadable = false
			added.Values = s.value(policy.ValueString, value.AppendTime(s.tail(20), e))
		}
		return put(list, current, added), fault{}
	}
	kept := list[:0]
	for i := range list {
		if i != current && i != epoch {
			kept = append(kept, list[i])
		}
	}
	return kept, fault{}
}

// instant reads the one value of a time key as whole seconds, rounded down.
func instant(a *policy.Attribute, onlyDigits bool) (int64, bool) {
	if a.Unreadable || len(a.Values) != 1 {
		return 0, false
	}
	text := a.Values[0].Text
	if onlyDigits {
		for i := 0; i < len(text); i++ {
			if text[i] < '0' || text[i] > '9' {
				return 0, false
			}
		}
	}
	at, ok := value.Date(text)
	return at.Seconds, ok
}

// put puts a where the list has its empty twin, at i, or at the list's end.
func put(list []policy.Attribute, i int, a policy.Attribute) []policy.Attribute {
	if i >= 0 {
		list[i] = a
		return list
	}
	return append(list, a)
}
