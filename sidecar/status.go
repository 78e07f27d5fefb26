package sidecar

import (
	"strconv"
	"strings"
	"time"

	"postern/policy"
)

// metadataPage is what the standard's discovery asks for: endpoints only for
// what is there, and URLs that do not come from the request.
type metadataPage struct{}

func (metadataPage) show(x *exchange) reply {
	s := x.server
	s.mu.Lock()
	base := s.base
	s.mu.Unlock()
	if base == "" { // a Unix socket alone
		base = "http://localhost"
	}
	b := append(x.buf[:0], `{"policy_decision_point":`...)
	b = appendString(b, base)
	for _, e := range table {
		if e.metadata != "" {
			b = append(append(append(b, `,"`...), e.metadata...), `":`...)
			b = appendString(b, base+e.path)
		}
	}
	x.buf = append(b, '}')
	return x.json(200)
}

// healthPage says that the process serves.
type healthPage struct{}

func (healthPage) show(x *exchange) reply {
	x.buf = append(x.buf[:0], `{"status":"ok"}`...)
	return x.json(200)
}

// notReady says why /readyz is 503; "" if it is 200, which it stays whatever
// becomes of the policies (specification 3.2).
func (s *Server) notReady(status *policy.Status) string {
	switch {
	case s.config.Current.Load() == nil && status.HeldTransaction:
		return "a transaction holds the policy directory, and there is nothing to decide by until .hold is gone: a state directory has none of its policies, or there is none (-state)"
	case s.config.Current.Load() == nil:
		return "the policies are being loaded for the first time"
	case s.wasReady.Load():
	case !s.config.AllowEmpty && !status.Held():
		return "the policy directory holds no policy file yet, so that everything is denied; put one there, as in ORG/access-policies/NAME.json, or start with -allow-empty if that is meant"
	default:
		s.wasReady.Store(true)
	}
	return ""
}

// readyPage says whether policies are in force, and what is wrong with them.
type readyPage struct{}

func (readyPage) show(x *exchange) reply {
	s := x.server
	status, code, generation, digest := s.config.Status(), 200, uint64(0), policy.Digest{}
	snapshot := s.config.Current.Load()
	if snapshot != nil {
		generation, digest = snapshot.Generation(), snapshot.Digest()
	}
	why := s.notReady(status)
	if why != "" {
		code = 503
	}
	b := append(x.buf[:0], `{"ready":`...)
	b = strconv.AppendBool(b, why == "")
	if why != "" {
		b = append(b, `,"reason":`...)
		b = appendString(b, why)
	}
	b = append(b, `,"generation":`...)
	b = strconv.AppendUint(b, generation, 10)
	b = append(b, `,"digest":`...)
	b = appendDigest(b, digest)
	b = appendCount(b, "organizations", len(status.Organizations))
	b = appendCount(b, "statements", statements(status))
	b = appendCount(b, "buckets", status.Buckets)
	b = appendCount(b, "files", status.Files)
	b = appendFailure(b, status)
	b = appendHold(b, status)
	b = appendUnits(b, status.Quarantined)
	x.buf = append(b, '}')
	return x.json(code)
}

// appendFailure says why the policy directory could not be looked at, if so,
// and what is wrong with the state directory.
func appendFailure(b []byte, status *policy.Status) []byte {
	for _, f := range []struct{ member, text string }{{`,"failure":`, status.Failure}, {`,"state_failure":`, status.StateFailure}} {
		if f.text != "" {
			b = appendString(append(b, f.member...), f.text)
		}
	}
	return b
}

// longHold is the age from which a hold that stands is warned about.
const longHold = 60 * time.Second

// appendHold says how long POLICIES/.hold has kept new policies from being
// published, if it does (specification 4, One generation).
func appendHold(b []byte, status *policy.Status) []byte {
	if status.HeldSince.IsZero() {
		return b
	}
	age := time.Since(status.HeldSince)
	b = append(b, `,"hold":{"age_seconds":`...)
	b = strconv.AppendInt(b, int64(age.Seconds()), 10)
	b = append(b, `,"transaction":`...)
	b = strconv.AppendBool(b, status.HeldTransaction)
	if age > longHold {
		b = append(b, `,"warning":"nothing new is published until .hold is gone from the policy directory, and it has stood for more than 60 s; see whether what wrote it still works"`...)
	}
	return append(b, '}')
}

// statusPage describes the policies in force.
type statusPage struct{}

func (statusPage) show(x *exchange) reply {
	s := x.server
	status := s.config.Status()
	b := append(x.buf[:0], `{"version":`...)
	b = appendString(b, s.config.Version)
	b = append(b, `,"generation":`...)
	b = strconv.AppendUint(b, status.Generation, 10)
	b = append(b, `,"digest":`...)
	b = appendDigest(b, status.Digest)
	b = append(b, `,"last_reload":`...)
	b = appendTime(b, status.FinishedAt)
	b = append(b, `,"last_reload_seconds":`...)
	b = strconv.AppendFloat(b, status.Duration.Seconds(), 'f', -1, 64)
	b = append(b, `,"last_reload_result":`...)
	b = appendString(b, status.Result.String())
	b = appendFailure(b, status)
	b = appendHold(b, status)
	b = append(b, `,"last_success":`...)
	b = appendTime(b, status.LastSuccess)
	b = appendCount(b, "statements", statements(status))
	b = appendCount(b, "buckets", status.Buckets)
	b = appendCount(b, "files", status.Files)
	b = append(b, `,"snapshot_bytes":`...)
	b = strconv.AppendInt(b, status.SnapshotBytes, 10)
	b = append(b, `,"organizations":[`...)
	for i, o := range status.Organizations {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":`...)
		b = appendString(b, o.Name)
		b = appendCount(b, "statements", o.Statements)
		b = appendCount(b, "buckets", o.Buckets)
		b = appendCount(b, "files", o.Files)
		b = append(appendUnits(b, unitsOf(status, o.Name)), '}')
	}
	b = append(b, ']')
	b = appendUnits(b, status.Quarantined)
	b = appendCount(b, "warning_count", status.WarningCount)
	b = append(b, `,"warnings":`...)
	x.buf = append(appendDiagnostics(b, status.Warnings), '}')
	return x.json(200)
}

func statements(status *policy.Status) (n int) {
	for _, layer := range status.Statements {
		n += layer
	}
	return n
}

// unitsOf are the quarantined units of one organization.
func unitsOf(status *policy.Status, org string) (out []policy.QuarantinedUnit) {
	for _, u := range status.Quarantined {
		if strings.HasPrefix(u.Unit, org+"/") {
			out = append(out, u)
		}
	}
	return out
}

// appendUnits appends the member `quarantined`.
func appendUnits(b []byte, units []policy.QuarantinedUnit) []byte {
	b = append(b, `,"quarantined":[`...)
	for i, u := range units {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"unit":`...)
		b = appendString(b, u.Unit)
		b = append(b, `,"since":`...)
		b = appendTime(b, u.Since)
		b = append(b, `,"last_good":`...)
		b = strconv.AppendBool(b, u.LastGood)
		b = append(b, `,"errors":`...)
		b = append(appendDiagnostics(b, u.Diagnostics), '}')
	}
	return append(b, ']')
}

// appendDiagnostics appends a list of `file:line:column: message`.
func appendDiagnostics(b []byte, list []policy.Diagnostic) []byte {
	b = append(b, '[')
	for i, d := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, d.String())
	}
	return append(b, ']')
}
