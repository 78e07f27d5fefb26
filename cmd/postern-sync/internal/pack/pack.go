package pack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

	"postern/cmd/postern-sync/internal/revision"
)

// Chunk bounds the bytes of a chunk before it is compressed. Stored it has hardly more.
const Chunk = 512 << 10

// MostIndex bounds the bytes of an index, MostFile those of a file.
const (
	MostIndex = 1 << 30
	MostFile  = 1 << 30
)

var encoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		panic(err) // the options are constants
	}
	return e
})

var decoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(2*Chunk))
	if err != nil {
		panic(err)
	}
	return d
})

// Unpack returns the content of the blob of that name. It returns an error if the bytes
// are not those of that name, or come to more than a chunk.
func Unpack(name revision.Sum, stored []byte) ([]byte, error) {
	if revision.SumOf(stored) != name {
		return nil, fmt.Errorf("the blob %s has another content than its name says", name)
	}
	data, err := decoder().DecodeAll(stored, nil)
	if err != nil || len(data) > Chunk {
		return nil, fmt.Errorf("the blob %s cannot be unpacked, or is too large: %v", name, err)
	}
	return data, nil
}

// Writer makes a pack. Put is called for each blob, which it may keep.
type Writer struct {
	Put func(name revision.Sum, stored []byte) error

	chunk  []byte
	chunks []piece
	list   []revision.Change
}

// piece is a chunk of the content stream.
type piece struct {
	name revision.Sum
	size int
}

// Add adds a change with its content. Changes are added in byte order of their paths.
func (w *Writer) Add(c revision.Change, content []byte) error {
	c.Inline = nil
	w.list = append(w.list, c)
	// A chunk also ends where the path says so, so that equal files make equal chunks
	// though others before them changed.
	if sum := revision.SumOf([]byte(c.Path)); len(w.chunk) > 0 && (sum[0] == 0 || len(w.chunk)+len(content) > Chunk) {
		if err := w.end(); err != nil {
			return err
		}
	}
	for len(content) > 0 {
		n := min(len(content), Chunk-len(w.chunk))
		w.chunk = append(w.chunk, content[:n]...)
		if content = content[n:]; len(w.chunk) == Chunk {
			if err := w.end(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *Writer) end() error {
	name, err := w.put(w.chunk)
	w.chunks = append(w.chunks, piece{name, len(w.chunk)})
	w.chunk = w.chunk[:0]
	return err
}

func (w *Writer) put(data []byte) (revision.Sum, error) {
	stored := encoder().EncodeAll(data, nil)
	name := revision.SumOf(stored)
	return name, w.Put(name, stored)
}

// Close ends the pack and returns its list.
func (w *Writer) Close() (*revision.List, error) {
	if len(w.chunk) > 0 {
		if err := w.end(); err != nil {
			return nil, err
		}
	}
	index := binary.AppendUvarint(nil, uint64(len(w.chunks)))
	for _, c := range w.chunks {
		index = binary.AppendUvarint(append(index, c.name[:]...), uint64(c.size))
	}
	index = binary.AppendUvarint(index, uint64(len(w.list)))
	for _, c := range w.list {
		index = append(binary.AppendUvarint(index, uint64(len(c.Path))), c.Path...)
		if c.Removed {
			index = append(index, 0)
			continue
		}
		index = binary.AppendUvarint(append(append(index, 1), c.Sum[:]...), uint64(c.Size))
	}
	out := new(revision.List)
	for len(index) > 0 {
		n := min(len(index), Chunk)
		name, err := w.put(index[:n])
		if err != nil {
			return nil, err
		}
		out.Index, index = append(out.Index, name), index[n:]
	}
	return out, nil
}

// Index is the index of a pack that was read.
type Index struct {
	Changes []revision.Change // without content
	chunks  []piece
	offsets []int64 // of the content of each change
}

// errIndex says that an index is damaged; whoever signed it made it so.
var errIndex = errors.New("an index of blobs is damaged")

// ReadIndex reads an index, of which data is the unpacked content of its blobs in order.
func ReadIndex(data []byte) (*Index, error) {
	r := reader{data}
	x := &Index{}
	var content int64
	for range r.count() {
		c := piece{r.sum(), int(r.number(Chunk))}
		x.chunks = append(x.chunks, c)
		content += int64(c.size)
	}
	var at int64
	for range r.count() {
		c := revision.Change{Path: string(r.bytes(int(r.number(revision.MostPath))))}
		switch kind := r.bytes(1); {
		case len(kind) == 1 && kind[0] == 0:
			c.Removed = true
		case len(kind) == 1 && kind[0] == 1:
			c.Sum = r.sum()
			c.Size = int64(r.number(MostFile))
		default:
			return nil, errIndex
		}
		x.Changes, x.offsets = append(x.Changes, c), append(x.offsets, at)
		at += c.Size
	}
	if r.data == nil || len(r.data) > 0 || at != content {
		return nil, errIndex
	}
	return x, revision.CheckChanges(x.Changes, false)
}

// Blobs returns the names of the blobs of the content.
func (x *Index) Blobs() []revision.Sum {
	out := make([]revision.Sum, len(x.chunks))
	for i, c := range x.chunks {
		out[i] = c.name
	}
	return out
}

// Read calls each with the content of every change that want asks for, in order. chunk
// returns the unpacked content of a chunk; ahead, if it is not nil, is told before which
// chunks will be asked for. The content is checked against its sum.
func (x *Index) Read(want func(c revision.Change) bool, ahead func([]revision.Sum), chunk func(name revision.Sum) ([]byte, error), each func(c revision.Change, content []byte) error) error {
	starts := make([]int64, len(x.chunks)+1)
	for i, c := range x.chunks {
		starts[i+1] = starts[i] + int64(c.size)
	}
	type span struct{ change, first, last int } // chunks first to last, last not included
	var spans []span
	var names []revision.Sum
	next, told := 0, 0
	for i, c := range x.Changes {
		if c.Removed || !want(c) {
			continue
		}
		for next < len(x.chunks) && starts[next+1] <= x.offsets[i] {
			next++
		}
		s := span{i, next, next}
		for end := x.offsets[i] + c.Size; s.last < len(x.chunks) && starts[s.last] < end; s.last++ {
			if s.last >= told {
				names, told = append(names, x.chunks[s.last].name), s.last+1
			}
		}
		spans = append(spans, s)
	}
	if ahead != nil {
		ahead(names)
	}
	have, haveData := -1, []byte(nil)
	for _, s := range spans {
		c := x.Changes[s.change]
		content := make([]byte, 0, min(c.Size, 1<<20))
		for i := s.first; i < s.last; i++ {
			if i != have {
				data, err := chunk(x.chunks[i].name)
				if err != nil {
					return err
				}
				if len(data) != x.chunks[i].size {
					return errIndex
				}
				have, haveData = i, data
			}
			from, to := max(x.offsets[s.change]-starts[i], 0), min(x.offsets[s.change]+c.Size-starts[i], int64(len(haveData)))
			if from < to {
				content = append(content, haveData[from:to]...)
			}
		}
		if int64(len(content)) != c.Size || revision.SumOf(content) != c.Sum {
			return fmt.Errorf("%s: the content has another sum or size than the revision says", c.Path)
		}
		if err := each(c, content); err != nil {
			return err
		}
	}
	return nil
}

// reader reads an index. After an error its data is nil, and all that it returns is
// empty.
type reader struct{ data []byte }

func (r *reader) number(most uint64) uint64 {
	n, size := binary.Uvarint(r.data)
	if size <= 0 || n > most {
		r.data = nil
		return 0
	}
	r.data = r.data[size:]
	return n
}

// count reads how many items follow, each of which has at least two bytes.
func (r *reader) count() int {
	n := r.number(uint64(len(r.data) / 2))
	return int(n)
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.data) {
		r.data = nil
		return nil
	}
	b := r.data[:n:n]
	r.data = r.data[n:]
	return b
}

func (r *reader) sum() (s revision.Sum) {
	copy(s[:], r.bytes(len(s)))
	return s
}
