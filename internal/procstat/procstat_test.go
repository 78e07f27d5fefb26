package procstat

import (
	"runtime"
	"strings"
	"testing"
)

// TestRead: every source is one that this Go has, and every figure is named and
// described once, as promtool wants it.
func TestRead(t *testing.T) {
	held := make([]byte, 64<<20)
	for i := range held {
		held[i] = 1 // resident
	}
	figures := Read()
	runtime.KeepAlive(held)
	seen := map[string]float64{}
	for _, f := range figures {
		if _, twice := seen[f.Name]; twice || f.Help == "" || f.Value < 0 || (f.Kind == "counter") != strings.HasSuffix(f.Name, "_total") {
			t.Errorf("%+v", f)
		}
		seen[f.Name] = f.Value
	}
	for _, s := range sources {
		if _, ok := seen[s.Name]; !ok {
			t.Errorf("%s: there is no %s", s.Name, s.from)
		}
	}
	if runtime.GOOS != "linux" {
		return
	}
	for _, name := range []string{"process_resident_memory_bytes", "process_resident_memory_peak_bytes", "process_virtual_memory_bytes", "go_memstats_heap_alloc_bytes"} {
		if seen[name] < float64(len(held)) {
			t.Errorf("%s = %v, and %d bytes are held", name, seen[name], len(held))
		}
	}
	for _, name := range []string{"process_threads", "process_open_fds", "process_max_fds", "process_cpu_seconds_total", "go_goroutines", "process_start_time_seconds"} {
		if seen[name] <= 0 {
			t.Errorf("%s = %v", name, seen[name])
		}
	}
}
