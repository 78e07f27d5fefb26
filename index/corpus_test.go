package index_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"postern/compile"
	"postern/index"
	"postern/internal/action"
	"postern/internal/conformance"
	"postern/internal/policygen"
	"postern/policy"
)

var forms = map[string]index.Form{"auto": index.FormAuto, "roaring": index.FormRoaring, "names": index.FormNames, "scan": index.FormScan}

// snapshot compiles a world's directory.
func snapshot(t *testing.T, d *policy.Directory, form index.Form) *index.Snapshot {
	t.Helper()
	s, ds := compile.Compiler{Form: form}.Directory(d, 1)
	for _, diagnostic := range ds {
		t.Log(diagnostic) // what is between files is part of some worlds
	}
	return s
}

// TestCorpusOnIndex runs the corpus on the compiled index in each of its
// forms, Decide and Explain.
func TestCorpusOnIndex(t *testing.T) {
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && form != index.FormAuto {
				t.Skip("-short leaves out the forced forms of the index")
			}
			conformance.Run(t, func(t *testing.T, w *conformance.World) conformance.Evaluate {
				s := snapshot(t, w.Directory, form)
				var sc index.Scratch
				asked := index.Grounded{Snapshot: s}
				return func(r *policy.Request) policy.Explanation {
					decided, explained := s.Decide(r, &sc), s.Explain(r)
					if decided != explained.Decision {
						t.Errorf("Decide says %+v, Explain %+v", decided, explained.Decision)
					}
					checkGrounds(t, asked.Grounds(r, decided, nil), &explained)
					return explained
				}
			})
		})
	}
}

// checkGrounds holds that of each layer that has determining statements Grounds finds
// one.
func checkGrounds(t *testing.T, grounds []policy.StatementRef, e *policy.Explanation) {
	t.Helper()
	var want, got [policy.LayerCount]int
	for _, d := range e.Determining {
		want[d.Layer] = 1
	}
	for _, g := range grounds {
		if got[g.Layer]++; !slices.Contains(e.Determining, g) {
			t.Errorf("%+v is a ground, and determining are %+v", g, e.Determining)
		}
	}
	if got != want {
		t.Errorf("the grounds %+v, and determining are %+v", grounds, e.Determining)
	}
}

// TestCorpusShuffled runs the corpus with the statements of every document and
// the documents of every organization in another order. Statements keep their
// indexes in the explanation, so that is taken from the directory as it was.
func TestCorpusShuffled(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the corpus in another order")
	}
	r := rand.New(rand.NewPCG(3, 3))
	conformance.Run(t, func(t *testing.T, w *conformance.World) conformance.Evaluate {
		shuffled := policygen.Edit(w.Directory, func(doc *policy.Document) {
			r.Shuffle(len(doc.Statements), func(i, j int) { doc.Statements[i], doc.Statements[j] = doc.Statements[j], doc.Statements[i] })
		})
		for _, o := range shuffled.Organizations {
			r.Shuffle(len(o.Policies), func(i, j int) { o.Policies[i], o.Policies[j] = o.Policies[j], o.Policies[i] })
			o.Access = shuffleAccess(r, o.Access)
		}
		before, after := snapshot(t, w.Directory, index.FormAuto), snapshot(t, shuffled, index.FormAuto)
		return decidedBy(after, before)
	})
}

// decidedBy has one snapshot decide, and another, whose statements have the places
// that the corpus names, explain.
func decidedBy(decides, explains *index.Snapshot) conformance.Evaluate {
	var sc index.Scratch
	return func(r *policy.Request) policy.Explanation {
		e := explains.Explain(r)
		e.Decision = decides.Decide(r, &sc)
		return e
	}
}

// TestCorpusAmongMany runs the corpus with every statement among many that list
// somebody else, so that parts need several words of candidates, or Roaring.
func TestCorpusAmongMany(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the corpus among other statements")
	}
	worlds := 0
	conformance.Run(t, func(t *testing.T, w *conformance.World) conformance.Evaluate {
		worlds++
		many := [...]int{70, 150, 300}[worlds%3] // of an unevenly filled second word, a third, and past all words
		next := 0
		crowd := policygen.Edit(w.Directory, func(doc *policy.Document) {
			var out []policy.Statement
			for _, st := range doc.Statements {
				for range many / len(doc.Statements) {
					idle := st
					next++
					idle.Effect = [...]policy.Effect{policy.EffectAllow, policy.EffectDeny}[next%2]
					idle.NotPrincipal = false
					idle.Principals = []policy.PrincipalPattern{{Kind: policy.PrincipalExact, Name: "crowd/" + strconv.Itoa(next%40)}}
					if doc.Kind == policy.KindBucket {
						idle.Principals[0].Org = "crowd"
					}
					out = append(out, idle)
				}
				out = append(out, st)
			}
			doc.Statements = out
		})
		before, after := snapshot(t, w.Directory, index.FormAuto), snapshot(t, crowd, index.FormAuto)
		return decidedBy(after, before)
	})
}

// TestCorpusAmongOtherResources runs the corpus with every statement of an
// organization among many that list the same and are about texts that nobody
// asks about: so the parts of names have both of their groups, tables and words.
func TestCorpusAmongOtherResources(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the corpus among other statements")
	}
	worlds := 0
	conformance.Run(t, func(t *testing.T, w *conformance.World) conformance.Evaluate {
		worlds++
		// Parts of names with words only, with tables, and with little of both.
		many, form := [...]int{270, 700, 20}[worlds%3], [...]index.Form{index.FormAuto, index.FormAuto, index.FormNames}[worlds%3]
		next := 0
		crowd := policygen.Edit(w.Directory, func(doc *policy.Document) {
			if doc.Kind != policy.KindOrganization {
				return
			}
			var out []policy.Statement
			for _, st := range doc.Statements {
				out = append(out, st)
				for range many / len(doc.Statements) {
					idle := st
					next++
					n := strconv.Itoa(next)
					idle.Effect = [...]policy.Effect{policy.EffectAllow, policy.EffectDeny}[next%2]
					idle.NotPrincipal, idle.NotResource = false, false
					idle.Resources = [...][]string{{"crowd-" + n + "*"}, {"*/crowd-" + n + "/*", "*/x/crowd-" + n}, {"?rowd-" + n + "/k*"}}[next%3]
					out = append(out, idle)
				}
			}
			doc.Statements = out
		})
		before, after := snapshot(t, w.Directory, index.FormAuto), snapshot(t, crowd, form)
		var sc index.Scratch
		return func(r *policy.Request) policy.Explanation {
			e := before.Explain(r)
			if !aboutObjects(r) { // which would meet the Denies of the others
				e.Decision = after.Decide(r, &sc)
			}
			return e
		}
	})
}

// aboutObjects reports that a request is, or needs beside it, an object
// operation that is asked on a bucket (specification 1.2).
func aboutObjects(r *policy.Request) bool {
	id, ok := action.Lookup(r.Action)
	return ok && r.Resource.Kind == policy.ResourceBucket &&
		slices.ContainsFunc(append([]action.ID{id}, action.Beside(id)...), func(id action.ID) bool { return action.KindOf(id) == action.OnObject })
}

// shuffleAccess copies iam documents in another order, with their bindings,
// roles, rules, groups and records in another order.
func shuffleAccess(r *rand.Rand, docs []*policy.AccessDocument) []*policy.AccessDocument {
	out := make([]*policy.AccessDocument, len(docs))
	for i, to := range r.Perm(len(docs)) {
		d := *docs[i]
		d.Bindings, d.Groups, d.Records = shuffled(r, d.Bindings), shuffled(r, d.Groups), shuffled(r, d.Records)
		d.Roles = shuffled(r, d.Roles)
		for k := range d.Roles {
			d.Roles[k].Rules = shuffled(r, d.Roles[k].Rules)
		}
		out[to] = &d
	}
	return out
}

func shuffled[T any](r *rand.Rand, list []T) []T {
	out := slices.Clone(list)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// TestCorpusWithoutIdleStatements: on every case of the corpus, a statement
// that did not determine the answer can go: an allow stays as it is, a denial a
// denial (by an earlier layer, where its Allow that let the request go on went).
func TestCorpusWithoutIdleStatements(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the corpus without what did not determine")
	}
	conformance.Run(t, func(t *testing.T, w *conformance.World) conformance.Evaluate {
		s := snapshot(t, w.Directory, index.FormAuto)
		var sc index.Scratch
		return func(r *policy.Request) policy.Explanation {
			e := s.Explain(r)
			used := map[string]map[int]bool{}
			for _, ref := range e.Determining {
				if used[ref.File] == nil {
					used[ref.File] = map[int]bool{}
				}
				used[ref.File][ref.Index] = true
			}
			less := policygen.Edit(w.Directory, func(doc *policy.Document) {
				kept := doc.Statements[:0]
				for i, st := range doc.Statements {
					// The last one stays: a document without statements is another matter.
					if used[doc.File][i] || len(kept) == 0 && i == len(doc.Statements)-1 {
						kept = append(kept, st)
					}
				}
				doc.Statements = kept
			})
			got := snapshot(t, less, index.FormAuto).Decide(r, &sc)
			if e.Decision.Outcome == policy.Allow && got != e.Decision || e.Decision.Outcome != policy.Allow && got.Outcome == policy.Allow {
				t.Errorf("without the statements that did not determine: %+v, with them %+v", got, e.Decision)
			}
			return e
		}
	})
}
