// Package loader turns policies into generations (specification 4). It has a source
// look for changes, parses and compiles what changed, keeps the last good content
// of what is broken, and publishes snapshots into index.Current.
//
// A source.Source is where policies come from; loader/directory is the one for a
// policy directory. The rules that decide what of a change takes effect, and when,
// are packages of their own: rest (what came or went waits until its folder is at
// rest), missed (a fault is no removal), hold (nothing is published while .hold
// stands). What survives a restart is kept by mirror.
//
// # The model
//
//	names                      ->  units           ->  content        ->  parts of the snapshot
//	o1/access-policies/*.json  o1/access-policies  *index.Policies   SetOrganization(o1)
//	o1/iam/*.json              o1/iam              *index.IAM        SetOrganization(o1)
//	o1/buckets.json            o1/buckets.json     list of names     SetBucket of each that changed
//	o1/buckets/b.json          o1/buckets/b.json   *index.Policies   SetBucket(b)
//
// The files of a unit stand or fall together. The model has, for each unit, what
// the last look saw of its files (name, version and SHA-256, which tell whether they
// have to be read again), its last good content, and its fault if the files are
// broken now. A unit that was never good has no known content, and what it could
// speak of is denied. That there is no file is known content too. A broken bucket
// file for which that is the last good content is blank: it leaves its bucket as it
// was, unless settleBlank decides otherwise.
//
// Every look has three steps, of which only commit changes the model:
//
//	scan     the source examines the names in scope, and reads, parses and
//	         compiles what changed, in parallel; repeated if it changes meanwhile
//	commit   the findings become the model; collects the organizations and buckets
//	         whose part of the snapshot has changed
//	publish  these parts, and no others, go into an index.Builder; one generation
//
// Between scan and commit, what is missed and what is not at rest is taken out of
// the findings. The look is repeated for what is not at rest.
//
// A look is about everything (first load, ticker, lost events, SIGHUP) or about the
// places that events name. An event on one bucket file has that name looked at and,
// to make sure that the name still leads there, the three folders above it.
//
// The claims on buckets are kept beside the units and change with them, so that a
// change among a million buckets costs one bucket.
package loader
