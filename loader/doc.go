// Package loader turns policies into generations: it has its source look, parses
// and compiles what changed, keeps the last good content of what broke, and
// publishes into index.Current (specification 4). Where policies come from is a
// source.Source; the one of a policy directory is loader/directory. What stays on
// disk for a restart is loader/internal/mirror.
//
// # The model
//
//	names                      ->  units           ->  content        ->  parts of the snapshot
//	o1/access-policies/*.json  o1/access-policies  *index.Policies   SetOrganization(o1)
//	o1/iam/*.json              o1/iam              *index.IAM        SetOrganization(o1)
//	o1/buckets.json            o1/buckets.json     list of names     SetBucket of each that changed
//	o1/buckets/b.json          o1/buckets/b.json   *index.Policies   SetBucket(b)
//
// A unit is what stands or falls together. It remembers what was last seen of
// its files (name, version, SHA-256: whether they have to be read again), its last
// good content, and its fault if what was seen is no good. Content is unknown
// (never good: what the unit could speak of denies), or known; that there is
// no file is content too. A bucket file that is broken, and has only that for
// good content, is blank: it leaves its bucket as it was, unless settleBlank
// says otherwise.
//
// Every look runs in three steps, and no scan changes the model:
//
//	scan     findings: what the names in scope lead to, what changed, read,
//	         parsed and compiled side by side; repeated if it changed meanwhile
//	commit   findings become the model; collects organizations and buckets
//	         whose part of the snapshot is another now
//	publish  these, and nothing else, go into an index.Builder; one generation
//
// Between scan and commit, hold takes out of the findings what vanished from a
// folder that is not at rest yet, and the look is repeated for it: see
// departure.
//
// A scope is everything (first load, ticker, overflow, SIGHUP), or the places
// that events name: an event on one bucket file looks at that one name and, to
// know that the name still lies where it did, at the three folders above it.
//
// Which organizations claim a bucket is kept beside the units and changes with
// them, so that a change among a million buckets costs that bucket.
package loader
