package iam

import (
	"unsafe"

	"postern/index/internal/block"
	"postern/index/lowered"
)

// entities are the facts, by the resource or principal that they are about.
type entities struct{ resources, principals map[string]*lowered.Entity }

func newEntities(list []lowered.Entity) (e entities) {
	for i := range list {
		x := &list[i]
		m, name := &e.principals, x.Principal
		if x.Resource != "" {
			m, name = &e.resources, x.Resource
		}
		if *m == nil {
			*m = map[string]*lowered.Entity{}
		}
		(*m)[name] = x
	}
	return e
}

func (e *entities) size() (n int64) {
	for _, m := range []map[string]*lowered.Entity{e.resources, e.principals} {
		for name, x := range m {
			n += int64(len(name)) + block.EntrySize + int64(unsafe.Sizeof(*x))
			for i := range x.Properties {
				n += int64(unsafe.Sizeof(x.Properties[i])) + int64(len(x.Properties[i].Key)) + block.SizeOf(x.Properties[i].Values)
			}
			for i := range x.Tags {
				n += int64(unsafe.Sizeof(x.Tags[i])) + int64(len(x.Tags[i].Key)+len(x.Tags[i].Value))
			}
		}
	}
	return n
}
