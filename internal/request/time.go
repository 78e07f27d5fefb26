package request

import (
	"strconv"
	"strings"

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

// completeTime sets both time keys from the one that list states. current and
// epoch are their places in list, -1 for a key that is not there: "the server's clock unless the context
// states one, which sets both" (specification 1.7). Both are read as Date
// operators read them. One that is stated as an empty list is not stated, and
// taken out.
func completeTime(s *store, list []policy.Attribute, current, epoch int) ([]policy.Attribute, fault) {
	stated := func(i int) bool { return i >= 0 && (list[i].Unreadable || len(list[i].Values) > 0) }
	hasCurrent, hasEpoch := stated(current), stated(epoch)
	switch {
	case hasCurrent && hasEpoch:
		if !sameTime(&list[current], &list[epoch]) {
			return list, wrong("context."+epochTime, "not the same time as "+currentTime+"; state one of the two, and the other follows from it")
		}
		return list, fault{}
	case hasCurrent:
		added := policy.Attribute{Key: epochTime, Unreadable: true}
		if c, _, ok := instant(&list[current]); ok {
			added.Unreadable = false
			added.Values = s.value(policy.ValueNumber, strconv.AppendInt(s.tail(20), c.Seconds, 10))
		}
		return put(list, epoch, added), fault{}
	case hasEpoch:
		added := policy.Attribute{Key: currentTime, Unreadable: true}
		switch e, seconds, ok := instant(&list[epoch]); {
		case ok && !seconds:
			added.Unreadable, added.Values = false, list[epoch].Values
		case ok && e.Seconds <= maxDated:
			added.Unreadable = false
			added.Values = s.value(policy.ValueString, value.AppendTime(s.tail(20), e.Seconds))
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

// sameTime reports that two time keys state one time. A number of seconds has no
// fraction, so that beside one whole seconds count.
func sameTime(a, b *policy.Attribute) bool {
	x, secondsX, okX := instant(a)
	y, secondsY, okY := instant(b)
	if !okX || !okY {
		return false
	}
	return x == y || (secondsX || secondsY) && x.Seconds == y.Seconds
}

// instant reads the one value of a time key. seconds reports that it is a number
// of seconds, and no date.
func instant(a *policy.Attribute) (at value.Instant, seconds, ok bool) {
	if a.Unreadable || len(a.Values) != 1 {
		return value.Instant{}, false, false
	}
	text := a.Values[0].Text
	at, ok = value.Date(text)
	return at, strings.IndexByte(text, '-') < 0, ok
}

// put puts a in place of the element i, or at the end of the list where i is -1.
func put(list []policy.Attribute, i int, a policy.Attribute) []policy.Attribute {
	if i >= 0 {
		list[i] = a
		return list
	}
	return append(list, a)
}
