// Package conformance is the corpus: worlds of policy files, requests, and the
// answers that the specification wants, with a runner that holds any evaluator
// to them. Wanted answers are reasoned from the text of the specification and
// never copied from a program. Only tests import this package.
//
// # Archives
//
// Each testdata/TOPIC.txtar holds sections. Files before the first section
// belong to every section of the archive:
//
//	Specification 1.3, table: the rule in prose.
//
//	-- o1/access-policies/all.json --
//	{"version":"v1alpha1","name":"all","statements":[...]}
//	-- section put-bucket-policy --
//	Specification 1.3, row s3:PutBucketPolicy: the bucket policy is never read.
//	rules: 1.3-put-bucket-policy
//	-- o1/buckets/b.json --
//	{"Version":"2012-10-17","Statement":{...}}
//	-- requests --
//	# A bucket Deny does not stop it.
//	o1 coreweave/u1 s3:PutBucketPolicy b => allowed organization all#0
//	o1 coreweave/u1 s3:DeleteBucketPolicy b => bucket_deny bucket b#0
//
// Policy files stand under the path that they have on disk (specification 4).
// The text of a section is prose, and these directives, each on its own line:
//
//	rules: ID ...       the rules of testdata/rules.txt that its cases exercise
//	default-org: ORG    serves the directory with -default-org ORG
//	platform-org: ORG ...  serves the directory with -platform-org ORG for each
//	seen: KEY ...       whoever asks sees these condition keys only (policy.Request.Seen): names,
//	                    beginnings with a `*`; `-` is none
//	deny-only: yes      the requests ask about Denies only (policy.Request.DenyOnly): an allow
//	                    names no statement
//	remove: PATH ...    files of the archive that this section does without
//	broken: PATH ...    files that have to be refused; every other file has to be good
//	refused: ORG ...    organizations whose iam/ has to be refused as a whole, good as
//	                    its files are one by one (World.Refused)
//
// # Requests
//
// A line of a section's `requests` file is one case; the lines that begin with
// `#` above it are its source. The short form is
//
//	ORG ID[,ID...] ACTION RESOURCE [@OWNER] [MEMBERS...] [CONTEXT] => WANT
//
// ORG is the caller's organization, `-` if it is not stated. RESOURCE is
// `BUCKET`, `BUCKET/KEY`, `*` (the whole organization, id `*`) or `TYPE:ID`; in
// double quotes it is a JSON string. OWNER is the stated resource.org. MEMBERS
// is subject={...}, action={...} or resource={...}: further properties.
// CONTEXT is a JSON object. The other forms give the whole body, as JSON on
// one line, or as a Go string literal where it is not even that:
//
//	body {"subject":...} => WANT
//	raw "{\"subject\":\xff}" => WANT
//
// WANT is `400` for a bad request, or a reason of specification 1.8, the layer
// that decided (`none`, `organization`, `bucket`, `iam`), and the determining
// statements: `b#1` is the second statement of the one file whose path, without
// its ending, is `b` or ends in `/b`. In the iam layer `p!ID` is a binding
// (`p!#1` the second, where it has no id), `p!defaults#1` the second member role
// of the file, `p!token/NAME` an organization token, `p!issuer/NAME#1` the second
// rule of an issuer, `p!ID` a default record; `built-in` is the file of what is
// built in. An allow and every `..._deny` name all of them; other denials have
// none. `open=N` is the obligation of an allow.
//
// Anywhere, `<<N:TEXT>>` stands for TEXT N times, and `<<N,TEXT>>` for TEXT N
// times with commas between; a `#` in TEXT is the number of the copy, from 0.
//
// # Documents
//
// A section's `documents PATH` file holds whole policy files, one a line, each
// a world of its own: PATH has that content. `ask` lines are the left sides of
// request lines, and a `good` row has one WANT for each of them; a `bad` row
// has to be refused, and every ask then is denied because its unit has no good
// content; so has a `clash` row, a file of iam/ that is good by itself, with its
// whole iam/. With a `template`, rows hold what stands in place of its `@`:
//
//	ask o1 coreweave/u1 s3:GetObject b/k
//	ask o1 coreweave/u1 s3:ListBucket b
//	let yes = allowed bucket all#0 b#0
//	template {"Version":"2012-10-17","Statement":{"Effect":"Allow",@}}
//	good "Principal":"*","Action":"s3:*","Resource":"*" => yes ; yes
//	bad  "Principal":"*","Action":"s3:*"
//
// `raw "..."` as a row is a Go string literal.
//
// # Tables
//
// A section's `table` file crosses condition operators with values of one
// condition key (`key NAME`, else `x:k`):
//
//	let miss = "x"
//	values ["a","b"]
//	columns           absent | [] | "a" | miss | ["a",miss] | {"o":1}
//	StringEquals      -        -    +     -      +            !
//	StringNotEquals   +        +    -     +      -            !
//
// `let` names a value for the columns lines below it, or, in the other files,
// a WANT.
//
// A cell is two cases: bucket `allow` has an Allow with the row's condition,
// bucket `deny` an Allow without condition and a Deny with it. `+` says that
// the condition holds in both, `-` in neither, and `!` that it is false in the
// Allow and true in the Deny: a value that the operator cannot read.
// Blanks are free.
package conformance
