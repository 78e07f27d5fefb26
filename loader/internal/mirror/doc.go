// Package mirror keeps the last good files of each unit on disk for a restart
// (specification 4, Restart). A Mirror is a folder. Its Model tells it what is in
// force: what to keep of a unit, the bytes of the unit's files, and which organizations
// there are.
//
// A change takes three calls. Note says that a unit changed. Mark, before the generation
// is in force, writes down that what the mirror has of the unit is overtaken. Flush
// writes the files, a few units at a time, and clears the marks when no unit waits. A
// restart calls LastGood, which returns nothing that a mark says is overtaken.
//
// All methods but Keep must be called from one goroutine at a time. A nil *Mirror, for
// no folder, keeps nothing and has nothing.
package mirror
