package sidecar

import (
	"strings"
	"testing"
	"time"

	"postern/policy"
)

// "its age stands in `/readyz` (a warning past 60 s) and in a metric"
func TestHoldAge(t *testing.T) {
	for age, warned := range map[time.Duration]bool{0: false, 5 * time.Second: false, 75 * time.Second: true} {
		status := &policy.Status{}
		if age > 0 {
			status.HeldSince, status.HeldTransaction = time.Now().Add(-age), true
		}
		s := serve(t, func(c *Config) { c.Status = func() *policy.Status { return status } })
		for _, path := range []string{"/readyz", "/v1/status"} {
			body := s.ask(t, get(path)).body
			if want := `"hold":{"age_seconds":`; strings.Contains(body, want) != (age > 0) {
				t.Errorf("%v: %s", age, body)
			}
			if strings.Contains(body, "has stood for more than 60 s") != warned {
				t.Errorf("%v: %s", age, body)
			}
			if age > 0 && !strings.Contains(body, `"transaction":true`) {
				t.Errorf("%v: %s", age, body)
			}
		}
		got := metric(t, s.ask(t, get("/metrics")).body, "postern_hold_age_seconds")
		if got < age.Seconds() || got > age.Seconds()+60 || age == 0 && got != 0 {
			t.Errorf("%v: the metric is %v", age, got)
		}
	}
}
