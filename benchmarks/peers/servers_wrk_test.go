package peers

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// turnOfServer is how long wrk loads one server in one turn.
const turnOfServer = 3 * time.Second

// figures are what wrk measured, latencies in microseconds.
type figures struct{ perSecond, p50, p99 float64 }

// wrk loads a server with the questions of a file at 32 connections. An answer
// that is lost or no 200 is an error.
func wrk(ctx context.Context, address, path, questions string) (figures, error) {
	cmd := exec.CommandContext(ctx, "wrk", "-t2", "-c32", "--timeout", "30s", fmt.Sprintf("-d%.0fs", turnOfServer.Seconds()), "-s", "servers.lua", "http://"+address, "--", path, questions)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return figures{}, fmt.Errorf("wrk (Debian's package wrk): %v\n%s", err, out)
	}
	return readWrk(string(out))
}

// readWrk reads the line that servers.lua prints.
func readWrk(out string) (f figures, err error) {
	for line := range strings.Lines(out) {
		var requests, microseconds, errors float64
		n, _ := fmt.Sscanf(line, "figures: %g requests in %g us, %g errors, p50 %g us, p99 %g us", &requests, &microseconds, &errors, &f.p50, &f.p99)
		switch {
		case n == 0:
			continue
		case n < 5 || requests == 0 || microseconds == 0:
			return f, fmt.Errorf("wrk printed %q", line)
		case errors > 0:
			return f, fmt.Errorf("%.0f of %.0f requests were not answered with 200", errors, requests)
		}
		f.perSecond = requests / microseconds * 1e6
		return f, nil
	}
	return f, fmt.Errorf("wrk printed no figures: %s", out)
}

// TestWrkIsRead reads what servers.lua prints, and takes nothing else for
// figures.
func TestWrkIsRead(t *testing.T) {
	const good = "Running 4s test\n  2 threads and 32 connections\nfigures: 200000 requests in 4000000 us, 0 errors, p50 310 us, p99 1250 us\n"
	if f, err := readWrk(good); err != nil || f != (figures{50_000, 310, 1250}) {
		t.Errorf("%+v, %v", f, err)
	}
	for _, bad := range []string{
		"", "Requests/sec: 12\n", "figures: 12 requests\n",
		strings.Replace(good, "0 errors", "1 errors", 1), strings.Replace(good, "200000 requests", "0 requests", 1),
	} {
		if f, err := readWrk(bad); err == nil {
			t.Errorf("%q: %+v", bad, f)
		}
	}
}
