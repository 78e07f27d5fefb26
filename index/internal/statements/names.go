package statements

import (
	"slices"
	"strings"

	"postern/index/internal/block"
)

// Names are what the files of one organization name without wildcard,
// each list sorted and without duplicates: buckets, `BUCKET/KEY`, and
// `provider/name`.
type Names struct{ Buckets, Objects, Principals []string }

// Settle sorts the lists.
func (k *Names) Settle() {
	for _, list := range []*[]string{&k.Buckets, &k.Objects, &k.Principals} {
		slices.Sort(*list)
		*list = slices.Clip(slices.Compact(*list))
	}
}

// addBlock adds what the statements of a block name. Of principals it adds
// those of the organization org, and those of no organization.
func (k *Names) addBlock(b block.Block, org string) {
	for id := range b.Count() {
		r := b.Record(id)
		k.Principals = appendNames(k.Principals, b, r, org)
		k.Objects = appendTexts(k.Objects, b, r, true)
		k.Buckets = appendTexts(k.Buckets, b, r, false)
	}
}

// appendTexts appends the objects, or the buckets, that a statement names.
func appendTexts(list []string, b block.Block, r block.Record, objects bool) []string {
	w := b.What(r)
	for i := range w.Exact {
		if text := b.Pattern(w, i); strings.IndexByte(text, '/') >= 0 == objects {
			list = append(list, text)
		}
	}
	return list
}

// appendNames appends the identifiers of org, or of no organization, that a
// statement names.
func appendNames(list []string, b block.Block, r block.Record, org string) []string {
	w := b.Who(r)
	for i := range w.Exact {
		if text, in := b.Identifier(w, i); in == "" || in == org {
			list = append(list, text)
		}
	}
	return list
}

// Add adds what a bucket's policy names. Of principals it adds those of the
// organization org, and those of no organization.
func (k *Names) Add(p *Policies, org string) { k.addBlock(p.Block(), org) }

// AddBuckets adds the buckets that a bucket's policy names.
func (k *Names) AddBuckets(p *Policies) {
	b := p.Block()
	for id := range b.Count() {
		k.Buckets = appendTexts(k.Buckets, b, b.Record(id), false)
	}
}

// Names returns what organization policies name; nothing if p is nil.
func (p *Policies) Names() *Names {
	if p == nil || p.known == nil {
		return &Names{}
	}
	return p.known.Get(func() (k Names) {
		k.addBlock(p.Block(), "")
		for _, at := range p.buckets.used {
			b := p.block(at)
			k.Buckets = append(k.Buckets, b.Name())
			k.addBlock(b, "")
		}
		k.Settle()
		return k
	})
}
