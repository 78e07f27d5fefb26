package apply

import (
	"errors"
	"io/fs"
	"os"
)

// roomName is a file that keeps room on the disk for what is written once the journal is:
// a full disk must end an apply before, and not under .hold.
const roomName = ".sync/room"

// spareRoom is for the small files that are written then, and for folders.
const spareRoom = 64 << 10

// takeRoom takes the room that an apply with a journal of that many bytes needs, for a
// revision of count files.
func (d *Directory) takeRoom(journal, count int) error {
	size := int64(journal + spareRoom) // what is appended to the index says what the journal does
	if info, err := d.root.Lstat(indexName); err == nil && d.renewsIndex(count) {
		size += info.Size()
	}
	if err := d.step("write " + roomName); err != nil {
		return err
	}
	return d.writeFile(roomName, os.O_TRUNC, make([]byte, size), false)
}

// giveRoom lets go of the room, for what is written next.
func (d *Directory) giveRoom() error {
	if err := d.step("remove " + roomName); err != nil {
		return err
	}
	if err := d.root.Remove(roomName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
