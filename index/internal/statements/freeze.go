package statements

import (
	"slices"

	"postern/index/internal/block"
	"postern/index/lowered"
)

// part freezes statements, which have to be in order, and returns the place of
// their block. Of their resources it takes those that name bucket, or all if
// bucket is "".
func (f *freezer) part(name, bucket string, list []*lowered.Statement) uint32 {
	f.statements = slices.Grow(f.statements, len(list))
	for _, s := range list {
		f.statements = append(f.statements, f.w.Statement(s, f.patterns(s, bucket)))
	}
	at := f.block(name, f.statements, true, nil)
	if len(list) > wordParts && f.form == lowered.FormAuto || f.form == lowered.FormNames {
		f.p.roaring[f.p.block(at).Narrowing()-1].byName(f, f.statements)
	}
	block.Forget(&f.statements)
	f.w.Forget()
	block.Forget(&f.texts)
	return at
}

// patterns returns the resource patterns of a statement that name bucket, or
// all if bucket is "". They are valid until the part is done.
func (f *freezer) patterns(s *lowered.Statement, bucket string) []string {
	if bucket == "" {
		return s.Resources
	}
	from := len(f.texts)
	for _, program := range s.Resources {
		if name, _ := BucketName(program); name == bucket {
			f.texts = append(f.texts, program)
		}
	}
	return f.texts[from:len(f.texts):len(f.texts)]
}

// block writes the block of a part, and returns its place. explained says that
// the document, index and line of each statement are recorded for explanations;
// it is false for the parts of names, which explanations do not read. t are the
// traits by which the statements are sorted, nil if they are not.
func (f *freezer) block(name string, list []block.Statement, explained bool, t *block.Traits) (at uint32) {
	p, words := f.p, wordParts
	if !explained {
		words = nameParts
	}
	part := block.Part{Name: name, Statements: list, Traits: t, Explained: explained}
	switch {
	case f.form == lowered.FormScan:
		part.Narrowing = block.ByNothing
	case len(list) > words || f.form == lowered.FormRoaring || f.form == lowered.FormNames && explained:
		p.roaring = append(p.roaring, newRoaringIndex(list))
		part.Narrowing = uint32(len(p.roaring))
	}
	p.words, at = f.w.Write(p.words, &part)
	return at
}
