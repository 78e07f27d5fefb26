package push

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"postern/cmd/postern-sync/internal/history"
	"postern/cmd/postern-sync/internal/pack"
	"postern/cmd/postern-sync/internal/revision"
	"postern/cmd/postern-sync/internal/stream"
)

const (
	// mostInline bounds the bytes of the changes that a message has with it.
	mostInline = 256 << 10
	// SnapshotEvery is how many revisions lie between two snapshots.
	SnapshotEvery = 500
	// BeatEvery is how old the newest revision is before a heartbeat follows it.
	BeatEvery = time.Hour
)

// Pusher publishes revisions of one fleet.
type Pusher struct {
	Conn  *stream.Conn
	Fleet string
	Key   ed25519.PrivateKey
	Keys  []ed25519.PublicKey // that other pushers sign with
	By    string              // who pushes, for people
	// Epoch is what to count revisions in; 0 for the newest revision's. A higher one than
	// that begins anew.
	Epoch uint64
	// Before, if it is not nil, is asked before a revision is published. old is what the
	// fleet has; its content is had by contents.
	Before func(ctx context.Context, old *revision.Tree, contents func(map[revision.Sum]bool, func([]byte) error) error) error
	// AllowEmptied allows that an organization's folder of bucket policies loses all of
	// several while the organization stays, as if the folder had been lost.
	AllowEmptied bool
	Now          func() time.Time // for tests
}

// Result says what was published.
type Result struct {
	Revision *revision.Revision
	Changed  int
	// Nothing reports that nothing was to be published: Revision is the newest.
	Nothing bool
}

// OvertakenError says that another revision came first.
type OvertakenError struct{ First *revision.Revision }

func (e *OvertakenError) Error() string {
	return fmt.Sprintf("revision %s by %s of %s came first; nothing was published: look at what it changed, and push again",
		e.First.ID(), e.First.By, e.First.Time.Format(time.RFC3339))
}

// state is what the newest revision says, when a push begins.
type state struct {
	head   *history.Head // nil: there is none
	target *history.Target
	named  map[revision.Sum]bool // blobs that the newest revision needs
}

func (p *Pusher) now() time.Time {
	if p.Now != nil {
		return p.Now().UTC()
	}
	return time.Now().UTC()
}

func (p *Pusher) reader() *history.Reader {
	keys := append(slices.Clone(p.Keys), p.Key.Public().(ed25519.PublicKey))
	return &history.Reader{Log: p.Conn, Fleet: p.Fleet, Keys: keys}
}

// newest reads the newest revision, and what files it has.
func (p *Pusher) newest(ctx context.Context) (s *state, err error) {
	err = patiently(ctx, func() error {
		s, err = p.read(ctx)
		return err
	})
	return s, err
}

// patiently calls do again, for unknownFor at most, while no server can answer it: they
// may be choosing a leader.
func patiently(ctx context.Context, do func() error) error {
	for until := time.Now().Add(unknownFor); ; {
		err := do()
		if !stream.Unanswered(err) || ctx.Err() != nil || time.Now().After(until) {
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// read is one attempt of newest.
func (p *Pusher) read(ctx context.Context) (*state, error) {
	m, err := p.Conn.Leader(ctx)
	if errors.Is(err, stream.ErrNone) {
		return &state{}, nil
	}
	if err != nil {
		return nil, err
	}
	r := p.reader()
	head, err := r.Verify(m)
	if err != nil {
		return nil, fmt.Errorf("the newest revision of the stream: %w", err)
	}
	target, err := r.Resolve(ctx, head, nil)
	if err != nil {
		return nil, err
	}
	s := &state{head, target, map[revision.Sum]bool{}}
	if head.Snapshot != nil {
		x, err := r.Index(ctx, &head.Snapshot.List)
		if err != nil {
			return nil, err
		}
		for _, name := range append(x.Blobs(), head.Snapshot.Index...) {
			s.named[name] = true
		}
	}
	return s, nil
}

// Push publishes what a directory has, if that is not what the newest revision has.
func (p *Pusher) Push(ctx context.Context, d *Directory) (*Result, error) {
	s, err := p.newest(ctx)
	if err != nil {
		return nil, err
	}
	next, base, err := p.next(s)
	if err != nil {
		return nil, err
	}
	changes := d.Tree.Difference(base)
	if len(changes) == 0 && next.Number > 1 {
		return &Result{Revision: s.head.Revision, Nothing: true}, nil
	}
	if gone := emptied(base, d.Tree); gone != "" && !p.AllowEmptied {
		return nil, fmt.Errorf("%s would lose all of its bucket policies, and stay, as if the folder had been lost; "+
			"leave a policy that denies, or push with -allow-emptied if that is meant", gone)
	}
	if p.Before != nil && s.head != nil {
		err := p.Before(ctx, s.target.Tree, func(want map[revision.Sum]bool, each func([]byte) error) error {
			return s.target.Contents(ctx, want, each)
		})
		if err != nil {
			return nil, err
		}
	}
	return p.publish(ctx, s, next, d.Tree, changes, d.content())
}

// Beat publishes an empty revision if the newest is older than BeatEvery, so that a
// machine without state can tell that it is not given an old one.
func (p *Pusher) Beat(ctx context.Context) (*Result, error) {
	s, err := p.newest(ctx)
	if err != nil {
		return nil, err
	}
	if s.head == nil {
		return nil, errors.New("there is no revision yet; push one first")
	}
	if p.now().Sub(s.head.Time) < BeatEvery {
		return &Result{Revision: s.head.Revision, Nothing: true}, nil
	}
	next, _, err := p.next(s)
	if err != nil {
		return nil, err
	}
	if next.Number == 1 {
		return nil, errors.New("a new epoch begins with a push")
	}
	contents := map[revision.Sum][]byte{}
	if p.snapshotDue(s, next) {
		want := map[revision.Sum]bool{}
		for _, f := range s.target.Tree.Files() {
			want[f.Sum] = true
		}
		if err := s.target.Contents(ctx, want, func(content []byte) error {
			contents[revision.SumOf(content)] = content
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return p.publish(ctx, s, next, s.target.Tree, nil, contents)
}

// next returns the beginning of the revision that follows the newest, and what it is
// compared with.
func (p *Pusher) next(s *state) (*revision.Revision, *revision.Tree, error) {
	next := &revision.Revision{Format: revision.Format, Fleet: p.Fleet, Epoch: max(p.Epoch, 1), Number: 1, Time: p.now(), By: p.By}
	if s.head == nil {
		return next, &revision.Tree{}, nil
	}
	switch {
	case p.Epoch > s.head.Epoch:
		return next, &revision.Tree{}, nil
	case p.Epoch != 0 && p.Epoch < s.head.Epoch:
		return nil, nil, fmt.Errorf("-epoch %d is below the fleet's, which is %d", p.Epoch, s.head.Epoch)
	}
	next.Epoch, next.Number, next.Previous, next.Snapshot = s.head.Epoch, s.head.Number+1, s.head.Message, s.head.Snapshot
	return next, s.target.Tree, nil
}

func (p *Pusher) snapshotDue(s *state, next *revision.Revision) bool {
	return next.Number == 1 || next.Snapshot == nil || next.Number-next.Snapshot.Revision >= SnapshotEvery
}

// publish uploads the blobs of a revision, and publishes it.
func (p *Pusher) publish(ctx context.Context, s *state, next *revision.Revision, tree *revision.Tree, changes []revision.Change, contents map[revision.Sum][]byte) (*Result, error) {
	next.Digest, next.Count = tree.Digest(), tree.Len()
	up := newUploads(ctx, p.Conn, s.named)
	var all []revision.Change // of a snapshot
	snapshot := p.snapshotDue(s, next)
	if snapshot {
		all = tree.Difference(&revision.Tree{})
	}
	inline := 0
	for _, c := range changes {
		inline += len(c.Path) + 160 + int(c.Size)*4/3
	}
	var err error
	switch {
	case inline <= mostInline:
		for i := range changes {
			if !changes[i].Removed {
				changes[i].Inline = contents[changes[i].Sum]
			}
		}
		next.Changes = changes
	default:
		if next.List, err = packed(up, changes, contents); err != nil {
			return nil, err
		}
	}
	if snapshot && (next.Number > 1 || next.List == nil) {
		list, err := packed(up, all, contents)
		if err != nil {
			return nil, err
		}
		next.Snapshot = &revision.Snapshot{Revision: next.Number, List: *list}
	} else if snapshot {
		next.Snapshot = &revision.Snapshot{Revision: next.Number, List: *next.List}
	}
	if err := up.wait(); err != nil {
		return nil, err
	}
	data, err := next.Encode()
	if err != nil {
		return nil, err
	}
	if err := p.commit(ctx, s, next, data); err != nil {
		return nil, err
	}
	result := &Result{Revision: next, Changed: len(changes)}
	if snapshot && next.Number > 1 {
		if err := p.collect(ctx); err != nil {
			return result, fmt.Errorf("revision %s is published; removing old blobs failed: %w", next.ID(), err)
		}
	}
	return result, nil
}

// packed puts changes into blobs.
func packed(up *uploads, changes []revision.Change, contents map[revision.Sum][]byte) (*revision.List, error) {
	w := pack.Writer{Put: up.put}
	for _, c := range changes {
		content, ok := contents[c.Sum]
		if !c.Removed && !ok {
			return nil, fmt.Errorf("the content of %s is missing", c.Path)
		}
		if c.Removed {
			content = nil
		}
		if err := w.Add(c, content); err != nil {
			return nil, err
		}
	}
	return w.Close()
}

// unknownFor is how long a publish without an answer is tried again.
const unknownFor = 30 * time.Second

// commit publishes the message behind the head. If no answer comes it is published again,
// which does nothing if it was stored, and looked for by its sum.
func (p *Pusher) commit(ctx context.Context, s *state, next *revision.Revision, data []byte) error {
	behind := uint64(0)
	if s.head != nil {
		behind = s.head.Sequence
	}
	signature := revision.Sign(p.Key, data)
	until := time.Now().Add(unknownFor)
	for {
		_, err := p.Conn.Publish(ctx, data, signature, behind)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("it is not known whether revision %s was published: %w", next.ID(), err)
		}
		if errors.Is(err, stream.ErrOvertaken) || !errors.Is(err, nats.ErrStreamNotFound) {
			first, found, lookErr := p.find(ctx, next, data)
			switch {
			case lookErr == nil && found:
				return nil
			case lookErr == nil && first != nil:
				return &OvertakenError{first}
			}
		} else {
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("it is not known whether revision %s was published: %w", next.ID(), err)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// find looks for the message in the stream. If another one is at its place it returns
// that.
func (p *Pusher) find(ctx context.Context, next *revision.Revision, data []byte) (first *revision.Revision, found bool, err error) {
	m, err := p.Conn.Leader(ctx)
	if errors.Is(err, stream.ErrNone) {
		return nil, false, nil
	}
	r := p.reader()
	for err == nil {
		if bytes.Equal(m.Data, data) {
			return nil, true, nil
		}
		head, verr := r.Verify(m)
		if verr != nil {
			return nil, false, verr
		}
		if head.ID() == next.ID() {
			return head.Revision, false, nil
		}
		if !head.ID().Above(next.ID()) || m.Sequence <= 1 {
			return nil, false, nil // not there yet
		}
		if head.Epoch != next.Epoch {
			return head.Revision, false, nil
		}
		m, err = p.Conn.At(ctx, m.Sequence-1)
	}
	return nil, false, err
}

// emptied returns the folder of bucket policies that held several and would hold none
// while its organization stays; "" if there is none (specification 4, Removals and
// faults).
func emptied(old, now *revision.Tree) string {
	before, after, stays := map[string]int{}, map[string]int{}, map[string]bool{}
	for path := range old.Files() {
		if org, rest, _ := strings.Cut(path, "/"); strings.HasPrefix(rest, "buckets/") {
			if _, kept := now.Get(path); kept {
				after[org]++
			}
			before[org]++
		}
	}
	for path := range now.Files() {
		org, _, _ := strings.Cut(path, "/")
		stays[org] = true
	}
	for _, org := range slices.Sorted(maps.Keys(before)) {
		if before[org] > 1 && after[org] == 0 && stays[org] {
			return org + "/buckets"
		}
	}
	return ""
}
