package loader_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"postern/index"
	"postern/loader"
	"postern/policy"
)

// A Loader keeps the snapshot in force at what a directory says. A broken file
// leaves its last good content in force. A program that serves calls Run after
// Load, which follows changes.
func Example() {
	root, err := os.MkdirTemp("", "policies")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	write := func(name, text string) {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			panic(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			panic(err)
		}
	}
	write("acme/access-policies/staff.json", `{"version": "v1alpha1", "name": "staff", "statements": [
		{"name": "read", "effect": "Allow", "actions": ["s3:GetObject"], "resources": ["reports/*"], "principals": ["role/analyst"]}]}`)
	write("acme/buckets.json", `{"buckets": ["reports"]}`)

	current := new(index.Current)
	l, err := loader.New(loader.Config{Root: root, Current: current})
	if err != nil {
		fmt.Println(err)
		return
	}
	load := func() {
		if err := l.Load(context.Background()); err != nil {
			panic(err) // the directory itself could not be read
		}
		for _, unit := range l.Status().Quarantined {
			fmt.Println(unit.Diagnostics[0])
		}
		d := current.Load().Decide(&policy.Request{
			Principal: policy.Principal{Org: "acme", IDs: []string{"role/analyst"}},
			Action:    "s3:GetObject",
			Resource:  policy.Resource{Kind: policy.ResourceObject, Type: "object", ID: "reports/2026.csv"},
		}, new(index.Scratch))
		fmt.Println("generation", d.Generation, d.Outcome, d.Reason)
	}
	load()
	write("acme/access-policies/staff.json", `{"version": "v1alpha1", "name": "staff"`)
	load()
	write("acme/access-policies/staff.json", `{"version": "v1alpha1", "name": "staff", "statements": [
		{"name": "nobody", "effect": "Deny", "actions": ["s3:*"], "resources": ["*"], "principals": ["*"]}]}`)
	load()
	// Output:
	// generation 1 Allow allowed
	// acme/access-policies/staff.json:1:40: the text ends inside an object or a list
	// generation 1 Allow allowed
	// generation 2 ExplicitDeny organization_deny
}
