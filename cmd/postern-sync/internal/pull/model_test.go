package pull

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"postern/index"
	"postern/loader"
	"postern/policy"

	"postern/cmd/postern-sync/internal/history"
	"postern/cmd/postern-sync/internal/natstest"
	"postern/cmd/postern-sync/internal/push"
	"postern/cmd/postern-sync/internal/revision"
	"postern/cmd/postern-sync/internal/stream"
)

// world is a fleet in one process: two pushers, and machines each with a puller and a
// loader, as a sidecar has one.
type world struct {
	*testing.T
	conn *stream.Conn
	keys [2]ed25519.PrivateKey

	mutex     sync.Mutex
	published map[revision.Sum]int // the order of revisions, by digest
	tried     map[revision.Sum]bool
	crashes   int
}

func (w *world) public() []ed25519.PublicKey {
	return []ed25519.PublicKey{w.keys[0].Public().(ed25519.PublicKey), w.keys[1].Public().(ed25519.PublicKey)}
}

// faulty is a log that fails, forgets and repeats.
type faulty struct {
	*stream.Conn
	mutex sync.Mutex
	rand  *rand.Rand
	down  bool
	seen  []*stream.Message
}

var errFault = errors.New("the network is not there")

func (f *faulty) n(n int) int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.rand.IntN(n)
}

func (f *faulty) setDown(down bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.down = down
}

func (f *faulty) fails() bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.down || f.rand.IntN(20) == 0
}

func (f *faulty) At(ctx context.Context, sequence uint64) (*stream.Message, error) {
	if f.fails() {
		return nil, errFault
	}
	return f.Conn.At(ctx, sequence)
}

func (f *faulty) Blob(ctx context.Context, name string) ([]byte, error) {
	if f.fails() {
		return nil, errFault
	}
	data, err := f.Conn.Blob(ctx, name)
	if err == nil && f.n(10) == 0 {
		data = data[:len(data)/2]
	}
	return data, err
}

func (f *faulty) Newest(ctx context.Context) (*stream.Message, error) {
	if f.fails() {
		return nil, errFault
	}
	m, err := f.Conn.Newest(ctx)
	if err == nil && f.n(5) == 0 && m.Sequence > 3 { // a replica that is behind
		return f.Conn.At(ctx, m.Sequence-uint64(f.n(3)))
	}
	return m, err
}

// Follow loses messages, hands them out again and out of order, and damages some.
func (f *faulty) Follow(each func(*stream.Message)) (func(), error) {
	return f.Conn.Follow(func(m *stream.Message) {
		if f.fails() || f.n(4) == 0 {
			return
		}
		f.seen = append(f.seen, m)
		switch old := f.seen[f.n(len(f.seen))]; f.n(6) {
		case 0: // replayed
			each(m)
			each(old)
		case 1: // forged
			forged := *m
			forged.Data = append([]byte{}, m.Data...)
			forged.Data[f.n(len(forged.Data))] ^= 1
			each(&forged)
		case 2: // truncated
			each(&stream.Message{Data: m.Data[:f.n(len(m.Data))], Signature: m.Signature, Sequence: m.Sequence})
		case 3: // another's signature
			each(&stream.Message{Data: m.Data, Signature: old.Signature, Sequence: m.Sequence})
		default:
			each(m)
		}
	})
}

// machine is one machine of the fleet.
type machine struct {
	*world
	dir string
	log *faulty

	mu          sync.Mutex
	generations []revision.Sum // the digest of each that its sidecars put in force, in order
}

// observe keeps a generation, for promised, and fails at once where it shows that
// something stands that nobody pushed.
func (m *machine) observe(s *policy.Status) {
	if s.Files == 0 { // before the first
		return
	}
	digest := revision.Sum(s.Digest)
	m.world.mutex.Lock()
	tried := m.tried[digest]
	m.world.mutex.Unlock()
	if len(s.Quarantined) > 0 {
		m.Errorf("%s: quarantined: %+v", m.dir, s.Quarantined)
	}
	if !tried {
		m.Errorf("%s: generation %d with %d files is no revision", m.dir, s.Generation, s.Files)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.generations = append(m.generations, digest)
}

// at reports whether the last generation is the one of that digest.
func (m *machine) at(digest revision.Sum) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.generations)
	return n > 0 && m.generations[n-1] == digest
}

// promised holds all generations to the promises, once all pushes are over: each is a
// published revision, and none is older than one before it. While pushes run that can't
// be told: a machine may have a revision in force before its pusher hears of it.
func (m *machine) promised() {
	last := 0
	for i, digest := range m.generations {
		order, published := m.published[digest]
		if !published {
			m.Errorf("%s: generation %d of %d was pushed and never published", m.dir, i+1, len(m.generations))
		}
		if order < last {
			m.Errorf("%s: revision %d after %d", m.dir, order, last)
		}
		last = order
	}
}

// sidecar loads the directory until ctx is done.
func (m *machine) sidecar(ctx context.Context) {
	for ctx.Err() == nil {
		c, cancel := context.WithCancel(ctx)
		l, err := loader.New(loader.Config{Root: m.dir, Current: new(index.Current), Observe: m.observe, Rescan: time.Second, Workers: 1})
		if err != nil {
			m.Error(err)
		}
		if err == nil && l.Load(c) == nil {
			if m.log.n(3) == 0 { // it is killed, too
				time.AfterFunc(time.Duration(m.log.n(3000))*time.Millisecond, cancel)
			}
			l.Run(c)
		}
		cancel()
	}
}

// puller pulls until ctx is done. It ends now and then before a step of an apply, as a
// process that is killed does, and begins again.
func (m *machine) puller(ctx context.Context, calm func() bool) {
	for ctx.Err() == nil {
		c, kill := context.WithCancel(ctx)
		left := m.log.n(60)
		p := New(Config{
			Log: m.log, Reader: &history.Reader{Log: m.log, Fleet: "f", Keys: m.public()}, Path: m.dir, Poll: 50 * time.Millisecond,
			Check: 200 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
			Step: func(string) error {
				if left--; left < 0 && !calm() {
					kill()
					m.world.mutex.Lock()
					m.crashes++
					m.world.mutex.Unlock()
					return errFault
				}
				return nil
			},
		})
		if err := p.Run(c); err != nil && !errors.Is(err, errFault) {
			m.Errorf("%s: %v", m.dir, err)
		}
		kill()
	}
}

func bucketFile(name string, n int) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Sid":"v%d","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::%s/*"}}`, n, name)
}

// change makes a random change of a directory: a file or several, in organizations that
// come and go.
func change(t *testing.T, r *rand.Rand, dir string, n int) {
	t.Helper()
	put := func(path, content string) {
		name := filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	put("always/buckets/always.json", bucketFile("always", n)) // each revision is another
	if r.IntN(3) == 0 {
		return
	}
	for range 1 + r.IntN(4) {
		org := fmt.Sprintf("org-%d", r.IntN(3))
		switch name := fmt.Sprintf("%s-b%d", org, r.IntN(4)); r.IntN(6) {
		case 0:
			os.RemoveAll(filepath.Join(dir, org))
		case 1:
			os.Remove(filepath.Join(dir, org, "buckets", name+".json"))
			os.Remove(filepath.Join(dir, org, "buckets")) // if it is empty
			os.Remove(filepath.Join(dir, org))
		case 2: // an organization that never loses all of several bucket policies
			put(org+"/access-policies/p.json", fmt.Sprintf(`{"version":"v1alpha1","name":"p","statements":[{"name":"v%d","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["*"]}]}`, n))
			put(org+"/buckets/"+org+"-b0.json", bucketFile(org+"-b0", n))
		default:
			put(org+"/buckets/"+name+".json", bucketFile(name, n))
		}
	}
}

// TestModel: two pushers push at random, twenty machines pull through a network that
// loses, repeats, reorders, forges and fails, and are killed at any step of an apply,
// their sidecars too. Every generation that a sidecar puts in force is one revision, none
// comes after a newer one, and once the network is back all agree.
func TestModel(t *testing.T) {
	machines, pushes := 20, 40
	if testing.Short() {
		machines, pushes = 5, 15
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	w := &world{T: t, conn: natstest.Connect(t, 1, natstest.Start(t, nil)), published: map[revision.Sum]int{}, tried: map[revision.Sum]bool{}}
	for i := range w.keys {
		_, w.keys[i], _ = ed25519.GenerateKey(nil)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var calm sync.Mutex
	quiet := false
	isCalm := func() bool { calm.Lock(); defer calm.Unlock(); return quiet }
	var all sync.WaitGroup
	var fleet []*machine
	base := t.TempDir()
	for i := range machines {
		m := &machine{world: w, dir: filepath.Join(base, fmt.Sprint(i)), log: &faulty{Conn: w.conn, rand: rand.New(rand.NewPCG(seed, uint64(i)))}}
		if err := os.Mkdir(m.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		fleet = append(fleet, m)
		all.Go(func() { m.sidecar(ctx) })
		all.Go(func() { m.puller(ctx, isCalm) })
	}
	stop := sync.OnceFunc(func() { cancel(); all.Wait() })
	defer stop()

	// The pushers share one directory, as two clones of a repository do.
	r := rand.New(rand.NewPCG(seed, 99))
	from := t.TempDir()
	overtaken := 0
	for n := range pushes {
		change(t, r, from, n)
		d, err := push.Read(ctx, from, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		second := filepath.Join(t.TempDir(), "second")
		if err := os.CopyFS(second, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		change(t, r, second, 1000+n)
		d2, err := push.Read(ctx, second, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		won := make(chan *push.Result, 2)
		for i, d := range []*push.Directory{d, d2}[:1+r.IntN(2)] {
			w.mutex.Lock()
			w.tried[d.Tree.Digest()] = true
			w.mutex.Unlock()
			both.Go(func() {
				p := push.Pusher{Conn: w.conn, Fleet: "f", Key: w.keys[i], Keys: w.public(), By: fmt.Sprint("pusher ", i), AllowEmptied: true}
				result, err := p.Push(ctx, d)
				var first *push.OvertakenError
				switch {
				case errors.As(err, &first):
					w.mutex.Lock()
					overtaken++
					w.mutex.Unlock()
				case err != nil:
					t.Error(err)
				default:
					won <- result
				}
			})
		}
		both.Wait()
		close(won)
		for result := range won {
			w.mutex.Lock()
			w.published[result.Revision.Digest] = int(result.Revision.Number)
			w.mutex.Unlock()
		}
		m := fleet[r.IntN(machines)]
		m.log.setDown(r.IntN(2) == 0) // a partition
		time.Sleep(time.Duration(r.IntN(150)) * time.Millisecond)
	}
	for _, m := range fleet {
		m.log.setDown(false)
	}
	calm.Lock()
	quiet = true
	calm.Unlock()
	newest, err := w.conn.Leader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	head, err := revision.Decode(newest.Data)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		behind := 0
		for _, m := range fleet {
			if !m.at(head.Digest) {
				behind++
			}
		}
		if behind == 0 {
			break
		}
		if time.Now().After(end) || t.Failed() {
			t.Fatalf("%d of %d do not come to revision %d", behind, machines, head.Number)
		}
	}
	stop()
	generations := 0
	for _, m := range fleet {
		m.promised()
		generations += len(m.generations)
	}
	t.Logf("%d revisions, %d pushes overtaken, %d crashes of pullers, %d generations seen", head.Number, overtaken, w.crashes, generations)
}
