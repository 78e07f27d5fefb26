package test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// readable and closed are the policies of a bucket that the role analyst may read, and
// may not.
var (
	readable = bucketPolicy("Allow")
	closed   = bucketPolicy("Deny")
)

func bucketPolicy(effect string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"` + effect + `","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::reports","arn:aws:s3:::reports/*"]}}`
}

// staff lets the role analyst read everything, as far as buckets let it.
const staff = `{"version":"v1alpha1","name":"staff","statements":[{"name":"read","effect":"Allow","actions":["s3:GetObject"],"resources":["*"],"principals":["role/analyst"]}]}`

// TestProbesWithoutPolicies: without policies postern has not started, so that the
// workload waits, and is alive, so that nobody restarts it; then policies come.
func TestProbesWithoutPolicies(t *testing.T) {
	k := newKubelet(t, "base")
	k.start(nil, func(c *corev1.Container) {
		k.await("it is alive", func() error { return k.probe(c, c.LivenessProbe) })
		k.refuses("startup", c, c.StartupProbe, "not ready: 503")
		k.refuses("readiness", c, c.ReadinessProbe, "not ready: 503")
		k.passes("liveness", c, c.LivenessProbe)
		write(t, k.volumes["policies"], map[string]string{"acme/access-policies/staff.json": staff, "acme/buckets/reports.json": readable})
	})
	k.passes("readiness", k.sidecar("postern"), k.sidecar("postern").ReadinessProbe)
	k.decides("it decides", "reports/x", true)
	k.stop()
}

// TestUnknownFlagsAreRefused: a manifest that gives postern a flag that it does not have
// does not start, so that the other tests would see it.
func TestUnknownFlagsAreRefused(t *testing.T) {
	k := newKubelet(t, "base")
	c := k.sidecar("postern").DeepCopy()
	for i, a := range c.Args {
		c.Args[i] = strings.Replace(a, "-metrics-listen", "-metric-listen", 1)
	}
	out, err := k.command(t.Context(), c, append([]string{"/postern"}, c.Args...)).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "flag provided but not defined: -metric-listen") {
		t.Errorf("%v: %s", err, out)
	}
}
