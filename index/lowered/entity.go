package lowered

import (
	"postern/index/internal/glob"
	"postern/policy"
)

// Entity states facts about a resource or a principal (specification 2).
type Entity struct {
	// Resource is `type:id`, Principal an identifier; one of them is set.
	Resource, Principal string
	// Properties are the facts, with keys folded; Tags those of a resource.
	Properties []policy.Attribute
	Tags       []policy.Tag
	TagsKnown  bool
}

// ResourceUID is the program of the resource pattern `type:uid:UID`; with an
// empty uid, of any resource of that type whose uid is not known. A list of
// resources that has the former has the latter too.
func ResourceUID(resourceType, uid string) string { return resourceType + glob.UID + uid }
