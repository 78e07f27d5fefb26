package test

import (
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// user is the number of the user that the image is made for.
const user = 65532

// containers are all of a pod, sidecars first.
func containers(spec *corev1.PodSpec) []*corev1.Container {
	var out []*corev1.Container
	for i := range spec.InitContainers {
		out = append(out, &spec.InitContainers[i])
	}
	for i := range spec.Containers {
		out = append(out, &spec.Containers[i])
	}
	return out
}

// eachPod runs a test on the pod of each folder.
func eachPod(t *testing.T, f func(t *testing.T, o objects, spec *corev1.PodSpec)) {
	for _, folder := range overlays(t) {
		t.Run(folder, func(t *testing.T) {
			o := render(t, folder)
			f(t, o, &o.deployment.Spec.Template.Spec)
		})
	}
}

// TestConfinement: no container is root or becomes it, writes its root file system, or
// has a capability or a system call that the default profile has not.
func TestConfinement(t *testing.T) {
	eachPod(t, func(t *testing.T, _ objects, spec *corev1.PodSpec) {
		p := spec.SecurityContext
		if p == nil || p.RunAsNonRoot == nil || !*p.RunAsNonRoot || p.RunAsUser == nil || *p.RunAsUser != user || p.RunAsGroup == nil || *p.RunAsGroup != user ||
			p.FSGroup == nil || *p.FSGroup != user || p.SeccompProfile == nil || p.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Errorf("the pod is not confined: %+v", p)
		}
		if spec.HostNetwork || spec.HostPID || spec.HostIPC || spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
			t.Error("the pod has something of its host, or a token of the cluster")
		}
		for _, c := range containers(spec) {
			s := c.SecurityContext
			if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation ||
				s.Privileged != nil || s.Capabilities == nil || len(s.Capabilities.Add) > 0 || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) ||
				s.SeccompProfile != nil || s.RunAsNonRoot != nil || s.RunAsUser != nil && *s.RunAsUser < user {
				t.Errorf("%s is not confined: %+v", c.Name, s)
			}
			if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().Cmp(*c.Resources.Requests.Memory()) < 0 {
				t.Errorf("%s: its resources are %+v", c.Name, c.Resources)
			}
			// What README.md promises beside the policies: at most 512 MB.
			if c.Name == "postern" && c.Resources.Limits.Memory().Value() < 1<<30 {
				t.Errorf("postern may have %s", c.Resources.Limits.Memory())
			}
		}
	})
}

// TestMounts: every mount names a volume and every volume is mounted, what is written is
// an emptyDir, and what a volume is filled from is there or is the documented Secret.
func TestMounts(t *testing.T) {
	eachPod(t, func(t *testing.T, o objects, spec *corev1.PodSpec) {
		volumes, mounted := map[string]corev1.Volume{}, map[string]bool{}
		for _, v := range spec.Volumes {
			if _, twice := volumes[v.Name]; twice {
				t.Errorf("two volumes are called %s", v.Name)
			}
			volumes[v.Name] = v
			if v.Projected != nil {
				for _, s := range v.Projected.Sources {
					if s.ConfigMap == nil {
						t.Fatalf("a source of %s is no ConfigMap", v.Name)
					}
					data := o.configMaps[s.ConfigMap.Name].Data
					if len(s.ConfigMap.Items) != len(data) {
						t.Errorf("%s has %d keys, and %d of them are laid out", s.ConfigMap.Name, len(data), len(s.ConfigMap.Items))
					}
					for _, item := range s.ConfigMap.Items {
						if _, there := data[item.Key]; !there {
							t.Errorf("%s has no key %s", s.ConfigMap.Name, item.Key)
						}
					}
				}
			}
			if s := v.Secret; s != nil && (s.SecretName != "postern-sync" || s.DefaultMode == nil || *s.DefaultMode != 0o440) {
				t.Errorf("the Secret is %s, its mode %o", s.SecretName, *s.DefaultMode)
			}
		}
		for _, c := range containers(spec) {
			at := map[string]bool{}
			for _, m := range c.VolumeMounts {
				v, there := volumes[m.Name]
				mounted[m.Name] = true
				switch {
				case !there:
					t.Errorf("%s mounts %s, which is no volume", c.Name, m.Name)
				case at[m.MountPath] || !path.IsAbs(m.MountPath):
					t.Errorf("%s mounts %s at %s", c.Name, m.Name, m.MountPath)
				case m.SubPath != "" || m.SubPathExpr != "":
					t.Errorf("%s mounts a part of %s, which would never change", c.Name, m.Name)
				case !m.ReadOnly && v.EmptyDir == nil:
					t.Errorf("%s writes to %s, which is no emptyDir", c.Name, m.Name)
				case c.Name == "postern" && m.Name == "policies" && !m.ReadOnly:
					t.Error("postern may write policies")
				}
				at[m.MountPath] = true
			}
		}
		for name := range volumes {
			if !mounted[name] {
				t.Errorf("nobody mounts %s", name)
			}
		}
	})
}

// TestSidecars: postern is a native sidecar, and the last of them, as it may wait for
// what the others bring; what a probe asks is there.
func TestSidecars(t *testing.T) {
	paths := imagePaths(t)
	eachPod(t, func(t *testing.T, o objects, spec *corev1.PodSpec) {
		if last := spec.InitContainers[len(spec.InitContainers)-1]; last.Name != "postern" {
			t.Errorf("%s starts after postern", last.Name)
		}
		for _, c := range spec.InitContainers {
			if c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways {
				t.Errorf("%s is no native sidecar", c.Name)
			}
			if c.LivenessProbe == nil {
				t.Errorf("nobody asks whether %s is alive", c.Name)
			}
			for _, p := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
				switch {
				case p == nil:
				case p.Exec != nil:
					if !slices.Contains(paths, p.Exec.Command[0]) {
						t.Errorf("%s: the image has no %s", c.Name, p.Exec.Command[0])
					}
				case p.HTTPGet != nil:
					if _, ok := port(&c, p.HTTPGet.Port.String()); !ok {
						t.Errorf("%s has no port %s", c.Name, p.HTTPGet.Port.String())
					}
				default:
					t.Errorf("%s: a probe asks nothing", c.Name)
				}
			}
			if c.Image == "postern" && len(c.Command) > 0 && !slices.Contains(paths, c.Command[0]) {
				t.Errorf("%s: the image has no %s", c.Name, c.Command[0])
			}
		}
		labels := o.deployment.Spec.Template.Labels
		for key, value := range o.deployment.Spec.Selector.MatchLabels {
			if labels[key] != value {
				t.Errorf("the Deployment does not select its own pods by %s", key)
			}
		}
	})
}

// port is the number of a container's port by its name.
func port(c *corev1.Container, name string) (int32, bool) {
	for _, p := range c.Ports {
		if p.Name == name {
			return p.ContainerPort, true
		}
	}
	return 0, false
}

// imagePaths are the programs of the image, as its Containerfile copies them to its root.
func imagePaths(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../container/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	copied := regexp.MustCompile(`(?m)^COPY --from=build (.+) /$`).FindStringSubmatch(string(text))
	if copied == nil || !strings.Contains(string(text), "\nUSER 65532:65532\n") || !strings.Contains(string(text), "\nENTRYPOINT [\"/postern\"]\n") {
		t.Fatalf("the image is not what the manifests expect:\n%s", text)
	}
	return strings.Fields(copied[1])
}
