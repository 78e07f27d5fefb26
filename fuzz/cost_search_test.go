package fuzz

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"postern/compile"
	"postern/index"
	"postern/internal/reference"
	"postern/policy"
)

// FuzzCost looks for policies and requests that cost much: its score is what a
// decision spends of its budget, and how long a step takes. It reports the
// worst, and holds what is counted to the outcome: a decision is too costly if
// and only if it passes its budget, and where it does not it is the reference's.
func FuzzCost(f *testing.F) {
	for _, seed := range costSeeds() {
		f.Add(seed[:])
	}
	var worst atomic.Int64
	f.Fuzz(func(t *testing.T, data []byte) {
		var g genes
		copy(g[:], data)
		g.tame()
		c := g.world()
		s, ds := compile.Compiler{}.Directory(c.directory, 1)
		if policy.HasErrors(ds) {
			t.Skip(ds[0])
		}
		var sc index.Scratch
		start := time.Now()
		d := s.Decide(c.request, &sc)
		took := time.Since(start)
		spent := sc.Spent()
		if again := s.Decide(c.request, &sc); again != d || sc.Spent() != spent {
			t.Fatalf("decided %+v for %d steps, and then %+v for %d", d, spent, again, sc.Spent())
		}
		if over := spent > index.Budget; over != (d.Reason == policy.TooCostly) || over && d.Outcome != policy.ImplicitDeny {
			t.Fatalf("decided %+v for %d steps", d, spent)
		}
		if int64(spent) > worst.Load() {
			worst.Store(int64(spent))
			t.Logf("%d steps, %.2f ns each: %s for %v", spent, float64(took)/float64(spent), d.Reason, g)
		}
		if d.Reason == policy.TooCostly || spent > 1<<16 {
			return // the reference would take too long
		}
		want := reference.New(c.directory).Evaluate(c.request).Decision
		if want.Generation = 1; d != want {
			t.Fatalf("decided %+v, want %+v: %v", d, want, g)
		}
	})
}

// tame bounds what takes long to make, or for the reference to decide.
func (g *genes) tame() {
	for gene, most := range map[int]byte{
		geneStatements: 60, genePatterns: 60, geneValues: 60, geneAsked: 80, geneDocuments: 40, geneRules: 60, geneNames: 60,
		geneBeginnings: 60, geneKeys: 100, geneIdentifiers: 80, geneGroups: 80, geneClaims: 80, geneNested: 60, geneConditions: 120,
		geneLength: 220, geneTextLength: 220, geneAskedLength: 200, geneVariables: 150, geneIdentifierLength: 180,
	} {
		g[gene] = min(g[gene], most)
	}
}

// costSeeds are where searches begin: one for each kind of loop that a policy
// or a request can make long.
func costSeeds() (out []genes) {
	seed := func(where byte, pairs ...int) {
		g := genes{geneWhere: where, geneTextLength: 255, geneLength: 255}
		for i := 0; i < len(pairs); i += 2 {
			g[pairs[i]] = byte(pairs[i+1])
		}
		out = append(out, g)
	}
	seed(inOrganization, geneStatements, 60, genePatterns, 200, geneDocuments, 255, geneEnd, 1)
	seed(inOrganization, geneStatements, 180, genePatterns, 0, geneDocuments, 255, geneEnd, 1, geneUnit, 2, geneLength, 120)
	seed(inBucket, geneStatements, 20, genePatterns, 255, geneEnd, 2)
	seed(inBucket|notResource, geneStatements, 100, geneVariables, 200, geneKeys, 255)
	for operator := range len(policy.Tests()) {
		seed(inBucket, geneStatements, 40, geneLength, 60, geneUnit, 4, geneConditions, 60, geneOperator, operator, geneValues, 150, geneAsked, 255, geneAskedLength, 150)
		seed(inBucket, geneStatements, 240, geneLength, 0, geneUnit, 4, geneConditions, 60, geneOperator, operator, geneKey, operator%6, geneClaims, 255, geneGroups, 255, geneKeys, 255)
	}
	seed(inOrganization|foreignBucket, geneStatements, 230, geneLength, 30, geneBeginnings, 100, geneIdentifiers, 255)
	seed(inBucket, geneStatements, 230, geneLength, 30, geneBeginnings, 100, geneIdentifiers, 255, geneNames, 100)
	seed(inBucket, geneStatements, 200, geneBeginnings, 30, geneIdentifiers, 255, geneIdentifierLength, 255)
	seed(inOrganization, geneStatements, 240, geneAction, 3, geneLength, 10)
	seed(inIAM, geneRules, 240, geneNames, 200, geneLength, 100)
	seed(inIAM, geneRules, 150, geneNames, 255, geneNested, 255, geneGroups, 255, geneSame, 1)
	seed(inIAM, geneRules, 240, geneNames, 255, geneAction, 1, geneLength, 5)
	return out
}

// TestCostSearch climbs from each seed to what takes longest, for as long as
// POSTERN_COST_SEARCH says (1h, say), and prints the worst. Without it, it makes
// each seed once, so that none is refused.
func TestCostSearch(t *testing.T) {
	limit, err := time.ParseDuration(os.Getenv("POSTERN_COST_SEARCH"))
	searching := err == nil
	var best []scored
	for i, g := range costSeeds() {
		if !searching {
			g.tame()
		}
		s, ok := score(t, &g)
		if !ok {
			t.Errorf("seed %d is refused", i)
		}
		best = append(best, s)
	}
	if !searching {
		return
	}
	worst := scored{}
	better := func(s scored) {
		if s.took <= worst.took {
			return
		}
		if s = s.again(t); s.took > worst.took { // whatever else ran
			worst = s
			t.Log(worst)
			fmt.Println(worst)
		}
	}
	for _, s := range best {
		better(s)
	}
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	end, tried := time.Now().Add(limit), 0
	for time.Now().Before(end) {
		at := r.IntN(len(best))
		if r.IntN(4) == 0 { // one of the two worst of a few
			for range 5 {
				if other := r.IntN(len(best)); best[other].took > best[at].took {
					at = other
				}
			}
		}
		g := best[at].genes
		for range 1 + r.IntN(3) {
			gene := r.IntN(geneCount)
			switch r.IntN(4) {
			case 0:
				g[gene] = byte(r.IntN(256))
			case 1:
				g[gene] += byte(r.IntN(33) - 16)
			case 2:
				g[gene]++
			default:
				g[gene] = best[r.IntN(len(best))].genes[gene]
			}
		}
		tried++
		s, ok := score(t, &g)
		if ok && s.took > best[at].took {
			if s = s.again(t); s.took > best[at].took {
				best[at] = s
				better(s)
			}
		}
	}
	t.Logf("%d worlds were tried; the worst decision: %v", tried, worst)
}

// scored is a world with what its decision took.
type scored struct {
	genes  genes
	took   time.Duration
	spent  int
	reason policy.Reason
}

func (s scored) String() string {
	return fmt.Sprintf("%d us, %d steps (%.2f ns each), %s: genes%v",
		s.took.Microseconds(), s.spent, float64(s.took)/float64(max(s.spent, 1)), s.reason, [geneCount]byte(s.genes))
}

// processorTime returns the processor time that the thread has had.
func processorTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_THREAD, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// again measures five times more and keeps the least time, which other work on
// the machine disturbed least.
func (s scored) again(t *testing.T) scored {
	for range 5 {
		if again, ok := score(t, &s.genes); ok && again.took < s.took {
			s = again
		}
	}
	return s
}

// score decides what genes describe, three times at least, and takes the least
// time: what else the machine does is not the decision's.
func score(t *testing.T, g *genes) (scored, bool) {
	c := g.world()
	s, ds := compile.Compiler{}.Directory(c.directory, 1)
	if policy.HasErrors(ds) {
		return scored{}, false
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var sc index.Scratch
	out := scored{genes: *g, took: time.Hour}
	for i, total := 0, time.Duration(0); i < 3 || total < 2*time.Millisecond && i < 50; i++ {
		start := processorTime(t)
		d := s.Decide(c.request, &sc)
		took := processorTime(t) - start
		total += took
		out.took, out.spent, out.reason = min(out.took, took), sc.Spent(), d.Reason
		if (out.spent > index.Budget) != (d.Reason == policy.TooCostly) {
			t.Errorf("%+v after %d steps: %v", d, out.spent, *g)
		}
	}
	return out, true
}
