package loader

import (
	"strings"
	"testing"

	"postern/policy"
)

// Specification 1.3: "A folder of such an organization that vanishes is a fault
// until it is back or SIGHUP."
func TestPlatformFolderVanishes(t *testing.T) {
	start := func(platform ...string) *testTree {
		tr := emptyTree(t)
		tr.config.PlatformOrganizations = platform
		tr.write("o1/access-policies/a.json", allowAll("a"))
		tr.write("o1/buckets/b.json", allowBucket("b"))
		tr.write("o2/access-policies/none.json", `{"version":"v1alpha1","name":"none","statements":[
			{"name":"s","effect":"Deny","actions":["s3:*"],"resources":["*"],"principals":["*"]}]}`)
		tr.start()
		tr.want("o2", "b", policy.OrganizationDeny)
		return tr
	}
	for _, away := range []func(tr *testTree){
		func(tr *testTree) { tr.rename("o2", "..o2") },
		func(tr *testTree) { tr.rename("o2", "..o2"); tr.write("o2", "a file") },
	} {
		tr := start("o2", "o3")
		away(tr)
		for range 3 {
			tr.load()
			tr.want("o2", "b", policy.OrganizationDeny)
			tr.want("o1", "b", allowed)
			tr.wantError("o2: the folder of this platform organization has vanished")
		}
		tr.remove("o2")
		tr.rename("..o2", "o2")
		tr.load()
		tr.want("o2", "b", policy.OrganizationDeny)
		tr.wantUnits()
		away(tr)
		tr.load()
		tr.want("o2", "b", policy.OrganizationDeny)
		tr.sighup()
		tr.want("o2", "b", allowed)
		if !strings.Contains(tr.log.String(), "platform organization o2 has no folder any more: its callers need only what the policies of other organizations' buckets allow them") {
			t.Errorf("logged %s", tr.log)
		}
		tr.wantUnits()
		tr.load()
		tr.want("o2", "b", allowed)
	}

	// Of another organization it is a removal, and leaves nobody with access.
	tr := start("o3")
	tr.rename("o2", "..o2")
	tr.load()
	tr.want("o2", "b", policy.NoOrganizationPolicy)
	tr.wantUnits()

	// It may not have had one at all.
	tr.want("o3", "b", allowed)
	tr.mkdir("o3")
	tr.load()
	tr.want("o3", "b", policy.NoOrganizationPolicy)
}

// With -state that fault outlives a restart, as any does (specification 4,
// Restart), whenever the process is killed; and the folder may vanish while it
// is down.
func TestPlatformFolderVanishesAndRestart(t *testing.T) {
	for _, when := range []string{"before", "before, and killed", "while down"} {
		tr := emptyTree(t)
		tr.config.PlatformOrganizations = []string{"o2", "o3"}
		tr.config.StateDir = t.TempDir()
		tr.write("o1/access-policies/a.json", allowAll("a"))
		tr.write("o1/buckets/b.json", allowBucket("b"))
		tr.write("o2/access-policies/none.json", strings.Replace(allowAll("none"), "Allow", "Deny", 1))
		tr.start()
		tr.rename("o2", "..o2")
		if when != "while down" {
			tr.look(when == "before, and killed")
		}
		for i := range 3 {
			tr.open()
			tr.look(i == 0)
			tr.want("o2", "b", policy.OrganizationDeny)
			tr.want("o3", "b", allowed)
			tr.wantError("o2: the folder of this platform organization has vanished")
		}
		tr.rename("..o2", "o2")
		tr.load()
		tr.wantUnits()
		tr.want("o2", "b", policy.OrganizationDeny)
		tr.remove("o2")
		tr.start()
		tr.want("o2", "b", policy.OrganizationDeny)
		tr.sighup()
		tr.wantUnits()
		tr.want("o2", "b", allowed)
		tr.start()
		tr.wantUnits()
		tr.want("o2", "b", allowed)
	}
}
