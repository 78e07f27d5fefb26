// Package layout has the parts of which policies consist, wherever they come from
// (specification 4): the parts of an organization, the names that each may have,
// the Place of each unit, and the Sum that identifies its content. A place has a
// path such as `o1/buckets/b.json`. Messages, the digest and the mirror use it as a
// name; in a policy directory it is also where the unit lies.
package layout
