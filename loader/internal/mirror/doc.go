// Package mirror keeps the last good files of each unit on disk, so that a
// restart knows them (specification 4, Restart). Mirror is the folder, Model what
// it asks of whoever decides which content is in force: what it has to hold of a
// unit, that unit's bytes, and which organizations there are.
//
// A change goes Note (the unit changed), Mark (before the generation is in force:
// what the mirror has of the unit is overtaken), Flush (the files are written, a
// few units at a time, and the marks cleared). A restart reads LastGood, which
// trusts only what no mark says is overtaken.
//
// A Mirror belongs to one goroutine at a time but for Keep, which any may call.
// A nil one is that of no folder: it keeps nothing and knows nothing.
package mirror
