package lowered

import (
	"postern/index/internal/glob"
	"postern/policy"
)

// Entity states facts about a resource or a principal (specification 2).
type Entity struct {
	// Resource is `type:id`, Principal an identifier; one of them is set.
	Resource, Principal string
	// Properties are the facts, with folded keys. Tags are those of a resource.
	Properties []policy.Attribute
	Tags       []policy.Tag
	TagsKnown  bool
}

// ResourceUID returns the program of the resource pattern `type:uid:UID`. With
// an empty uid it is the program that matches any resource of the type whose
// uid is not known. A list of resources that has a program of a uid has this
// one too.
func ResourceUID(resourceType, uid string) string { return resourceType + glob.UID + uid }
