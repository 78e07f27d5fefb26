package loader

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"postern/index"
	"postern/loader/internal/hold"
	"postern/loader/internal/layout"
	"postern/loader/source"
	"postern/policy"
)

// look looks at the scope, commits what it found to the model, and publishes. An
// error means that the look failed as a whole: the model has not changed then, and
// the snapshot stays in force.
func (l *Loader) look(ctx context.Context, sc *source.Scope) error {
	begin := l.begin()
	var f *findings
	var err error
	l.state.Begin()
	for attempt := 1; ; attempt++ {
		before := l.gateNow()
		if l.closed(before) {
			return hold.ErrHeld
		}
		if meant := l.hold.Ended(before, l.loaded); l.hold.Released {
			sc = &source.Scope{All: true, AtOnce: true, Meant: meant, Confirm: sc.Confirm}
		}
		if f, err = l.scan(ctx, sc, attempt); err == nil {
			err = l.passed(before, attempt == source.Repeats)
		}
		if !errors.Is(err, source.ErrChanged) || attempt == source.Repeats {
			break
		}
		// What moved may have moved with other names: look at everything.
		sc = &source.Scope{All: true, Confirm: sc.Confirm}
		if err = source.Pause(ctx, attempt); err != nil {
			break
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, hold.ErrHeld) {
			return err
		}
		l.fail(begin.at, err)
		return fmt.Errorf("policy directory: %w", err)
	}
	l.hold.Released = false
	l.finish(ctx, f, sc, begin)
	if again := f.Touched; !again.Empty() {
		return l.look(ctx, again)
	}
	return nil
}

// scan has the source look at the scope. On the first attempt, events are looked at
// between its pieces of work. A later attempt is about everything that moved
// together, and is not interrupted; nor is what was confirmed, which events of before
// must not take for missed. On the last attempt what still changes counts as broken.
func (l *Loader) scan(ctx context.Context, sc *source.Scope, attempt int) (*findings, error) {
	q := l.query(sc)
	q.Last = attempt == source.Repeats
	b := &between{l: l, ctx: ctx, last: q.Last, touched: &source.Scope{Again: true}}
	if attempt == 1 && l.loaded && !l.failed && !sc.AtOnce && !sc.Again && !sc.Confirm {
		q.Between = b.look
	}
	x, err := l.src.Scan(ctx, q)
	if err != nil {
		return nil, err
	}
	f := l.findings(x)
	l.keepPlatform(f, sc)
	b.untouched(f)
	f.Touched = b.touched
	return f, nil
}

// query returns the query for a look at the scope.
func (l *Loader) query(sc *source.Scope) *source.Query {
	l.rest.Widen(sc)
	l.maker.Compiler.Together = !l.loaded // later ones come one by one, and go so
	q := &source.Query{Scope: sc, Org: l.last, Names: maps.Keys(l.orgs), Files: l.files, Loaded: l.loaded, Rest: l.rest.Rested, Patient: l.rest.Patient, Maker: &l.maker, Keep: l.state.Keep}
	if !l.loaded {
		q.Progress = l.c.Progress
	}
	return q
}

// last returns what the last looks left of an organization, nil if it is not in
// force.
func (l *Loader) last(name string) *source.Last {
	if o := l.orgs[name]; o != nil {
		return &o.Last
	}
	return nil
}

// beginning says when a look began, and what all looks had done until then.
type beginning struct {
	at   time.Time // by Config.Now
	took phases
	work workDone
}

func (l *Loader) begin() beginning {
	return beginning{at: l.c.Now(), took: phases{begin: time.Now()}, work: l.workDone()}
}

// finish commits what a look found, and publishes it.
func (l *Loader) finish(ctx context.Context, f *findings, sc *source.Scope, begin beginning) {
	started, took := begin.at, begin.took
	took.scanned = time.Now()
	recovered := l.failed
	l.failed = false
	f.late = l.rest.Arrive(f.Found)
	l.miss(f, sc.Confirm || sc.Meant)
	l.rest.Depart(f.Found, !l.loaded || sc.Confirm || sc.AtOnce)
	ch := l.commit(f)
	if l.loaded {
		l.logRemovals(ch)
	}
	took.committed = time.Now()
	published := l.publish(ch)
	took.published = time.Now()

	if !published && !ch.quarantine && !ch.warnings && !recovered {
		l.touch(started, sc.All)
		return
	}
	st := l.newStatus(ch, started)
	last := l.status.Load()
	l.status.Store(st)
	if ch.warnings || ch.conflicts {
		l.logWarnings(last, st)
	}
	if published {
		l.logGeneration(ctx, st, ch, sc.All, took, l.workDone().since(begin.work))
	}
	if l.c.Observe != nil && (published || ch.quarantine || recovered) {
		l.c.Observe(st)
	}
}

// fail notes that a look failed as a whole.
func (l *Loader) fail(started time.Time, err error) {
	first := !l.failed
	l.failed = true
	st := *l.status.Load()
	st.Result, st.Failure, st.FinishedAt = policy.ReloadFailed, err.Error(), l.c.Now()
	st.Duration = st.FinishedAt.Sub(started)
	l.status.Store(&st)
	if first {
		l.log.Error("the policy directory cannot be read; what is in force stays", "error", err.Error(), "generation", st.Generation)
		if l.c.Observe != nil {
			l.c.Observe(&st)
		}
	}
}

// publish freezes and publishes a generation with what changed. It reports whether
// anything did.
func (l *Loader) publish(ch *changes) bool {
	b := index.NewBuilder(l.snapshot)
	changed := !l.loaded
	for _, name := range ch.removed {
		if l.orgs[name] == nil {
			b.RemoveOrganization(name)
			changed = true
		}
	}
	for name := range ch.orgs {
		o := l.orgs[name]
		if now := o.now(); !o.published || now != o.inForce {
			b.SetOrganization(name, now)
			o.inForce, o.published = now, true
			changed = true
		} else {
			delete(ch.orgs, name)
		}
	}
	for _, name := range ch.buckets {
		if k, ok := l.bucketNow(name); ok {
			b.SetBucket(name, k)
		} else {
			b.RemoveBucket(name)
		}
		changed = true
	}
	if d := l.defaultOrganization(); d != l.fallback || !l.loaded {
		b.SetDefaultOrganization(d)
		l.fallback = d
		changed = true
	}
	if !l.loaded {
		b.SetPlatformOrganizations(l.c.PlatformOrganizations)
	}
	sum := l.digest.Sum(l.c.Workers)
	b.SetDigest(sum)
	var last uint64
	if l.snapshot != nil {
		last = l.snapshot.Generation()
		changed = changed || sum != l.snapshot.Digest()
	}
	l.state.Mark(mirrored{l})
	if !changed {
		return false
	}
	l.snapshot = b.Freeze(last + 1)
	l.c.Current.Store(l.snapshot)
	l.loaded = true
	return true
}

// defaultOrganization returns the configured default organization while no other
// one has a folder, else "" (specification 1.5).
func (l *Loader) defaultOrganization() string {
	d := l.c.DefaultOrganization
	others := len(l.orgs)
	if l.orgs[d] != nil {
		others--
	}
	if others > 0 {
		return ""
	}
	return d
}

// bucketNow returns the bucket's part of the snapshot as the model has it, and false
// if the snapshot has nothing about the bucket.
func (l *Loader) bucketNow(name string) (index.Bucket, bool) {
	owners := l.claims.of(name)
	if len(owners) == 0 {
		return index.Bucket{}, false
	}
	o := owners[0]
	k := index.Bucket{Owner: o.name}
	if b := o.Buckets[name+layout.Suffix]; b.Claims() {
		if b.Known {
			k.Policy = b.Good.Policies
		}
		// Whatever is wrong with a policy that is there: it is not none.
		k.PolicyUnavailable = k.Policy == nil
	} else {
		k.PolicyUnavailable = b == nil && !o.bucketsKnown
	}
	for _, other := range owners[1:] {
		k.Claimants = append(k.Claimants, other.name)
	}
	return k, true
}
