package loader

import (
	"cmp"
	"slices"
)

// claims has the organizations that claim each bucket, by file or list. It takes
// little memory for a bucket with one claimant, as nearly all have.
type claims struct {
	one  map[string]*organization   // a claimant of each bucket
	more map[string][]*organization // all claimants, in byte order, of a bucket that has several
	// blank has the organizations with a blank file of a bucket. By that file they
	// claim nothing.
	blank map[string][]*organization
}

func newClaims() claims {
	return claims{one: map[string]*organization{}, more: map[string][]*organization{}, blank: map[string][]*organization{}}
}

// of returns the claimants in byte order. The caller must not change them.
func (c *claims) of(bucket string) []*organization {
	if m := c.more[bucket]; m != nil {
		return m
	}
	if o := c.one[bucket]; o != nil {
		return []*organization{o}
	}
	return nil
}

// set notes whether o claims the bucket, and reports whether that has changed.
func (c *claims) set(bucket string, o *organization, claimed bool) bool {
	if claimed && c.one[bucket] == nil { // as nearly always
		c.one[bucket] = o
		return true
	}
	now := c.of(bucket)
	i := slices.Index(now, o)
	if (i >= 0) == claimed {
		return false
	}
	now = slices.Clone(now)
	if claimed {
		now = append(now, o)
		slices.SortFunc(now, func(a, b *organization) int { return cmp.Compare(a.name, b.name) })
	} else {
		now = slices.Delete(now, i, i+1)
	}
	delete(c.one, bucket)
	delete(c.more, bucket)
	switch {
	case len(now) > 1:
		c.more[bucket] = now
		c.one[bucket] = now[0]
	case len(now) == 1:
		c.one[bucket] = now[0]
	}
	return true
}

// setBlank notes whether o's file of the bucket is blank.
func (c *claims) setBlank(bucket string, o *organization, blank bool) {
	if !blank && len(c.blank) == 0 { // as nearly always
		return
	}
	now := slices.DeleteFunc(slices.Clone(c.blank[bucket]), func(x *organization) bool { return x == o })
	if blank {
		now = append(now, o)
	}
	if len(now) > 0 {
		c.blank[bucket] = now
	} else {
		delete(c.blank, bucket)
	}
}
