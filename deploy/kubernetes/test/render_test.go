package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// manifests is the folder with the base and the overlays.
const manifests = ".."

// overlays are the folders that kustomize renders, the base among them.
func overlays(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(manifests, "overlays", "*", "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"base"}
	for _, f := range found {
		names = append(names, "overlays/"+filepath.Base(filepath.Dir(f)))
	}
	if want := []string{"base", "overlays/configmap", "overlays/git-sync", "overlays/sync"}; !slices.Equal(names, want) {
		t.Fatalf("the folders are %q, want %q", names, want)
	}
	return names
}

// objects are what a folder renders to.
type objects struct {
	deployment appsv1.Deployment
	configMaps map[string]corev1.ConfigMap
}

// documents are the objects that kustomize renders, as YAML.
func documents(t *testing.T, folder string) [][]byte {
	t.Helper()
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(manifests, folder))
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for _, r := range rendered.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, text)
	}
	return out
}

func render(t *testing.T, folder string) objects {
	t.Helper()
	o := objects{configMaps: map[string]corev1.ConfigMap{}}
	for _, text := range documents(t, folder) {
		if err := o.add(text); err != nil {
			t.Fatalf("%s: %v\n%s", folder, err, text)
		}
	}
	if o.deployment.Name == "" {
		t.Fatalf("%s has no Deployment", folder)
	}
	return o
}

// add reads one object as the API server does that is asked to refuse what it does not
// know: a field that the type does not have, also in another case, and one that stands
// twice are errors.
func (o *objects) add(text []byte) error {
	var of struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal(text, &of); err != nil {
		return err
	}
	switch of.APIVersion + " " + of.Kind {
	case "apps/v1 Deployment":
		return strict(text, &o.deployment)
	case "v1 ConfigMap":
		var m corev1.ConfigMap
		err := strict(text, &m)
		o.configMaps[m.Name] = m
		return err
	}
	return fmt.Errorf("an object of the kind %s, version %s, is not expected", of.Kind, of.APIVersion)
}

func strict(text []byte, into any) error {
	data, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	unknown, err := kjson.UnmarshalStrict(data, into)
	return errors.Join(append(unknown, err)...)
}

// TestObjectsAreOfTheirTypes: what each folder renders to is what the types of
// Kubernetes know, and nothing else.
func TestObjectsAreOfTheirTypes(t *testing.T) {
	for _, folder := range overlays(t) {
		render(t, folder)
	}
}

// TestMistypedFieldsAreRefused renames each field of each object in its turn, and
// writes each in another case: every one is refused.
func TestMistypedFieldsAreRefused(t *testing.T) {
	n := 0
	for _, folder := range overlays(t) {
		for _, text := range documents(t, folder) {
			var whole any
			if err := yaml.Unmarshal(text, &whole); err != nil {
				t.Fatal(err)
			}
			each(whole, "", func(m map[string]any, key, path string) {
				for _, wrong := range []string{key + "s", strings.ToUpper(key[:1]) + key[1:]} {
					n++
					m[wrong] = m[key]
					value := m[key]
					delete(m, key)
					data, err := json.Marshal(whole)
					if err != nil {
						t.Fatal(err)
					}
					if o := (objects{configMaps: map[string]corev1.ConfigMap{}}); o.add(data) == nil {
						t.Errorf("%s: %s is taken as %s", folder, path, wrong)
					}
					delete(m, wrong)
					m[key] = value
				}
			})
		}
	}
	if n < 500 {
		t.Errorf("%d fields were mistyped only", n)
	}
}

// freeMaps are the maps whose keys are anybody's.
var freeMaps = []string{"labels", "matchLabels", "data", "requests", "limits"}

// each calls f for each field of a document, but for those of maps that are free.
func each(of any, path string, f func(m map[string]any, key, path string)) {
	switch of := of.(type) {
	case map[string]any:
		keys := []string{}
		for key := range of {
			keys = append(keys, key)
		}
		for _, key := range keys {
			f(of, key, path+"."+key)
			if !slices.Contains(freeMaps, key) {
				each(of[key], path+"."+key, f)
			}
		}
	case []any:
		for i, item := range of {
			each(item, fmt.Sprintf("%s[%d]", path, i), f)
		}
	}
}
